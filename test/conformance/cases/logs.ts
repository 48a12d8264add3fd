import { listAt, valueAt } from '../../../src/sandbox/kube/json.ts';
import { type ConformanceCase, hasCondition, must, pathOf, send, seen, type TestServer, until, versionOf } from '../server.ts';
import { container, pod } from './objects.ts';

const read = async (server: TestServer, query = '', name = 'a'): Promise<unknown> => {
  const answer = await send(server, 'GET', `pods/${name}/log${query}`, undefined, { accept: 'text/plain, */*' });
  return answer.code < 300 ? answer.text : seen(answer);
};

/** What is said while the container waits for that reason: it changes as the kubelet tries again. */
const readWhileWaiting = async (server: TestServer, name: string, reason: string): Promise<unknown> => {
  const isWaiting = (found: unknown) => valueAt(listAt(found, 'status', 'containerStatuses')[0], 'state', 'waiting', 'reason') === reason;
  for (;;) {
    const before = await until(server, `pods/${name}`, isWaiting);
    const said = await read(server, '', name);
    if (versionOf(before) === versionOf((await send(server, 'GET', `pods/${name}`)).body)) return said;
  }
};

const lines = 'echo one; echo two >&2; echo three';

const hasEnded = (found: unknown): boolean => ['Succeeded', 'Failed'].includes(String(valueAt(found, 'status', 'phase')));

export const logCases: readonly ConformanceCase[] = [
  {
    title: 'a log is read whole, from its end, up to so many bytes, and with the time of each line',
    needs: 'pods',
    async observe(server) {
      await must(send(server, 'POST', 'pods', pod(server, 'a', lines)));
      await until(server, 'pods/a', hasEnded);
      const stamped = String(await read(server, '?timestamps=true'));
      // Two streams are two pipes, so that only the lines of one are in order.
      const sorted = (text: unknown): unknown => (typeof text === 'string' ? text.split('\n').toSorted() : text);
      return {
        all: sorted(await read(server)),
        named: sorted(await read(server, '?container=main')),
        none: await read(server, '?tailLines=0'),
        many: sorted(await read(server, '?tailLines=99')),
        bytes: String(await read(server, '?limitBytes=6')).length,
        stamped: sorted(stamped.replaceAll(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z /gm, '<time> ')),
        since: await read(server, '?sinceSeconds=3600').then(sorted),
        sinceTime: await read(server, '?sinceTime=2020-01-01T00:00:00Z').then(sorted),
        future: await read(server, '?sinceTime=2999-01-01T00:00:00Z'),
        followEnded: sorted(await read(server, '?follow=true')),
      };
    },
  },
  {
    title: 'the last lines are the last, and the first bytes the first',
    needs: 'pods',
    async observe(server) {
      await must(send(server, 'POST', 'pods', pod(server, 'a', 'echo one; echo two; echo three')));
      await until(server, 'pods/a', hasEnded);
      return { last: await read(server, '?tailLines=2'), bytes: await read(server, '?limitBytes=5'), both: await read(server, '?tailLines=1&limitBytes=2') };
    },
  },
  {
    title: 'a followed log goes on until the container has ended, and then ends too',
    needs: 'pods',
    async observe(server) {
      await must(send(server, 'POST', 'pods', pod(server, 'a', 'echo one; sleep 2; echo two; sleep 1; exit 4')));
      await until(server, 'pods/a', (found) => valueAt(found, 'status', 'phase') === 'Running');
      const { code, lines: coming } = await server.api.open(pathOf(server, 'pods/a/log?follow=true'));
      const heard: string[] = [];
      for await (const line of coming) heard.push(line);
      return { code, heard };
    },
  },
  {
    title: 'what has no log yet says why',
    needs: 'pods',
    async observe(server) {
      await must(send(server, 'POST', 'pods', pod(server, 'nowhere', undefined, { nodeSelector: { nowhere: 'yes' } })));
      await must(send(server, 'POST', 'pods', pod(server, 'image', undefined, { containers: [container({ image: 'localhost:9/none:1' })] })));
      await must(send(server, 'POST', 'pods', pod(server, 'config', undefined, { containers: [container(server, 'true', { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'none', key: 'a' } } }] })] })));
      await must(send(server, 'POST', 'pods', pod(server, 'init', undefined, { initContainers: [{ ...container(server), name: 'first' }] })));
      await must(send(server, 'POST', 'pods', pod(server, 'runs')));
      await until(server, 'pods/nowhere', hasCondition('PodScheduled', 'False'));
      await until(server, 'pods/init', (found) => valueAt(listAt(found, 'status', 'initContainerStatuses')[0], 'state', 'running') !== undefined);
      await until(server, 'pods/runs', hasCondition('Ready'));
      return {
        nowhere: await read(server, '', 'nowhere'),
        image: await readWhileWaiting(server, 'image', 'ImagePullBackOff'),
        config: await readWhileWaiting(server, 'config', 'CreateContainerConfigError'),
        initMain: await read(server, '?container=main', 'init'),
        initFirst: await read(server, '?container=first', 'init'),
        previous: await read(server, '?previous=true', 'runs'),
        absent: await read(server, '', 'none'),
        container: await read(server, '?container=none', 'runs'),
      };
    },
  },
  {
    title: 'a pod of several containers wants to know which',
    async observe(server) {
      await must(send(server, 'POST', 'pods', pod(server, 'a', undefined, { nodeSelector: { nowhere: 'yes' }, initContainers: [{ ...container(server), name: 'first' }], containers: [container(server), { ...container(server), name: 'side' }] })));
      return { unsaid: await read(server), wrong: await read(server, '?container=none') };
    },
  },
  {
    title: 'the log of the run before is kept',
    needs: 'pods',
    async observe(server) {
      await must(send(server, 'POST', 'pods', pod(server, 'a', 'echo run; exit 1', { restartPolicy: 'OnFailure' })));
      await until(server, 'pods/a', (found) => Number(valueAt(listAt(found, 'status', 'containerStatuses')[0], 'restartCount') ?? 0) >= 1 && valueAt(listAt(found, 'status', 'containerStatuses')[0], 'lastState', 'terminated') !== undefined);
      return { previous: await read(server, '?previous=true') };
    },
  },
  {
    title: 'options that make no sense are refused',
    async observe(server) {
      await must(send(server, 'POST', 'pods', pod(server, 'a', undefined, { nodeSelector: { nowhere: 'yes' } })));
      return {
        tail: await read(server, '?tailLines=many'),
        negativeTail: await read(server, '?tailLines=-1'),
        limit: await read(server, '?limitBytes=0'),
        since: await read(server, '?sinceSeconds=0'),
        sinceTime: await read(server, '?sinceTime=yesterday'),
        both: await read(server, '?sinceSeconds=1&sinceTime=2020-01-01T00:00:00Z'),
      };
    },
  },
];
