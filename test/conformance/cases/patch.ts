import { recordAt, valueAt } from '../../../src/sandbox/kube/json.ts';
import { type ConformanceCase, generationOf, must, patchTypes, send, seen, type TestServer, verdict, versionOf } from '../server.ts';
import { configMap, container, deployment } from './objects.ts';

const patch = (server: TestServer, rest: string, kind: keyof typeof patchTypes, body: unknown, query = '') => send(server, 'PATCH', `${rest}${query}`, body, patchTypes[kind]);

export const patchCases: readonly ConformanceCase[] = [
  {
    title: 'a merge patch sets, adds and removes',
    async observe(server) {
      await must(send(server, 'POST', 'configmaps', configMap('a', { keep: '1', change: '2', drop: '3' }, { labels: { a: '1', b: '2' } })));
      const after = await must(patch(server, 'configmaps/a', 'merge', { data: { change: 'x', drop: null, add: '4' }, metadata: { labels: { b: null } } }));
      return { data: after['data'], labels: valueAt(after, 'metadata', 'labels') };
    },
  },
  {
    title: 'a JSON patch is carried out step by step, or not at all',
    async observe(server) {
      await must(send(server, 'POST', 'configmaps', configMap('a', { one: '1' })));
      const steps = [
        { op: 'test', path: '/data/one', value: '1' },
        { op: 'add', path: '/data/two', value: '2' },
        { op: 'copy', from: '/data/one', path: '/data/three' },
        { op: 'move', from: '/data/one', path: '/data/four' },
        { op: 'replace', path: '/data/two', value: 'x' },
      ];
      const done = await must(patch(server, 'configmaps/a', 'json', steps));
      return {
        done: done['data'],
        failedTest: seen(await patch(server, 'configmaps/a', 'json', [{ op: 'test', path: '/data/two', value: 'wrong' }])),
        missingPath: seen(await patch(server, 'configmaps/a', 'json', [{ op: 'remove', path: '/data/none' }])),
        missingReplace: seen(await patch(server, 'configmaps/a', 'json', [{ op: 'replace', path: '/data/none', value: '1' }])),
        missingParent: seen(await patch(server, 'configmaps/a', 'json', [{ op: 'add', path: '/metadata/labels/a', value: '1' }])),
        unknown: seen(await patch(server, 'configmaps/a', 'json', [{ op: 'mend', path: '/data' }])),
        noList: seen(await patch(server, 'configmaps/a', 'json', { data: {} })),
        wrongType: seen(await patch(server, 'configmaps/a', 'json', [{ op: 'add', path: '/data/number', value: 1 }])),
      };
    },
  },
  {
    title: 'a strategic merge knows the keys of lists, and the directives that kubectl sends',
    async observe(server) {
      const made = deployment(server, 'web', {
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [container(server, 'sleep 300', { env: [{ name: 'A', value: '1' }, { name: 'B', value: '2' }], args: ['x', 'y'] }), { name: 'side', image: server.image }] } },
      });
      await must(send(server, 'POST', 'deployments', made));
      const containers = (list: unknown[]) => ({ spec: { template: { spec: { containers: list } } } });
      const read = (object: unknown) => {
        const found = valueAt(object, 'spec', 'template', 'spec', 'containers');
        return Array.isArray(found) ? found.map((each) => ({ name: valueAt(each, 'name'), env: valueAt(each, 'env'), args: valueAt(each, 'args') })) : found;
      };
      const merged = await must(patch(server, 'deployments/web', 'strategic', containers([{ name: 'main', env: [{ name: 'B', value: 'x' }, { name: 'C', value: '3' }], args: ['z'] }])));
      const deleted = await must(patch(server, 'deployments/web', 'strategic', containers([{ name: 'main', env: [{ name: 'A', $patch: 'delete' }] }, { name: 'side', $patch: 'delete' }])));
      const added = await must(patch(server, 'deployments/web', 'strategic', { spec: { template: { spec: { containers: [{ name: 'first', image: server.image }], '$setElementOrder/containers': [{ name: 'first' }, { name: 'main' }] } } } }));
      const retained = await must(patch(server, 'deployments/web', 'strategic', { spec: { strategy: { type: 'Recreate', $retainKeys: ['type'] } } }));
      const noKey = await patch(server, 'deployments/web', 'strategic', containers([{ image: server.image }]));
      return { merged: read(merged), deleted: read(deleted), added: read(added), retained: valueAt(retained, 'spec', 'strategy'), noKey: seen(noKey), generation: generationOf(retained) };
    },
  },
  {
    title: 'finalizers are a set to a strategic merge',
    async observe(server) {
      await must(send(server, 'POST', 'configmaps', configMap('a', {}, { finalizers: ['example.com/a', 'example.com/b'] })));
      const added = await must(patch(server, 'configmaps/a', 'strategic', { metadata: { finalizers: ['example.com/c'] } }));
      const dropped = await must(patch(server, 'configmaps/a', 'strategic', { metadata: { '$deleteFromPrimitiveList/finalizers': ['example.com/a'] } }));
      await must(patch(server, 'configmaps/a', 'merge', { metadata: { finalizers: null } }));
      return [added, dropped].map((object) => valueAt(object, 'metadata', 'finalizers'));
    },
  },
  {
    title: 'a patch that changes nothing makes no version, and one of nothing is taken',
    async observe(server) {
      const made = await must(send(server, 'POST', 'configmaps', configMap('a')));
      const same = await must(patch(server, 'configmaps/a', 'merge', { data: { key: 'value' } }));
      const nothing = await must(patch(server, 'configmaps/a', 'merge', {}));
      return { same: versionOf(made) === versionOf(same), nothing: versionOf(made) === versionOf(nothing) };
    },
  },
  {
    title: 'a patch of another type, of what is not there, or of what is no object is refused',
    async observe(server) {
      await must(send(server, 'POST', 'configmaps', configMap('a')));
      return {
        plain: seen(await send(server, 'PATCH', 'configmaps/a', {})),
        absent: seen(await patch(server, 'configmaps/none', 'merge', { data: {} })),
        list: seen(await patch(server, 'configmaps/a', 'merge', [])),
        broken: seen(await patch(server, 'configmaps/a', 'merge', '{"data":')),
        brokenStrategic: seen(await patch(server, 'configmaps/a', 'strategic', '{"data":')),
        wrongType: seen(await patch(server, 'configmaps/a', 'merge', { data: { key: 1 } })),
        wrongStrategicType: seen(await patch(server, 'configmaps/a', 'strategic', { data: { key: 1 } })),
        rename: seen(await patch(server, 'configmaps/a', 'merge', { metadata: { name: 'b' } })),
        collection: seen(await patch(server, 'configmaps', 'merge', {})),
      };
    },
  },
  {
    title: 'a stale version is refused in an update and in a patch, and an update without one is not',
    async observe(server) {
      const made = await must(send(server, 'POST', 'configmaps', configMap('a')));
      const resourceVersion = String(versionOf(made));
      await must(send(server, 'PUT', 'configmaps/a', configMap('a', { key: 'other' })));
      return {
        update: seen(await send(server, 'PUT', 'configmaps/a', configMap('a', { key: 'third' }, { resourceVersion }))),
        patch: seen(await patch(server, 'configmaps/a', 'merge', { metadata: { resourceVersion }, data: { key: 'third' } })),
        otherUid: seen(await send(server, 'PUT', 'configmaps/a', configMap('a', { key: 'third' }, { uid: '00000000-0000-0000-0000-000000000000' }))),
        nonsense: seen(await send(server, 'PUT', 'configmaps/a', configMap('a', { key: 'third' }, { resourceVersion: 'nonsense' }))),
        absent: seen(await send(server, 'PUT', 'configmaps/none', configMap('none'))),
        absentWithVersion: seen(await send(server, 'PUT', 'configmaps/none', configMap('none', {}, { resourceVersion: '1' }))),
        otherName: seen(await send(server, 'PUT', 'configmaps/a', configMap('b'))),
        noName: seen(await send(server, 'PUT', 'configmaps/a', { data: {} })),
      };
    },
  },
  {
    title: 'the status has a door of its own, and neither writes through the other',
    async observe(server) {
      await must(send(server, 'POST', 'deployments', { ...deployment(server, 'web', { paused: true }), status: { replicas: 7 } }));
      const main = await must(patch(server, 'deployments/web', 'merge', { status: { replicas: 8 }, metadata: { labels: { a: 'b' } } }));
      const status = await must(patch(server, 'deployments/web/status', 'merge', { status: { conditions: [{ type: 'Ours', status: 'True', reason: 'Test', message: '', lastUpdateTime: '2026-01-01T00:00:00Z', lastTransitionTime: '2026-01-01T00:00:00Z' }] }, spec: { replicas: 9 } }));
      return { main: valueAt(main, 'status', 'replicas') ?? 0, spec: valueAt(status, 'spec', 'replicas'), labels: valueAt(status, 'metadata', 'labels') };
    },
  },
  {
    title: 'the generation counts changes of what is wanted',
    async observe(server) {
      const made = await must(send(server, 'POST', 'deployments', deployment(server, 'web', { paused: true })));
      const labelled = await must(patch(server, 'deployments/web', 'merge', { metadata: { labels: { a: 'b' }, annotations: { c: 'd' } } }));
      const changed = await must(patch(server, 'deployments/web', 'merge', { spec: { minReadySeconds: 3 } }));
      const map = await must(send(server, 'POST', 'configmaps', configMap('a')));
      const secret = verdict(await send(server, 'POST', 'configmaps', configMap('a')));
      return { deployment: [made, labelled, changed].map(generationOf), configMap: generationOf(map) ?? null, again: secret, kind: recordAt(made, 'metadata')['generation'] };
    },
  },
];
