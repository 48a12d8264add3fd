import { valueAt } from '../../../src/sandbox/kube/json.ts';
import { apply, type ConformanceCase, patchTypes, send, seen, type TestServer, verdict } from '../server.ts';
import { configMap, deployment, job, pod } from './objects.ts';

const unknown = (server: TestServer) => ({
  ...deployment(server, 'web', { brandNew: 1, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: server.image, imagePolicy: 'Never', resources: { limit: {} } }] } } }),
  extra: true,
});

const levels = ['Strict', 'Warn', 'Ignore', ''];

const onEachLevel = async (ask: (query: string) => Promise<unknown>): Promise<unknown> =>
  Object.fromEntries(await Promise.all(levels.map(async (level): Promise<[string, unknown]> => [level || 'unsaid', await ask(level ? `&fieldValidation=${level}` : '')])));

const brief = (answer: Parameters<typeof seen>[0]): unknown => {
  const { body, ...rest } = seen(answer);
  return answer.code < 300 ? { ...rest, kept: valueAt(body, 'spec', 'brandNew') ?? null } : { ...rest, body };
};

export const fieldValidationCases: readonly ConformanceCase[] = [
  {
    title: 'fields that nobody knows are refused, warned of or dropped when something is made',
    observe: (server) => onEachLevel(async (query) => brief(await send(server, 'POST', `deployments?dryRun=All${query}`, unknown(server)))),
  },
  {
    title: 'what is applied has no fields that nobody knows',
    // One at a time: of several the server tells some.
    observe: async (server) => ({
      spec: await onEachLevel(async (query) => brief(await apply(server, 'deployments/web', deployment(server, 'web', { brandNew: 1 }), 'alice', `&dryRun=All${query}`))),
      top: brief(await apply(server, 'configmaps/a', { ...configMap('a'), extra: true }, 'alice', '&dryRun=All')),
      container: brief(await apply(server, 'pods/a', pod(server, 'a', undefined, { containers: [{ name: 'main', image: server.image, imagePolicy: 'Never' }] }), 'alice', '&dryRun=All')),
    }),
  },
  {
    title: 'the same when something is patched',
    async observe(server) {
      await send(server, 'POST', 'deployments', deployment(server, 'web'));
      const body = { spec: { brandNew: 1, template: { spec: { brandNew: 2 } } } };
      return {
        merge: await onEachLevel(async (query) => brief(await send(server, 'PATCH', `deployments/web?dryRun=All${query}`, body, patchTypes.merge))),
        strategic: await onEachLevel(async (query) => brief(await send(server, 'PATCH', `deployments/web?dryRun=All${query}`, body, patchTypes.strategic))),
        json: await onEachLevel(async (query) => brief(await send(server, 'PATCH', `deployments/web?dryRun=All${query}`, [{ op: 'add', path: '/spec/brandNew', value: 1 }], patchTypes.json))),
      };
    },
  },
  {
    title: 'a field that is said twice is refused, warned of or read as its last',
    async observe(server) {
      const body = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"key":"1","key":"2"}}';
      return onEachLevel(async (query) => {
        const answer = await send(server, 'POST', `configmaps?dryRun=All${query}`, body);
        const { body: object, ...rest } = seen(answer);
        return answer.code < 300 ? { ...rest, data: valueAt(object, 'data') } : { ...rest, object };
      });
    },
  },
  {
    title: 'a level that nobody knows is refused',
    observe: async (server) => seen(await send(server, 'POST', 'configmaps?dryRun=All&fieldValidation=Perhaps', configMap('a'))),
  },
  {
    title: 'a value of another type is refused with its place',
    async observe(server) {
      const post = async (plural: string, object: unknown) => verdict(await send(server, 'POST', `${plural}?dryRun=All`, object));
      return {
        replicas: await post('deployments', deployment(server, 'a', { replicas: 'three' })),
        fraction: await post('deployments', deployment(server, 'a', { replicas: 1.5 })),
        labels: await post('configmaps', configMap('a', {}, { labels: ['a'] })),
        labelNumber: await post('configmaps', configMap('a', {}, { labels: { a: 1 } })),
        boolean: await post('jobs', job(server, 'a', undefined, { suspend: 'yes' })),
        args: await post('pods', pod(server, 'a', undefined, { containers: [{ name: 'main', image: server.image, args: [1] }] })),
        containers: await post('pods', pod(server, 'a', undefined, { containers: {} })),
        environment: await post('pods', pod(server, 'a', undefined, { containers: [{ name: 'main', image: server.image, env: [{ name: 'A', value: 1 }] }] })),
        apply: verdict(await apply(server, 'deployments/a', deployment(server, 'a', { replicas: 'three' }), 'alice')),
        applyEnvironment: verdict(await apply(server, 'pods/a', pod(server, 'a', undefined, { containers: [{ name: 'main', image: server.image, env: [{ name: 'A', value: 1 }] }] }), 'alice')),
        patch: verdict(await send(server, 'POST', 'deployments', deployment(server, 'web'))) && verdict(await send(server, 'PATCH', 'deployments/web', { spec: { replicas: 'three' } }, patchTypes.merge)),
      };
    },
  },
];
