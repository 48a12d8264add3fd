import { kaitoAnnotation, workspaceLabels } from '../domain/annotations.ts';
import { UsageError } from '../domain/errors.ts';
import type { KubernetesObject, ObjectReference } from '../domain/kubernetes.ts';
import type { Workspace } from '../domain/workspace.ts';
import { isJsonMap, type Json, type JsonMap } from './json.ts';
import { resolveTemplate, type Template, type Values } from './template.ts';

export interface RenderedObject {
  object: KubernetesObject;
  /** Whether it goes when the workspace goes: the owner record becomes its owner. */
  owned: boolean;
}

/** What the workload's parts are called is known beforehand: what waits for them looks for exactly that. */
export interface ObjectIdentity extends ObjectReference {
  apiVersion: string;
}

/**
 * A template filled in, with the labels and the revision that every object carries, and that its pods carry too. Throws a
 * UsageError when a template of the user's makes another object of it.
 */
export const renderObject = (template: Template, values: Values, identity: ObjectIdentity, { workspace, revision }: { workspace: Pick<Workspace, 'metadata'>; revision: number }): KubernetesObject => {
  const resolved = resolveTemplate(template, values);
  const { metadata, ...rest } = isJsonMap(resolved) ? resolved : {};
  const found = isJsonMap(metadata) ? metadata : {};
  const namespace = workspace.metadata.namespace;
  if (rest['apiVersion'] !== identity.apiVersion || rest['kind'] !== identity.kind || found['name'] !== identity.name || found['namespace'] !== namespace) {
    throw new UsageError(`Template ${template.file} makes another object than is waited for.`, {
      reason: 'InvalidTemplate',
      fact: `It must be ${identity.apiVersion} ${identity.kind} ${namespace}/${identity.name}, and is ${show(rest['apiVersion'])} ${show(rest['kind'])} ${show(found['namespace'])}/${show(found['name'])}.`,
    });
  }
  const labels = workspaceLabels(workspace.metadata.name);
  const annotations = { [kaitoAnnotation.revision]: String(revision) };
  return {
    apiVersion: identity.apiVersion,
    kind: identity.kind,
    metadata: { name: identity.name, namespace, labels: { ...textMap(found['labels']), ...labels }, annotations: { ...textMap(found['annotations']), ...annotations } },
    ...withPodMetadata(rest, labels, annotations),
  };
};

const withPodMetadata = (fields: JsonMap, labels: Record<string, string>, annotations: Record<string, string>): Record<string, Json> => {
  const { apiVersion: _, kind: __, ...rest } = fields;
  const spec = rest['spec'];
  if (!isJsonMap(spec) || !isJsonMap(spec['template'])) return rest;
  const { metadata, ...template } = spec['template'];
  const found = isJsonMap(metadata) ? metadata : {};
  const podMetadata = { ...found, labels: { ...textMap(found['labels']), ...labels }, annotations: { ...textMap(found['annotations']), ...annotations } };
  return { ...rest, spec: { ...spec, template: { metadata: podMetadata, ...template } } };
};

const textMap = (value: Json | undefined): Record<string, string> => (isJsonMap(value) ? Object.fromEntries(Object.entries(value).map(([key, text]) => [key, show(text)])) : {});

const show = (value: Json | undefined): string => (value === undefined ? 'nothing' : typeof value === 'string' ? value : JSON.stringify(value));
