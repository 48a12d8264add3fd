import type { Pod } from '../controllers/object-types.ts';
import { find } from '../controllers/objects.ts';
import type { Store } from '../kube/store.ts';

/** A ConfigMap or Secret that is needed and not there; the message is the kubelet's. */
export class MissingReference extends Error {}

interface Reference {
  name?: string;
  optional?: boolean;
}

/** The data of a ConfigMap; undefined when it is optional and absent. Throws a MissingReference. */
export const readConfigMap = (store: Store, pod: Pod, { name = '', optional = false }: Reference): Map<string, Buffer> | undefined => {
  const found = find(store, 'configmaps', pod.metadata.namespace, name);
  if (!found) return missing(`configmap "${name}" not found`, optional);
  const texts = Object.entries(found.data ?? {}).map(([key, text]): [string, Buffer] => [key, Buffer.from(text)]);
  return new Map([...texts, ...decode(found.binaryData)]);
};

/** As `readConfigMap`. */
export const readSecret = (store: Store, pod: Pod, { name = '', optional = false }: Reference): Map<string, Buffer> | undefined => {
  const found = find(store, 'secrets', pod.metadata.namespace, name);
  return found ? new Map(decode(found.data)) : missing(`secret "${name}" not found`, optional);
};

const decode = (data: Record<string, string> | undefined): [string, Buffer][] => Object.entries(data ?? {}).map(([key, encoded]) => [key, Buffer.from(encoded, 'base64')]);

const missing = (message: string, optional: boolean): undefined => {
  if (!optional) throw new MissingReference(message);
};

/** What of a pod its own containers may ask for: `metadata.name`, `metadata.labels['app']`, `status.podIP`. */
export const readPodField = (pod: Pod, path: string, { podIp, hostIp }: { podIp: string; hostIp: string }): string => {
  const [, group, key] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path) ?? [];
  if (group !== undefined && key !== undefined) return (group === 'labels' ? pod.metadata.labels : pod.metadata.annotations)?.[key] ?? '';
  const fields: Record<string, string | undefined> = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace,
    'metadata.uid': pod.metadata.uid,
    'metadata.labels': renderMap(pod.metadata.labels),
    'metadata.annotations': renderMap(pod.metadata.annotations),
    'spec.nodeName': pod.spec?.nodeName,
    'spec.serviceAccountName': pod.spec?.serviceAccountName ?? 'default',
    'status.podIP': podIp,
    'status.podIPs': podIp,
    'status.hostIP': hostIp,
    'status.hostIPs': hostIp,
  };
  return fields[path] ?? '';
};

const renderMap = (map: Record<string, string> | undefined): string =>
  Object.entries(map ?? {})
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
