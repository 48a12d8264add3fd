import type { IncomingMessage, ServerResponse } from 'node:http';
import { kubernetesVersion } from '../kubernetes-version.ts';
import { unknownPath } from './errors.ts';
import { sendJson } from './exchange.ts';
import type { JsonRecord } from './json.ts';
import { prefers } from './negotiation.ts';
import { groupVersions, type Resource, resources, verbsOf } from './resources.ts';

const aggregated = { as: 'APIGroupDiscoveryList', g: 'apidiscovery.k8s.io', v: 'v2' };
const aggregatedType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/**
 * `/api`, `/apis` and below: which kinds there are, in one document where the client can read it, and group by group as
 * of old. https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
 */
export const discover = (request: IncomingMessage, response: ServerResponse, path: string): void => {
  const [root, group, version, ...more] = path.split('/').filter((part) => part !== '');
  const wantsAggregated = prefers(request, aggregated) && group === undefined;
  if (wantsAggregated && (root === 'api' || root === 'apis')) {
    sendJson(response, 200, toAggregated(root === 'api'), aggregatedType);
    return;
  }
  const document = more.length > 0 ? undefined : toDocument(root, group, version);
  if (!document) throw unknownPath();
  sendJson(response, 200, document);
};

/** Nothing at all answers for a group that is not served, so not even a Status comes back. */
export const isUnknownGroup = (path: string): boolean => {
  const [root, group, version, ...more] = path.split('/').filter((part) => part !== '');
  if (root !== 'apis' || group === undefined) return false;
  const known = groupVersions.filter((each) => each.group === group);
  return known.length === 0 || (version !== undefined && more.length === 0 && known.every((each) => each.version !== version));
};

const toDocument = (root: string | undefined, group: string | undefined, version: string | undefined): JsonRecord | undefined => {
  if (root === 'api') {
    if (group === undefined) return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
    return group === 'v1' && version === undefined ? toResourceList('', 'v1') : undefined;
  }
  if (root !== 'apis') return undefined;
  const groups = groupVersions.filter((known) => known.group !== '');
  if (group === undefined) return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(toGroup) };
  const known = groups.find((candidate) => candidate.group === group);
  if (!known) return undefined;
  if (version === undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...toGroup(known) };
  return version === known.version ? toResourceList(group, version) : undefined;
};

const toGroup = ({ group, version }: { group: string; version: string }): JsonRecord => {
  const preferred = { groupVersion: `${group}/${version}`, version };
  return { name: group, versions: [preferred], preferredVersion: preferred };
};

const toResourceList = (group: string, version: string): JsonRecord => ({
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: group ? `${group}/${version}` : version,
  resources: inGroup(group).flatMap((resource) => [
    {
      name: resource.plural,
      singularName: resource.singular,
      namespaced: resource.namespaced,
      kind: resource.kind,
      verbs: verbsOf(resource),
      ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
      ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
    },
    ...resource.subresources.map((subresource) => ({
      name: `${resource.plural}/${subresource}`,
      singularName: '',
      namespaced: resource.namespaced,
      ...subresourceKind(resource, subresource),
      verbs: subresourceVerbs[subresource],
    })),
  ]),
});

const toAggregated = (isCore: boolean): JsonRecord => ({
  kind: 'APIGroupDiscoveryList',
  apiVersion: 'apidiscovery.k8s.io/v2',
  metadata: {},
  items: groupVersions
    .filter(({ group }) => (group === '') === isCore)
    .map(({ group, version }) => ({
      metadata: { ...(group ? { name: group } : {}), creationTimestamp: null },
      versions: [{ version, freshness: 'Current', resources: inGroup(group).map(toDiscovery) }],
    })),
});

const toDiscovery = (resource: Resource): JsonRecord => ({
  resource: resource.plural,
  responseKind: { group: '', version: '', kind: resource.kind },
  scope: resource.namespaced ? 'Namespaced' : 'Cluster',
  singularResource: resource.singular,
  verbs: verbsOf(resource),
  ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
  ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
  subresources: resource.subresources.toSorted().map((subresource) => {
    // Where nothing is said they are those of the list.
    const { group = '', version = '', kind } = subresourceKind(resource, subresource);
    return { subresource, responseKind: { group, version, kind }, verbs: subresourceVerbs[subresource] };
  }),
});

type Subresource = Resource['subresources'][number];

const subresourceVerbs: Record<Subresource, readonly string[]> = {
  status: ['get', 'patch', 'update'],
  scale: ['get', 'patch', 'update'],
  log: ['get'],
  portforward: ['create', 'get'],
};

const subresourceKind = ({ kind }: Resource, subresource: Subresource): { group?: string; version?: string; kind: string } => {
  if (subresource === 'scale') return { group: 'autoscaling', version: 'v1', kind: 'Scale' };
  return { kind: subresource === 'portforward' ? 'PodPortForwardOptions' : kind };
};

const inGroup = (group: string): Resource[] => resources.filter((resource) => resource.group === group);

export const describeVersion = (): JsonRecord => {
  const [major, minor] = kubernetesVersion.split('.');
  return {
    major,
    minor,
    gitVersion: `v${kubernetesVersion}`,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: '',
    platform: 'linux/amd64',
  };
};
