import { listAt, recordAt, textAt, valueAt } from '../../../src/sandbox/kube/json.ts';
import { apply, type ConformanceCase, generationOf, must, patchTypes, send, seen, versionOf } from '../server.ts';
import { configMap, container, deployment, service } from './objects.ts';

/** Without those who look after it on their own: whether they have written by now is chance. */
const managers = (object: unknown): unknown => listAt(object, 'metadata', 'managedFields').filter((entry) => textAt(entry, 'manager') !== 'kube-controller-manager');

export const applyCases: readonly ConformanceCase[] = [
  {
    title: 'applying what is not there makes it, and what was applied belongs to whoever applied it',
    async observe(server) {
      return seen(await apply(server, 'configmaps/a', configMap('a', { key: 'value' }, { labels: { app: 'web' }, annotations: { note: 'yes' } }), 'alice'));
    },
  },
  {
    title: 'applying the same again changes nothing',
    async observe(server) {
      const first = await must(apply(server, 'configmaps/a', configMap('a'), 'alice'));
      const again = await apply(server, 'configmaps/a', configMap('a'), 'alice');
      return { code: again.code, isSame: versionOf(first) === versionOf(again.body) };
    },
  },
  {
    title: 'one field of another manager is a conflict, and force takes it over',
    async observe(server) {
      await must(apply(server, 'configmaps/a', configMap('a', { key: 'hers', own: 'hers' }), 'alice'));
      const refused = await apply(server, 'configmaps/a', configMap('a', { key: 'his' }), 'bob');
      const forced = await apply(server, 'configmaps/a', configMap('a', { key: 'his' }), 'bob', '&force=true');
      return { refused: seen(refused), forced: seen(forced) };
    },
  },
  {
    title: 'several fields of several managers are told one after another',
    async observe(server) {
      await must(apply(server, 'configmaps/a', configMap('a', { one: '1', two: '2' }), 'alice'));
      await must(send(server, 'PATCH', 'configmaps/a?fieldManager=carol', { data: { three: '3' }, metadata: { labels: { app: 'web' } } }, patchTypes.merge));
      return seen(await apply(server, 'configmaps/a', configMap('a', { one: 'x', two: 'x', three: 'x' }, { labels: { app: 'x' } }), 'bob'));
    },
  },
  {
    title: 'who says the same shares the field, and only the last to let go removes it',
    async observe(server) {
      await must(apply(server, 'configmaps/a', configMap('a', { key: 'same', own: 'hers' }), 'alice'));
      const shared = await must(apply(server, 'configmaps/a', configMap('a', { key: 'same' }), 'bob'));
      const one = await must(apply(server, 'configmaps/a', configMap('a', {}), 'alice'));
      const none = await must(apply(server, 'configmaps/a', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }, 'bob'));
      return [shared, one, none].map((object) => ({ data: object['data'], managers: managers(object) }));
    },
  },
  {
    title: 'a Deployment is owned field by field, down to the keys of its lists',
    async observe(server) {
      const made = await must(apply(server, 'deployments/web', deployment(server, 'web', { template: { metadata: { labels: { app: 'web' } }, spec: { containers: [container(server, 'sleep 300', { env: [{ name: 'A', value: '1' }], ports: [{ containerPort: 80 }], resources: { limits: { cpu: '1' } } })] } } }), 'alice'));
      return { managers: managers(made), spec: made['spec'], generation: generationOf(made) };
    },
  },
  {
    title: 'what is no longer applied goes: a variable, a container, a label; what others own stays',
    async observe(server) {
      const full = deployment(server, 'web', {
        template: { metadata: { labels: { app: 'web', extra: 'yes' } }, spec: { containers: [container(server, 'sleep 300', { env: [{ name: 'A', value: '1' }, { name: 'B', value: '2' }] }), { name: 'side', image: server.image }] } },
      });
      await must(apply(server, 'deployments/web', full, 'alice'));
      await must(send(server, 'PATCH', 'deployments/web?fieldManager=bob', { spec: { template: { spec: { containers: [{ name: 'main', env: [{ name: 'C', value: '3' }] }] } } } }, patchTypes.strategic));
      const fewer = deployment(server, 'web', { template: { metadata: { labels: { app: 'web' } }, spec: { containers: [container(server, 'sleep 300', { env: [{ name: 'A', value: '1' }] })] } } });
      const after = await must(apply(server, 'deployments/web', fewer, 'alice'));
      return { template: valueAt(after, 'spec', 'template'), managers: managers(after), generation: generationOf(after) };
    },
  },
  {
    title: 'a field that is left out by who scales stays with the other',
    async observe(server) {
      await must(apply(server, 'deployments/web', deployment(server, 'web'), 'alice'));
      await must(send(server, 'PATCH', 'deployments/web/scale?fieldManager=scaler', { spec: { replicas: 0 } }, patchTypes.merge));
      const scale = await must(send(server, 'PUT', 'deployments/web/scale?fieldManager=scaler', { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'web', namespace: server.namespace }, spec: { replicas: 2 } }));
      const refused = await apply(server, 'deployments/web', deployment(server, 'web'), 'alice');
      await must(send(server, 'PATCH', 'deployments/web/scale?fieldManager=scaler', { spec: { replicas: 0 } }, patchTypes.merge));
      return { scale: recordAt(scale, 'spec'), refused: seen(refused) };
    },
  },
  {
    title: 'a Service is applied, with ports under two keys',
    async observe(server) {
      const made = await must(apply(server, 'services/web', service('web', { ports: [{ name: 'http', port: 80, targetPort: 5000 }, { name: 'metrics', port: 90 }] }), 'alice'));
      const fewer = await must(apply(server, 'services/web', service('web', { ports: [{ name: 'http', port: 80, targetPort: 'web' }] }), 'alice'));
      return { made: { spec: made['spec'], managers: managers(made) }, fewer: { ports: valueAt(fewer, 'spec', 'ports'), managers: managers(fewer) } };
    },
  },
  {
    title: 'a dry run says what would be, and does nothing',
    async observe(server) {
      const made = await apply(server, 'configmaps/a', configMap('a'), 'alice', '&dryRun=All');
      const absent = await send(server, 'GET', 'configmaps/a');
      await must(apply(server, 'configmaps/a', configMap('a'), 'alice'));
      const changed = await apply(server, 'configmaps/a', configMap('a', { key: 'other' }), 'alice', '&dryRun=All');
      const conflict = await apply(server, 'configmaps/a', configMap('a', { key: 'other' }), 'bob', '&dryRun=All');
      const after = await must(send(server, 'GET', 'configmaps/a'));
      const wrong = await apply(server, 'configmaps/a', configMap('a'), 'alice', '&dryRun=Some');
      return { made: seen(made), absent: absent.code, changed: valueAt(changed.body, 'data'), conflict: conflict.code, after: after['data'], wrong: seen(wrong) };
    },
  },
  {
    title: 'what apply needs and does not take is said',
    async observe(server) {
      const type = { contentType: 'application/apply-patch+yaml' };
      return {
        noManager: seen(await send(server, 'PATCH', 'configmaps/a', configMap('a'), type)),
        managed: seen(await apply(server, 'configmaps/a', configMap('a', {}, { managedFields: [{ manager: 'x', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: {} }] }), 'alice')),
        otherName: seen(await apply(server, 'configmaps/a', configMap('b'), 'alice')),
        otherKind: seen(await apply(server, 'configmaps/a', { ...configMap('a'), kind: 'Secret' }, 'alice')),
        otherVersion: seen(await apply(server, 'configmaps/a', { ...configMap('a'), apiVersion: 'v2' }, 'alice')),
        noKind: seen(await apply(server, 'configmaps/a', { metadata: { name: 'a' } }, 'alice')),
        otherNamespace: seen(await apply(server, 'configmaps/a', configMap('a', {}, { namespace: 'default' }), 'alice')),
        uid: seen(await apply(server, 'configmaps/a', configMap('a', {}, { uid: '00000000-0000-0000-0000-000000000000' }), 'alice')),
        longManager: seen(await apply(server, 'configmaps/a', configMap('a'), 'm'.repeat(129))),
        forceElsewhere: seen(await send(server, 'PATCH', 'configmaps/a?force=true', { data: {} }, patchTypes.merge)),
        duplicateItems: seen(await apply(server, 'services/a', service('a', { ports: [{ port: 80 }, { port: 80 }] }), 'alice')),
      };
    },
  },
  {
    title: 'a version in what is applied must be the latest',
    async observe(server) {
      const made = await must(apply(server, 'configmaps/a', configMap('a'), 'alice'));
      const resourceVersion = String(versionOf(made));
      const right = await apply(server, 'configmaps/a', configMap('a', { key: 'other' }, { resourceVersion }), 'alice');
      const stale = await apply(server, 'configmaps/a', configMap('a', { key: 'third' }, { resourceVersion }), 'alice');
      return { right: right.code, stale: seen(stale) };
    },
  },
  {
    title: 'a version that nothing has makes what is not there, and no more than that',
    async observe(server) {
      const first = await apply(server, 'configmaps/a', configMap('a', { key: 'first' }, { resourceVersion: '1' }), 'alice');
      const second = await apply(server, 'configmaps/a', configMap('a', { key: 'second' }, { resourceVersion: '1' }), 'alice');
      const same = await apply(server, 'configmaps/a', configMap('a', { key: 'first' }, { resourceVersion: '1' }), 'alice');
      return { first: first.code, second: seen(second), same: same.code };
    },
  },
  {
    title: 'updates own what they change',
    async observe(server) {
      const made = await must(send(server, 'POST', 'deployments?fieldManager=maker', { ...deployment(server, 'web'), spec: { ...recordAt(deployment(server, 'web'), 'spec'), paused: true } }));
      const patched = await must(send(server, 'PATCH', 'deployments/web?fieldManager=patcher', { spec: { minReadySeconds: 5 }, metadata: { labels: { a: 'b' } } }, patchTypes.merge));
      // Whoever looks after the Deployment may have written its status by now.
      const ours = (object: unknown) => listAt(object, 'metadata', 'managedFields').filter((entry) => textAt(entry, 'subresource') === undefined);
      return { made: ours(made), patched: ours(patched) };
    },
  },
  {
    title: 'who applies after an update shares nothing with it',
    async observe(server) {
      await must(send(server, 'POST', 'configmaps?fieldManager=alice', configMap('a')));
      const same = await apply(server, 'configmaps/a', configMap('a'), 'alice');
      const other = await apply(server, 'configmaps/a', configMap('a', { key: 'other' }), 'alice');
      return { same: managers(same.body), other: seen(other) };
    },
  },
];
