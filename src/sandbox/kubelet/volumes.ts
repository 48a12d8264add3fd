import type { Container, Pod, PodSpec } from '../controllers/object-types.ts';
import { find } from '../controllers/objects.ts';
import type { Store } from '../kube/store.ts';
import type { Files, Mount } from './files.ts';
import { readConfigMap, readPodField, readSecret, MissingReference } from './references.ts';

type PodVolume = NonNullable<PodSpec['volumes']>[number];
type Projection = NonNullable<NonNullable<PodVolume['projected']>['sources']>[number];

export interface Volume {
  files: Files;
  isReadOnly: boolean;
}

/** What outlives a pod: the content of claims by their uid, and of the nodes' own disks by node and path. */
export interface Disks {
  claims: Map<string, Files>;
  hosts: Map<string, Files>;
}

/** A volume that cannot be set up; the message is the one of the event `FailedMount`. */
export class MountError extends Error {}

export interface MountContext {
  store: Store;
  disks: Disks;
  addresses: { podIp: string; hostIp: string };
}

/** All volumes of a pod, by name. Throws a MountError. */
export const mountVolumes = (pod: Pod, context: MountContext): Map<string, Volume> =>
  new Map(
    (pod.spec?.volumes ?? []).map((volume): [string, Volume] => {
      try {
        return [volume.name, mountVolume(volume, pod, context)];
      } catch (error) {
        if (!(error instanceof MissingReference)) throw error;
        throw new MountError(`MountVolume.SetUp failed for volume "${volume.name}" : ${error.message}`, { cause: error });
      }
    }),
  );

const mountVolume = (volume: PodVolume, pod: Pod, context: MountContext): Volume => {
  const { store, disks } = context;
  if (volume.persistentVolumeClaim) {
    const { claimName, readOnly = false } = volume.persistentVolumeClaim;
    const claim = find(store, 'persistentvolumeclaims', pod.metadata.namespace, claimName);
    if (claim?.status?.phase !== 'Bound') throw new MissingReference(claim ? 'PVC is not bound' : `persistentvolumeclaim "${claimName}" not found`);
    return { files: getOrMake(disks.claims, claim.metadata.uid), isReadOnly: readOnly };
  }
  if (volume.hostPath) return { files: getOrMake(disks.hosts, `${pod.spec?.nodeName}:${volume.hostPath.path}`), isReadOnly: false };
  if (volume.configMap) return readOnly(selectItems(readConfigMap(store, pod, volume.configMap), volume.configMap, 'configmap references non-existent config key'));
  if (volume.secret) {
    const { secretName = '', ...settings } = volume.secret;
    return readOnly(selectItems(readSecret(store, pod, { name: secretName, ...settings }), settings, 'references non-existent secret key'));
  }
  if (volume.projected) return readOnly(new Map((volume.projected.sources ?? []).flatMap((source) => [...project(source, pod, context)])));
  if (volume.downwardAPI) return readOnly(project({ downwardAPI: volume.downwardAPI }, pod, context));
  if (volume.emptyDir || volume.ephemeral) return { files: new Map(), isReadOnly: false };
  throw new MissingReference('this kind of volume is not provided on this node');
};

const project = (source: Projection, pod: Pod, { store, addresses }: MountContext): Files => {
  if (source.configMap) return selectItems(readConfigMap(store, pod, source.configMap), source.configMap, 'configmap references non-existent config key');
  if (source.secret) return selectItems(readSecret(store, pod, source.secret), source.secret, 'references non-existent secret key');
  const items = source.downwardAPI?.items ?? [];
  return new Map(items.map(({ path, fieldRef }): [string, Buffer] => [path, Buffer.from(fieldRef ? readPodField(pod, fieldRef.fieldPath, addresses) : '')]));
};

const readOnly = (files: Files): Volume => ({ files, isReadOnly: true });

/** All keys as files, or those that are named, under the paths that they are given. */
const selectItems = (data: Map<string, Buffer> | undefined, { items, optional = false }: { items?: { key: string; path: string }[]; optional?: boolean }, complaint: string): Files => {
  if (!data || !items) return data ?? new Map();
  return new Map(
    items.flatMap(({ key, path }): [string, Buffer][] => {
      const content = data.get(key);
      if (content) return [[path, content]];
      if (optional) return [];
      throw new MissingReference(`${complaint}: ${key}`);
    }),
  );
};

const getOrMake = (disks: Map<string, Files>, key: string): Files => {
  const found = disks.get(key) ?? new Map<string, Buffer>();
  disks.set(key, found);
  return found;
};

/** A container's mounts; one that names no volume of the pod was refused by the API server. */
export const mountsOf = (container: Container, volumes: ReadonlyMap<string, Volume>): Mount[] =>
  (container.volumeMounts ?? []).flatMap(({ name, mountPath, subPath = '', readOnly: isReadOnly = false }) => {
    const volume = volumes.get(name);
    return volume ? [{ path: mountPath.replace(/(?<=.)\/$/, ''), files: volume.files, subPath, isReadOnly: isReadOnly || volume.isReadOnly }] : [];
  });
