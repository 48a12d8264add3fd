/** How a list or a map merges: as one value, item by item under a key, as a set of values, or field by field. */
export type Structure = 'atomic' | 'granular' | 'set' | { keys: readonly string[] };

/**
 * Lists that merge item by item, by the field that holds them and that field's own parent. The markers are those of the
 * API's Go types (`+listType`, `+listMapKey`, `+patchMergeKey`, `+structType`):
 * https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/api/core/v1/types.go
 * The first key is also the one of strategic merge patches.
 */
const keyedLists: Record<string, readonly string[]> = {
  'metadata.ownerReferences': ['uid'],
  'spec.containers': ['name'],
  'spec.initContainers': ['name'],
  'spec.ephemeralContainers': ['name'],
  'spec.volumes': ['name'],
  'spec.imagePullSecrets': ['name'],
  'spec.hostAliases': ['ip'],
  'spec.topologySpreadConstraints': ['topologyKey', 'whenUnsatisfiable'],
  'spec.schedulingGates': ['name'],
  'spec.resourceClaims': ['name'],
  'spec.ports': ['port', 'protocol'],
  'resources.claims': ['name'],
  'status.conditions': ['type'],
  'status.addresses': ['type'],
  'status.podIPs': ['ip'],
  secrets: ['name'],
};

const keyedInContainers: Record<string, readonly string[]> = {
  env: ['name'],
  ports: ['containerPort', 'protocol'],
  volumeMounts: ['mountPath'],
  volumeDevices: ['devicePath'],
};

const containerLists = new Set(['containers', 'initContainers', 'ephemeralContainers']);

const sets = new Set(['metadata.finalizers', 'spec.podCIDRs', 'onExitCodes.values', 'endpoints.addresses']);

/** Maps that are one value: a selector is replaced as a whole. */
const atomicMaps = new Set([
  'spec.selector',
  'spec.nodeSelector',
  'valueFrom.fieldRef',
  'valueFrom.resourceFieldRef',
  'valueFrom.secretKeyRef',
  'valueFrom.configMapKeyRef',
  'spec.dataSource',
  'nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution',
]);

/** Keyed lists whose items are one value each. */
const atomicItems = new Set(['ownerReferences', 'imagePullSecrets', 'secrets']);

/** A key that the client left out, as the API's defaulting would fill it in. */
export const keyDefaults: Record<string, unknown> = { protocol: 'TCP' };

/** `fields` are names only: the way down from the top, without the list items in between. */
export const listStructure = (fields: readonly string[], kind: string): Exclude<Structure, 'granular'> => {
  const [parent = '', field = ''] = ['', ...fields].slice(-2);
  const path = parent ? `${parent}.${field}` : field;
  // A Job's conditions alone are replaced as a whole, and the ports of an EndpointSlice have no key.
  if (kind === 'Job' && path === 'status.conditions') return 'atomic';
  const keys = containerLists.has(parent) ? keyedInContainers[field] : keyedLists[path];
  if (keys) return { keys };
  return sets.has(path) ? 'set' : 'atomic';
};

export const mapStructure = (fields: readonly string[], isListItem: boolean): 'atomic' | 'granular' => {
  const [parent = '', field = ''] = ['', ...fields].slice(-2);
  if (isListItem) return atomicItems.has(field) ? 'atomic' : 'granular';
  return atomicMaps.has(`${parent}.${field}`) ? 'atomic' : 'granular';
};

/** The same for strategic merges, which know one key alone, and by which a Job's conditions do merge. */
export const strategicStructure = (fields: readonly string[]): 'atomic' | 'set' | { key: string } => {
  const structure = listStructure(fields, '');
  if (typeof structure === 'string') return structure;
  return { key: structure.keys[0] ?? '' };
};
