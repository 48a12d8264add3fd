import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { KubernetesObject } from '../../src/domain/kubernetes.ts';
import type { Preset } from '../../src/domain/preset.ts';
import { renderRecord } from '../../src/flow/record.ts';
import { planUnseen, type UnseenPlan } from '../../src/plan/plan-unseen.ts';
import { toWorkspaceDocument } from '../../src/plan/workspace-document.ts';
import { isRecord } from '../../src/sandbox/kube/json.ts';
import type { Store } from '../../src/sandbox/kube/store.ts';
import { catalogue, presetNamed, servingFlags, templates, tuningFlags } from '../plan/support.ts';

const planServing = (preset: Preset, name: string, namespace: string): UnseenPlan =>
  planUnseen({ kind: 'inference', flags: { ...tuningFlags(), ...servingFlags({ preset: preset.name, name, ...(preset.gated ? { modelAccessSecret: 'hf-token' } : {}) }) }, basis: undefined, namespace, catalogue, region: 'eastus', templates });

/** So many served models in a namespace, each with its record, its Deployment, a pod that runs and a node of its own. */
export const fillNamespace = (store: Store, namespace: string, count: number): void => {
  store.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace }, status: { phase: 'Active' } });
  const preset = presetNamed('phi-4-mini-instruct');
  for (let index = 0; index < count; index += 1) {
    const name = `served-${index}`;
    const { plan } = planServing(preset, name, namespace);
    const node = `${namespace}-${index}`;
    const labels = { 'kaito.sh/workspace': name, 'kaito.sh/workspacenamespace': namespace };
    const ready = [{ type: 'Ready', status: 'True' }];
    store.create('configmaps', renderRecord({ workspace: plan.workspace, revision: 1, createdAt: '2026-01-01T00:00:00Z' }));
    store.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: node, labels }, status: { allocatable: { 'nvidia.com/gpu': '1' }, conditions: ready } });
    for (const step of plan.steps) {
      if (step.kind !== 'apply' || step.object.kind !== 'Deployment') continue;
      store.create('deployments.apps', { ...step.object, status: { replicas: 1, readyReplicas: 1 } });
      store.create('pods', toPod(step.object, node, ready));
    }
  }
};

const toPod = ({ metadata, spec }: KubernetesObject, nodeName: string, conditions: unknown[]): KubernetesObject => {
  const template = isRecord(spec) && isRecord(spec['template']) ? spec['template'] : {};
  const podSpec = isRecord(template['spec']) ? template['spec'] : {};
  return { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: `${metadata.name}-pod` }, spec: { ...podSpec, nodeName }, status: { phase: 'Running', conditions } };
};

/** One Workspace file for each preset. */
export const writeWorkspaceFiles = async (folder: string): Promise<number> => {
  const documents = catalogue.map((preset) => ({ preset, plan: planServing(preset, preset.name.replaceAll('.', '-'), 'default').plan }));
  await Promise.all(documents.map(({ preset, plan }) => writeFile(join(folder, `${preset.name}.yaml`), stringify(toWorkspaceDocument(plan.workspace, preset)))));
  return documents.length;
};
