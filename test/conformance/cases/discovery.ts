import { isRecord, listAt, type JsonRecord, textAt, valueAt } from '../../../src/sandbox/kube/json.ts';
import { groupPath, groupVersions, resources } from '../../../src/sandbox/kube/resources.ts';
import { type ConformanceCase, must, type TestServer } from '../server.ts';

/** What kubectl learns of a kind: its names, where it lives and what may be done with it. */
const known = ['name', 'singularName', 'namespaced', 'kind', 'group', 'version', 'verbs', 'shortNames', 'categories'];

/** A real server has more kinds than the sandbox: compared are those that both have. */
const isServed = (group: string, name: string): boolean => {
  const [plural, subresource] = name.split('/');
  return resources.some((resource) => resource.group === group && resource.plural === plural && (subresource === undefined || resource.subresources.some((each) => each === subresource)));
};

const kindsOf = async ({ api }: TestServer, group: { group: string; version: string }): Promise<unknown> => {
  const list = await must(api.send('GET', groupPath(group)));
  const entries = listAt(list, 'resources').filter(isRecord).filter(({ name }) => isServed(group.group, String(name)));
  const brief = entries.map((entry): JsonRecord => Object.fromEntries(known.map((field) => [field, Array.isArray(entry[field]) ? entry[field].map(String).toSorted() : entry[field]])));
  return { kind: list['kind'], groupVersion: list['groupVersion'], resources: brief.toSorted((left, right) => (String(left['name']) < String(right['name']) ? -1 : 1)) };
};

export const discoveryCases: readonly ConformanceCase[] = [
  {
    title: 'kinds are found under their names, with what may be done with them',
    async observe(server) {
      return Object.fromEntries(await Promise.all(groupVersions.map(async (group): Promise<[string, unknown]> => [groupPath(group), await kindsOf(server, group)])));
    },
  },
  {
    title: 'groups are found with their versions',
    async observe({ api }) {
      const list = await must(api.send('GET', '/apis'));
      const groups = listAt(list, 'groups').filter((group) => groupVersions.some((served) => served.group === valueAt(group, 'name')));
      const names = groups.map((group) => textAt(group, 'preferredVersion', 'groupVersion') ?? '').toSorted();
      return { kind: list['kind'], apiVersion: list['apiVersion'], preferred: names, core: await must(api.send('GET', '/api')).then(({ kind, versions }) => ({ kind, versions })), one: await must(api.send('GET', '/apis/apps')) };
    },
  },
  {
    title: 'everything is found in one document, for who asks for it',
    async observe({ api }) {
      const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
      const answer = await api.send('GET', '/apis', { accept });
      const apps = listAt(answer.body, 'items').find((item) => valueAt(item, 'metadata', 'name') === 'apps');
      const deployment = listAt(listAt(apps, 'versions')[0], 'resources').find((resource) => valueAt(resource, 'resource') === 'deployments');
      return { type: answer.headers['content-type'], kind: valueAt(answer.body, 'kind'), apiVersion: valueAt(answer.body, 'apiVersion'), deployment };
    },
  },
];
