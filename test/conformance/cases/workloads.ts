import { isRecord, type JsonRecord, listAt, recordAt, textAt, valueAt } from '../../../src/sandbox/kube/json.ts';
import { conditionsOf, type ConformanceCase, hasCondition, isGone, itemsOf, must, namesOf, patchTypes, send, type TestServer, until, verdict } from '../server.ts';
import { container, deployment, job, service, statefulSet, template } from './objects.ts';

/** Conditions without their times, in the order of their names: who writes first is not promised. */
const told = (object: unknown): JsonRecord[] =>
  conditionsOf(object)
    .map(({ type, status, reason, message }) => ({ type, status, reason, message }))
    .toSorted((left, right) => (String(left.type) < String(right.type) ? -1 : 1));

const without = (object: JsonRecord, fields: readonly string[]): JsonRecord => Object.fromEntries(Object.entries(object).filter(([field]) => !fields.includes(field)));

const statusOf = (object: unknown): JsonRecord => ({ ...recordAt(object, 'status'), conditions: told(object) });

const podsOf = async (server: TestServer, selector: string): Promise<JsonRecord[]> => itemsOf((await send(server, 'GET', `pods?labelSelector=${encodeURIComponent(selector)}`)).body);

/** Once those have come, which are written after what they tell of. */
const eventsOf = async (server: TestServer, name: string, ...reasons: string[]): Promise<string[]> => {
  const list = itemsOf(await until(server, `events?fieldSelector=involvedObject.name%3D${name}`, (found) => reasons.every((reason) => itemsOf(found).some((event) => textAt(event, 'reason') === reason))));
  return [...new Set(list.map((event) => `${textAt(event, 'type')} ${textAt(event, 'reason')}: ${textAt(event, 'message')}`))].sort();
};

/** With its network taken down too, which comes a little later. */
const hasFailed = (pod: JsonRecord | undefined): boolean => valueAt(pod, 'status', 'phase') === 'Failed' && !hasCondition('PodReadyToStartContainers')(pod);

const isAvailable = (count: number) => (object: JsonRecord | undefined) =>
  valueAt(object, 'status', 'availableReplicas') === count && valueAt(object, 'status', 'updatedReplicas') === count && valueAt(object, 'status', 'replicas') === count && valueAt(object, 'status', 'observedGeneration') === valueAt(object, 'metadata', 'generation');

export const workloadCases: readonly ConformanceCase[] = [
  {
    title: 'a Job that succeeds is complete, and its pod says so',
    needs: 'pods',
    async observe(server) {
      const made = await must(send(server, 'POST', 'jobs', job(server, 'a', 'echo done', { template: template(server, { app: 'a' }, 'echo done', { restartPolicy: 'Never' }) })));
      const ended = await until(server, 'jobs/a', hasCondition('Complete'));
      const [pod] = await podsOf(server, 'job-name=a');
      return { spec: made['spec'], labels: valueAt(made, 'metadata', 'labels') ?? null, status: statusOf(ended), podLabels: valueAt(pod, 'metadata', 'labels'), owner: valueAt(pod, 'metadata', 'ownerReferences'), phase: valueAt(pod, 'status', 'phase'), events: await eventsOf(server, 'a', 'Completed') };
    },
  },
  {
    title: 'a Job whose pod fails at once has reached its limit',
    needs: 'pods',
    async observe(server) {
      await must(send(server, 'POST', 'jobs', job(server, 'a', 'exit 3', { backoffLimit: 0 })));
      const ended = await until(server, 'jobs/a', hasCondition('Failed'));
      return { status: statusOf(ended), events: await eventsOf(server, 'a', 'BackoffLimitExceeded') };
    },
  },
  {
    title: 'a failure policy ends a Job by the exit code of its container, or does not count it',
    needs: 'pods',
    async observe(server) {
      const rules = (action: string) => ({ rules: [{ action, onExitCodes: { operator: 'In', values: [42] } }] });
      await must(send(server, 'POST', 'jobs', job(server, 'fails', 'exit 42', { podFailurePolicy: rules('FailJob') })));
      await must(send(server, 'POST', 'jobs', job(server, 'counts', 'exit 42', { backoffLimit: 0, podFailurePolicy: rules('Count') })));
      const fails = await until(server, 'jobs/fails', hasCondition('Failed'));
      const counts = await until(server, 'jobs/counts', hasCondition('Failed'));
      return { fails: statusOf(fails), counts: statusOf(counts) };
    },
  },
  {
    title: 'a Job that takes too long is ended, and its pod with it',
    needs: 'pods',
    async observe(server) {
      await must(send(server, 'POST', 'jobs', job(server, 'a', 'sleep 300', { activeDeadlineSeconds: 2 })));
      const ended = await until(server, 'jobs/a', hasCondition('Failed'));
      return { status: statusOf(ended), pods: (await podsOf(server, 'job-name=a')).length };
    },
  },
  {
    title: 'a Job is deleted some time after its end',
    needs: 'pods',
    async observe(server) {
      await must(send(server, 'POST', 'jobs', job(server, 'a', 'exit 0', { ttlSecondsAfterFinished: 1 })));
      await until(server, 'jobs/a', isGone);
      const list = await until(server, 'pods?labelSelector=job-name%3Da', (found) => namesOf(found).length === 0);
      return { pods: namesOf(list) };
    },
  },
  {
    title: 'a Job that is suspended runs nothing until it is resumed',
    needs: 'pods',
    async observe(server) {
      await must(send(server, 'POST', 'jobs', job(server, 'a', 'exit 0', { suspend: true })));
      const suspended = await until(server, 'jobs/a', hasCondition('Suspended'));
      const pods = await podsOf(server, 'job-name=a');
      await must(send(server, 'PATCH', 'jobs/a', { spec: { suspend: false } }, patchTypes.merge));
      const ended = await until(server, 'jobs/a', hasCondition('Complete'));
      return { suspended: statusOf(suspended), pods: pods.length, ended: statusOf(ended) };
    },
  },
  {
    title: 'a Job that is suspended while it runs loses its pod, and begins anew when it is resumed',
    needs: 'pods',
    async observe(server) {
      const isReady = (found: JsonRecord | undefined) => valueAt(found, 'status', 'ready') === 1;
      await must(send(server, 'POST', 'jobs', job(server, 'a', 'sleep 300', { activeDeadlineSeconds: 600 })));
      const first = await until(server, 'jobs/a', isReady);
      const [firstPod] = namesOf((await send(server, 'GET', 'pods')).body);
      await must(send(server, 'PATCH', 'jobs/a', { spec: { suspend: true } }, patchTypes.merge));
      const suspended = await until(server, 'jobs/a', (found) => hasCondition('Suspended')(found) && valueAt(found, 'status', 'active') === undefined && valueAt(found, 'status', 'terminating') === 0);
      await until(server, 'pods', (found) => namesOf(found).length === 0);
      await must(send(server, 'PATCH', 'jobs/a', { spec: { suspend: false } }, patchTypes.merge));
      const resumed = await until(server, 'jobs/a', (found) => hasCondition('Suspended', 'False')(found) && isReady(found));
      const pods = namesOf((await send(server, 'GET', 'pods')).body);
      const startedAt = (object: JsonRecord): number => Date.parse(textAt(object, 'status', 'startTime') ?? '');
      return {
        suspended: statusOf(suspended),
        resumed: statusOf(resumed),
        isLater: startedAt(resumed) >= startedAt(first),
        isNew: pods.every((name) => name !== firstPod),
        pods: pods.length,
        events: [...new Set((await eventsOf(server, 'a', 'Suspended', 'SuccessfulDelete', 'Resumed')).map((text) => text.replace(/a-\w+$/, 'a')))],
      };
    },
  },
  {
    title: 'the time of a Job does not pass while it is suspended',
    needs: 'pods',
    async observe(server) {
      await must(send(server, 'POST', 'jobs', job(server, 'waits', 'sleep 300', { suspend: true, activeDeadlineSeconds: 1 })));
      await until(server, 'jobs/waits', hasCondition('Suspended'));
      // By the end of the second, the time of the first would be over too.
      await must(send(server, 'POST', 'jobs', job(server, 'runs', 'sleep 300', { activeDeadlineSeconds: 1 })));
      await until(server, 'jobs/runs', hasCondition('Failed'));
      const waiting = await must(send(server, 'GET', 'jobs/waits'));
      await must(send(server, 'PATCH', 'jobs/waits', { spec: { suspend: false } }, patchTypes.merge));
      const ended = await until(server, 'jobs/waits', hasCondition('Failed'));
      return { waiting: statusOf(waiting), ended: told(ended) };
    },
  },
  {
    title: 'a Job that may stay for no time after its end is deleted at once, with its pods',
    needs: 'pods',
    async observe(server) {
      await must(send(server, 'POST', 'jobs', job(server, 'good', 'exit 0', { ttlSecondsAfterFinished: 0 })));
      await must(send(server, 'POST', 'jobs', job(server, 'bad', 'exit 1', { ttlSecondsAfterFinished: 0, backoffLimit: 0 })));
      for (const name of ['good', 'bad']) await until(server, `jobs/${name}`, isGone);
      const list = await until(server, 'pods', (found) => namesOf(found).length === 0);
      return { pods: namesOf(list) };
    },
  },
  {
    title: 'where a suspended Job will run may be changed, until it has run',
    needs: 'pods',
    async observe(server) {
      const place = async (): Promise<JsonRecord> => verdict(await send(server, 'PATCH', 'jobs/a', { spec: { template: { metadata: { labels: { a: 'b' } }, spec: { nodeSelector: { nowhere: 'yes' } } } } }, patchTypes.merge));
      await must(send(server, 'POST', 'jobs', job(server, 'a', 'exit 0', { suspend: true })));
      const before = await place();
      await must(send(server, 'PATCH', 'jobs/a', { spec: { suspend: false } }, patchTypes.merge));
      await until(server, 'jobs/a', (found) => valueAt(found, 'status', 'active') === 1);
      const { code: after } = await send(server, 'PATCH', 'jobs/a', { spec: { template: { spec: { nodeSelector: { nowhere: 'no' } } } } }, patchTypes.merge);
      return { before, after };
    },
  },
  {
    title: 'a Deployment becomes available, and its status and pods say how',
    needs: 'pods',
    async observe(server) {
      const made = await must(send(server, 'POST', 'deployments', deployment(server, 'web', { replicas: 2 })));
      const ready = await until(server, 'deployments/web', (found) => isAvailable(2)(found) && told(found).some(({ reason }) => reason === 'NewReplicaSetAvailable'));
      const [set] = itemsOf((await send(server, 'GET', 'replicasets')).body);
      const [pod] = await podsOf(server, 'app=web');
      return {
        made: { spec: made['spec'], status: made['status'] ?? null },
        status: statusOf(ready),
        annotations: valueAt(ready, 'metadata', 'annotations'),
        replicaSet: { name: valueAt(set, 'metadata', 'name'), labels: valueAt(set, 'metadata', 'labels'), annotations: valueAt(set, 'metadata', 'annotations'), owner: valueAt(set, 'metadata', 'ownerReferences'), spec: valueAt(set, 'spec', 'selector'), status: valueAt(set, 'status') },
        pod: { name: valueAt(pod, 'metadata', 'name'), generateName: valueAt(pod, 'metadata', 'generateName'), labels: valueAt(pod, 'metadata', 'labels'), owner: valueAt(pod, 'metadata', 'ownerReferences'), conditions: told(pod) },
      };
    },
  },
  {
    title: 'a Deployment of the strategy Recreate ends the old pod before the new one is made',
    needs: 'pods',
    async observe(server) {
      await must(send(server, 'POST', 'deployments', deployment(server, 'web', { replicas: 1, strategy: { type: 'Recreate' } })));
      await until(server, 'deployments/web', isAvailable(1));
      const before = namesOf((await send(server, 'GET', 'pods?labelSelector=app%3Dweb')).body);
      await must(send(server, 'PATCH', 'deployments/web', { spec: { template: { metadata: { annotations: { round: '2' } } } } }, patchTypes.merge));
      const after = await until(server, 'deployments/web', isAvailable(1));
      const pods = namesOf((await send(server, 'GET', 'pods?labelSelector=app%3Dweb')).body);
      const sets = itemsOf((await send(server, 'GET', 'replicasets')).body).map((set) => valueAt(set, 'spec', 'replicas'));
      return { status: statusOf(after), revision: valueAt(after, 'metadata', 'annotations'), isNew: pods.every((name) => !before.includes(name)), pods: pods.length, sets: sets.toSorted((left, right) => Number(left) - Number(right)) };
    },
  },
  {
    title: 'a Deployment whose pods cannot start is not available, and says so',
    needs: 'pods',
    async observe(server) {
      await must(send(server, 'POST', 'deployments', deployment(server, 'web', { replicas: 1, template: template(server, { app: 'web' }, undefined, { nodeSelector: { nowhere: 'yes' } }) })));
      const status = await until(server, 'deployments/web', (found) => valueAt(found, 'status', 'unavailableReplicas') === 1 && told(found).some(({ reason }) => reason === 'ReplicaSetUpdated'));
      const list = await until(server, 'pods', (found) => itemsOf(found).some(hasCondition('PodScheduled', 'False')));
      return { status: statusOf(status), pod: itemsOf(list).map((pod) => ({ phase: valueAt(pod, 'status', 'phase'), conditions: told(pod).map((condition) => without(condition, ['message'])) })) };
    },
  },
  {
    title: 'a StatefulSet makes its pods one after another, each with a name that it keeps',
    needs: 'pods',
    async observe(server) {
      await must(send(server, 'POST', 'services', service('web', { clusterIP: 'None' })));
      const made = await must(send(server, 'POST', 'statefulsets', statefulSet(server, 'web', { replicas: 2 })));
      const ready = await until(server, 'statefulsets/web', isAvailable(2));
      const first = await must(send(server, 'GET', 'pods/web-0'));
      const second = await must(send(server, 'GET', 'pods/web-1'));
      await must(send(server, 'DELETE', 'pods/web-0'));
      const again = await until(server, 'pods/web-0', (found) => textAt(found, 'metadata', 'uid') !== textAt(first, 'metadata', 'uid') && hasCondition('Ready')(found));
      const startedAt = (pod: unknown): number => Date.parse(textAt(pod, 'status', 'startTime') ?? '');
      return {
        spec: made['spec'],
        status: statusOf(ready),
        labels: valueAt(first, 'metadata', 'labels'),
        hostname: [valueAt(first, 'spec', 'hostname'), valueAt(first, 'spec', 'subdomain')],
        isOrdered: startedAt(second) >= startedAt(first),
        again: valueAt(again, 'metadata', 'name'),
      };
    },
  },
  {
    title: 'a parallel StatefulSet does not wait for the first',
    needs: 'pods',
    async observe(server) {
      const set = statefulSet(server, 'web', { replicas: 2, podManagementPolicy: 'Parallel', template: template(server, { app: 'web' }, undefined, { nodeSelector: { nowhere: 'yes' } }) });
      await must(send(server, 'POST', 'statefulsets', set));
      await must(send(server, 'POST', 'statefulsets', { ...statefulSet(server, 'slow', { replicas: 2, template: template(server, { app: 'slow' }, undefined, { nodeSelector: { nowhere: 'yes' } }) }) }));
      await until(server, 'pods/web-1', (found) => found !== undefined);
      await until(server, 'pods/slow-0', hasCondition('PodScheduled', 'False'));
      return { parallel: namesOf((await send(server, 'GET', 'pods?labelSelector=app%3Dweb')).body), ordered: namesOf((await send(server, 'GET', 'pods?labelSelector=app%3Dslow')).body) };
    },
  },
  {
    title: 'the status of a pod over its life: init containers, readiness, an exit code',
    needs: 'pods',
    async observe(server) {
      const spec = { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, initContainers: [{ ...container(server, 'exit 0'), name: 'first' }], containers: [container(server, 'echo out; echo err >&2; exit 7')] };
      const made = await must(send(server, 'POST', 'pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec }));
      const ended = await until(server, 'pods/a', hasFailed);
      const brief = (status: unknown): unknown => (isRecord(status) ? without(status, ['allocatedResources', 'resources', 'user', 'volumeMounts', 'imageID', 'image', 'containerID']) : status);
      const volumes = listAt(made, 'spec', 'volumes').length;
      return {
        made: { status: made['status'], spec: without(recordAt(made, 'spec'), ['volumes', 'tolerations', 'containers', 'initContainers']) , hasToken: volumes > 0, tolerations: valueAt(made, 'spec', 'tolerations') },
        phase: valueAt(ended, 'status', 'phase'),
        qosClass: valueAt(ended, 'status', 'qosClass'),
        conditions: told(ended),
        containers: listAt(ended, 'status', 'containerStatuses').map(brief),
        initContainers: listAt(ended, 'status', 'initContainerStatuses').map(brief),
      };
    },
  },
  {
    title: 'an init container that fails ends a pod that does not restart',
    needs: 'pods',
    async observe(server) {
      const spec = { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, initContainers: [{ ...container(server, 'exit 5'), name: 'first' }], containers: [container(server)] };
      await must(send(server, 'POST', 'pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec }));
      const ended = await until(server, 'pods/a', hasFailed);
      const state = (list: string) => listAt(ended, 'status', list).map((status) => ({ state: valueAt(status, 'state'), ready: valueAt(status, 'ready'), started: valueAt(status, 'started'), restartCount: valueAt(status, 'restartCount') }));
      return { conditions: told(ended), init: state('initContainerStatuses').map((status) => JSON.parse(JSON.stringify(status).replaceAll(/"containerID":"[^"]*"/g, '"containerID":"<container>"'))), main: state('containerStatuses') };
    },
  },
  {
    title: 'what cannot be started waits with a reason: no image, no configuration',
    needs: 'pods',
    async observe(server) {
      const make = (name: string, rest: JsonRecord) => must(send(server, 'POST', 'pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { terminationGracePeriodSeconds: 0, containers: [container(server, 'sleep 300', rest)] } }));
      await make('image', { image: 'localhost:9/none:1' });
      await make('never', { image: 'localhost/absent:1', imagePullPolicy: 'Never' });
      await make('badname', { image: 'UPPER:bad:name' });
      await make('config', { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'none', key: 'a' } } }] });
      await make('crash', { command: ['sh', '-c', 'exit 1'] });
      const waiting = (pod: unknown): unknown => valueAt(listAt(pod, 'status', 'containerStatuses')[0], 'state', 'waiting', 'reason');
      const reached = async (name: string, reason: string) => waiting(await until(server, `pods/${name}`, (found) => waiting(found) === reason));
      return {
        image: await reached('image', 'ImagePullBackOff'),
        never: await reached('never', 'ErrImageNeverPull'),
        badname: await reached('badname', 'InvalidImageName'),
        config: await reached('config', 'CreateContainerConfigError'),
        crash: await reached('crash', 'CrashLoopBackOff'),
      };
    },
  },
];
