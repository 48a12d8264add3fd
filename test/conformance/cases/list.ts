import { textAt, valueAt } from '../../../src/sandbox/kube/json.ts';
import { type ConformanceCase, itemsOf, must, namesOf, send, seen, type TestServer, versionOf } from '../server.ts';
import { configMap } from './objects.ts';

const label = 'labelSelector=suite%3Dlist';

/** Five of ours; a real namespace also holds a ConfigMap with the cluster's certificate. */
const fill = async (server: TestServer): Promise<void> => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    await must(send(server, 'POST', 'configmaps', configMap(name, { key: name }, { labels: { suite: 'list', name, ...(name < 'c' ? { early: 'yes' } : {}) } })));
  }
};

const token = (list: unknown): string => encodeURIComponent(textAt(list, 'metadata', 'continue') ?? '');

/** A page without the token, which is the server's own secret. */
const page = (list: unknown): unknown => ({
  names: namesOf(list),
  hasMore: (textAt(list, 'metadata', 'continue') ?? '') !== '',
  remaining: valueAt(list, 'metadata', 'remainingItemCount'),
});

export const listCases: readonly ConformanceCase[] = [
  {
    title: 'a list is its kind, its version and items that do not repeat what they are',
    async observe(server) {
      await fill(server);
      return seen(await send(server, 'GET', `configmaps?${label}&limit=1`)).body;
    },
  },
  {
    title: 'pages follow each other at the version of the first, whatever is made meanwhile',
    async observe(server) {
      await fill(server);
      const first = await must(send(server, 'GET', `configmaps?${label}&limit=2`));
      await must(send(server, 'POST', 'configmaps', configMap('bb', {}, { labels: { suite: 'list' } })));
      await must(send(server, 'DELETE', 'configmaps/d'));
      const second = await must(send(server, 'GET', `configmaps?${label}&limit=2&continue=${token(first)}`));
      const third = await must(send(server, 'GET', `configmaps?${label}&limit=2&continue=${token(second)}`));
      return { pages: [first, second, third].map(page), isOneVersion: versionOf(first) === versionOf(second) && versionOf(second) === versionOf(third) };
    },
  },
  {
    title: 'a whole page is not followed by an empty one, and without selectors the rest is counted',
    async observe(server) {
      for (const name of ['a', 'b']) await must(send(server, 'POST', 'leases', { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name } }));
      const pages = await Promise.all([1, 2, 3].map((limit) => must(send(server, 'GET', `leases?limit=${limit}`))));
      return pages.map(page);
    },
  },
  {
    title: 'what is no token is refused as one, as is a token with a version beside it',
    async observe(server) {
      await fill(server);
      const first = await must(send(server, 'GET', `configmaps?${label}&limit=2`));
      return {
        nonsense: seen(await send(server, 'GET', 'configmaps?limit=2&continue=nonsense')),
        withVersion: seen(await send(server, 'GET', `configmaps?limit=2&resourceVersion=1&continue=${token(first)}`)),
      };
    },
  },
  {
    title: 'label selectors choose, in all their forms',
    async observe(server) {
      await fill(server);
      const selectors = ['name=a', 'name==a', 'name in (a,b)', 'suite=list,name notin (a,b)', 'suite=list,!early', 'early', 'suite=list,name!=c', 'name in ()', 'name=', '', 'name>1'];
      return Object.fromEntries(
        await Promise.all(
          selectors.map(async (selector): Promise<[string, unknown]> => {
            const { code, body } = await send(server, 'GET', `configmaps?labelSelector=${encodeURIComponent(selector)}&fieldSelector=metadata.name!=kube-root-ca.crt`);
            return [selector, code === 200 ? namesOf(body) : body];
          }),
        ),
      );
    },
  },
  {
    title: 'selectors that cannot be read are refused',
    async observe(server) {
      const texts = ['a=b=c', 'a in b', '=b', 'a,,b', 'a in (b', '-a', 'a=$'];
      return Object.fromEntries(await Promise.all(texts.map(async (text): Promise<[string, unknown]> => [text, seen(await send(server, 'GET', `configmaps?labelSelector=${encodeURIComponent(text)}`))])));
    },
  },
  {
    title: 'field selectors choose by the fields that a kind has for it, and by no others',
    async observe(server) {
      await fill(server);
      const ask = async (rest: string, selector: string): Promise<unknown> => {
        const answer = await send(server, 'GET', `${rest}?fieldSelector=${encodeURIComponent(selector)}`);
        return answer.code === 200 ? namesOf(answer.body) : seen(answer);
      };
      return {
        name: await ask('configmaps', 'metadata.name=b'),
        two: await ask('configmaps', `metadata.name!=b,metadata.name!=kube-root-ca.crt,metadata.namespace==${server.namespace}`),
        unknown: await ask('configmaps', 'data.key=a'),
        unknownOfPod: await ask('pods', 'spec.hostname=a'),
        phase: await ask('pods', 'status.phase=Running'),
        unreadable: await ask('configmaps', 'metadata.name'),
        ofJobs: await ask('jobs', 'status.successful=1'),
        ofDeployments: await ask('deployments', 'spec.replicas=1'),
      };
    },
  },
  {
    title: 'a version asks for the present, for at least that, or for exactly that',
    async observe(server) {
      const before = await must(send(server, 'POST', 'configmaps', configMap('a', { key: 'before' }, { labels: { suite: 'list' } })));
      const after = await must(send(server, 'PUT', 'configmaps/a', configMap('a', { key: 'after' }, { labels: { suite: 'list' } })));
      const read = async (query: string): Promise<unknown> => {
        const answer = await send(server, 'GET', `configmaps?${label}&${query}`);
        return answer.code === 200 ? itemsOf(answer.body).map((item) => valueAt(item, 'data', 'key')) : seen(answer);
      };
      const [old, current] = [versionOf(before), versionOf(after)];
      return {
        latest: await read(''),
        atLeast: await read(`resourceVersion=${current}`),
        notOlderThan: await read(`resourceVersion=${current}&resourceVersionMatch=NotOlderThan`),
        exactlyOld: await read(`resourceVersion=${old}&resourceVersionMatch=Exact`),
        any: await read('resourceVersion=0'),
        exactlyZero: await read('resourceVersion=0&resourceVersionMatch=Exact'),
        matchWithoutVersion: await read('resourceVersionMatch=Exact'),
        unknownMatch: await read(`resourceVersion=${current}&resourceVersionMatch=Somehow`),
        nonsense: await read('resourceVersion=nonsense'),
        nonsenseLimit: await read('limit=many'),
      };
    },
  },
  {
    title: 'a version from the future is waited for, and then refused with a cause and a time to come again',
    async observe(server) {
      await must(send(server, 'POST', 'configmaps', configMap('a')));
      const future = 'resourceVersion=900000000000000000';
      const paths = { list: `configmaps?${future}`, notOlderThan: `configmaps?${future}&resourceVersionMatch=NotOlderThan`, exact: `configmaps?${future}&resourceVersionMatch=Exact`, page: `configmaps?${future}&limit=1`, one: `configmaps/a?${future}`, absent: `configmaps/none?${future}` };
      const answers = await Promise.all(
        Object.entries(paths).map(async ([name, path]): Promise<[string, unknown]> => {
          const answer = await send(server, 'GET', path);
          return [name, { retryAfter: answer.headers['retry-after'], ...seen(answer) }];
        }),
      );
      return JSON.parse(JSON.stringify(Object.fromEntries(answers)).replaceAll(/current: \d+/g, 'current: <version>'));
    },
  },
  {
    title: 'one object can be read at a version, which then is at least that',
    async observe(server) {
      const made = await must(send(server, 'POST', 'configmaps', configMap('a')));
      return {
        same: (await send(server, 'GET', `configmaps/a?resourceVersion=${versionOf(made)}`)).code,
        any: (await send(server, 'GET', 'configmaps/a?resourceVersion=0')).code,
        absent: seen(await send(server, 'GET', 'configmaps/none')),
      };
    },
  },
  {
    title: 'every write makes a greater version, over all kinds, and a write that changes nothing makes none',
    async observe(server) {
      const first = await must(send(server, 'POST', 'configmaps', configMap('a')));
      const second = await must(send(server, 'POST', 'secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, stringData: { key: 'value' } }));
      const third = await must(send(server, 'PUT', 'configmaps/a', configMap('a', { key: 'other' })));
      const fourth = await must(send(server, 'PUT', 'configmaps/a', configMap('a', { key: 'other' })));
      const list = await must(send(server, 'GET', 'configmaps'));
      const versions = [first, second, third].map(versionOf);
      return { isRising: versions.every((version, index) => index === 0 || version > (versions[index - 1] ?? 0)), isSame: versionOf(third) === versionOf(fourth), listIsAsNew: versionOf(list) >= versionOf(fourth), secret: second };
    },
  },
];
