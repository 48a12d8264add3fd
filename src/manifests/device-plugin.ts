import { BugError } from '../domain/errors.ts';
import type { KubernetesObject } from '../domain/kubernetes.ts';
import type { Templates } from './files.ts';
import { isJsonMap } from './json.ts';
import { resolveTemplate } from './template.ts';

/** NVIDIA's device plugin as this program installs it. */
export const renderDevicePlugin = (templates: Templates): KubernetesObject => {
  const resolved = resolveTemplate(templates.template('device-plugin'), {});
  const { kind, apiVersion, metadata, ...rest } = isJsonMap(resolved) ? resolved : {};
  const { name, namespace, labels } = isJsonMap(metadata) ? metadata : {};
  const texts = Object.entries(isJsonMap(labels) ? labels : {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  if (kind !== 'DaemonSet' || typeof apiVersion !== 'string' || typeof name !== 'string' || typeof namespace !== 'string') throw new BugError('The template device-plugin.yaml is no DaemonSet with a name and a namespace.');
  return { apiVersion, kind, metadata: { name, namespace, labels: Object.fromEntries(texts) }, ...rest };
};
