import { listAt, type JsonRecord, textAt, valueAt } from '../../../src/sandbox/kube/json.ts';
import { type ConformanceCase, generationOf, isGone, must, namesOf, patchTypes, send, seen, type TestServer, until, versionOf } from '../server.ts';
import { configMap, deployment, pod } from './objects.ts';

const finalizersOf = (object: unknown): unknown => valueAt(object, 'metadata', 'finalizers') ?? [];

const ownedBy = (owner: JsonRecord, rest: JsonRecord = {}): JsonRecord => ({ ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: textAt(owner, 'metadata', 'name'), uid: textAt(owner, 'metadata', 'uid'), ...rest }] });

const options = (rest: JsonRecord): JsonRecord => ({ apiVersion: 'v1', kind: 'DeleteOptions', ...rest });

const makeFamily = async (server: TestServer, rest: JsonRecord = {}): Promise<void> => {
  const owner = await must(send(server, 'POST', 'configmaps', configMap('owner')));
  const child = await must(send(server, 'POST', 'configmaps', configMap('child', {}, ownedBy(owner, rest))));
  await must(send(server, 'POST', 'configmaps', configMap('grandchild', {}, ownedBy(child))));
};

const unhold = (server: TestServer, name: string) => send(server, 'PATCH', `configmaps/${name}`, { metadata: { finalizers: null } }, patchTypes.merge);

export const deletionCases: readonly ConformanceCase[] = [
  {
    title: 'what nothing holds is gone at once, and the answer says what it was',
    async observe(server) {
      await must(send(server, 'POST', 'configmaps', configMap('a')));
      const answer = await send(server, 'DELETE', 'configmaps/a');
      await must(send(server, 'POST', 'deployments', deployment(server, 'web')));
      const background = await send(server, 'DELETE', 'deployments/web', options({ propagationPolicy: 'Background' }));
      return { answer: seen(answer), again: seen(await send(server, 'DELETE', 'configmaps/a')), background: seen(background) };
    },
  },
  {
    title: 'a finalizer holds what is deleted, marked, until it is taken away',
    async observe(server) {
      await must(send(server, 'POST', 'configmaps', configMap('a', {}, { finalizers: ['example.com/hold'] })));
      const answer = await send(server, 'DELETE', 'configmaps/a');
      const again = await send(server, 'DELETE', 'configmaps/a');
      const revived = await send(server, 'PUT', 'configmaps/a', configMap('a', { key: 'other' }, { finalizers: ['example.com/hold'] }));
      const more = await send(server, 'PATCH', 'configmaps/a', { metadata: { finalizers: ['example.com/hold', 'example.com/more'] } }, patchTypes.merge);
      const released = await unhold(server, 'a');
      return { answer: seen(answer), again: seen(again), revived: { code: revived.code, isMarked: valueAt(revived.body, 'metadata', 'deletionTimestamp') !== undefined }, more: seen(more), released: released.code, after: (await send(server, 'GET', 'configmaps/a')).code };
    },
  },
  {
    title: 'in the background the owner goes first and its dependents follow',
    async observe(server) {
      await makeFamily(server);
      const answer = await send(server, 'DELETE', 'configmaps/owner', options({ propagationPolicy: 'Background' }));
      const owner = await send(server, 'GET', 'configmaps/owner');
      await until(server, 'configmaps/child', isGone);
      await until(server, 'configmaps/grandchild', isGone);
      return { answer: seen(answer), owner: owner.code };
    },
  },
  {
    title: 'in the foreground the owner waits for the dependents that block it',
    async observe(server) {
      const owner = await must(send(server, 'POST', 'configmaps', configMap('owner')));
      await must(send(server, 'POST', 'configmaps', configMap('child', {}, { ...ownedBy(owner, { blockOwnerDeletion: true }), finalizers: ['example.com/hold'] })));
      const answer = await send(server, 'DELETE', 'configmaps/owner', options({ propagationPolicy: 'Foreground' }));
      const child = await until(server, 'configmaps/child', (found) => valueAt(found, 'metadata', 'deletionTimestamp') !== undefined);
      const waiting = await must(send(server, 'GET', 'configmaps/owner'));
      await must(unhold(server, 'child'));
      await until(server, 'configmaps/owner', isGone);
      return { answer: seen(answer), waiting: finalizersOf(waiting), child: finalizersOf(child), generation: generationOf(waiting) ?? null };
    },
  },
  {
    title: 'orphans lose their owner and stay',
    async observe(server) {
      await makeFamily(server);
      const answer = await send(server, 'DELETE', 'configmaps/owner', options({ propagationPolicy: 'Orphan' }));
      await until(server, 'configmaps/owner', isGone);
      const child = await until(server, 'configmaps/child', (found) => listAt(found, 'metadata', 'ownerReferences').length === 0);
      return { answer: seen(answer), child: child['metadata'], grandchild: (await send(server, 'GET', 'configmaps/grandchild')).code };
    },
  },
  {
    title: 'whoever names an owner that is not there is collected, and not while another is',
    async observe(server) {
      const owner = await must(send(server, 'POST', 'configmaps', configMap('owner')));
      const gone = { ...owner, metadata: { name: 'gone', uid: '00000000-0000-4000-8000-000000000000' } };
      await must(send(server, 'POST', 'configmaps', configMap('child', {}, ownedBy(gone))));
      const both = { ownerReferences: [...listAt(ownedBy(owner), 'ownerReferences'), ...listAt(ownedBy(gone), 'ownerReferences')] };
      await must(send(server, 'POST', 'configmaps', configMap('kept', {}, both)));
      await until(server, 'configmaps/child', isGone);
      const kept = await until(server, 'configmaps/kept', (found) => listAt(found, 'metadata', 'ownerReferences').length === 1);
      return valueAt(kept, 'metadata', 'ownerReferences');
    },
  },
  {
    title: 'a Deployment takes its ReplicaSet along',
    async observe(server) {
      await must(send(server, 'POST', 'deployments', deployment(server, 'web')));
      const [name] = await untilListed(server, 'replicasets', 1);
      await must(send(server, 'DELETE', 'deployments/web'));
      await until(server, `replicasets/${name}`, isGone);
      return { replicaSet: name };
    },
  },
  {
    title: 'preconditions and options that do not hold are refused',
    async observe(server) {
      const made = await must(send(server, 'POST', 'configmaps', configMap('a')));
      await must(send(server, 'PUT', 'configmaps/a', configMap('a', { key: 'other' })));
      const remove = async (rest: JsonRecord) => seen(await send(server, 'DELETE', 'configmaps/a', options(rest)));
      const stale = await remove({ preconditions: { resourceVersion: String(versionOf(made)) } });
      return {
        uid: await remove({ preconditions: { uid: '00000000-0000-4000-8000-000000000000' } }),
        stale: JSON.parse(JSON.stringify(stale).replaceAll(/\(\d+\)/g, '(<version>)')),
        policy: await remove({ propagationPolicy: 'Sideways' }),
        both: await remove({ propagationPolicy: 'Foreground', orphanDependents: true }),
        grace: await remove({ gracePeriodSeconds: -5, dryRun: ['All'] }),
        kind: seen(await send(server, 'DELETE', 'configmaps/a', { apiVersion: 'v1', kind: 'ConfigMap' })),
        dry: await remove({ dryRun: ['All'] }),
        stillThere: (await send(server, 'GET', 'configmaps/a')).code,
      };
    },
  },
  {
    title: 'a collection is deleted by its selector',
    async observe(server) {
      for (const name of ['a', 'b', 'c']) await must(send(server, 'POST', 'configmaps', configMap(name, {}, { labels: { side: name < 'c' ? 'left' : 'right' } })));
      const answer = await send(server, 'DELETE', 'configmaps?labelSelector=side%3Dleft');
      return { code: answer.code, kind: valueAt(answer.body, 'kind'), names: namesOf(answer.body), rest: namesOf((await send(server, 'GET', 'configmaps?labelSelector=side')).body) };
    },
  },
  {
    title: 'a pod that runs is given its grace, and one that never ran goes at once',
    needs: 'pods',
    async observe(server) {
      const spec = { terminationGracePeriodSeconds: 1 };
      await must(send(server, 'POST', 'pods', pod(server, 'runs', undefined, spec)));
      await must(send(server, 'POST', 'pods', pod(server, 'nowhere', undefined, { ...spec, nodeSelector: { nowhere: 'yes' } })));
      await until(server, 'pods/runs', (found) => valueAt(found, 'status', 'phase') === 'Running');
      const nowhere = await send(server, 'DELETE', 'pods/nowhere');
      const runs = await send(server, 'DELETE', 'pods/runs');
      await until(server, 'pods/runs', isGone);
      const brief = ({ code, body }: { code: number; body: unknown }) => ({ code, kind: valueAt(body, 'kind'), graceSeconds: valueAt(body, 'metadata', 'deletionGracePeriodSeconds'), isMarked: valueAt(body, 'metadata', 'deletionTimestamp') !== undefined, generation: generationOf(body) });
      return { nowhere: brief(nowhere), runs: brief(runs) };
    },
  },
];

const untilListed = async (server: TestServer, plural: string, count: number): Promise<string[]> => {
  const list = await until(server, plural, (found) => namesOf(found).length >= count);
  return namesOf(list);
};
