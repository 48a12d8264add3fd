import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestLog, pod, startTestApi, type TestApi, token } from './support.ts';

let api: TestApi;
const now = new Date('2026-01-02T03:04:05.500Z');
const at = (secondsAgo: number): Date => new Date(now.getTime() - secondsAgo * 1000);

beforeAll(async () => {
  api = await startTestApi({ now: () => now });
  const status = (name: string, state: object, rest: object = {}) => ({ name, ready: false, restartCount: 0, state, ...rest });
  const add = (name: string, spec: object, containerStatuses: object[]) =>
    api.store.create('pods', { ...pod(name, { nodeName: 'node-1', ...spec }), status: { phase: 'Running', containerStatuses } });
  add('web', {}, [status('main', { running: {} }, { lastState: { terminated: { exitCode: 1 } } })]);
  add('two', { containers: [{ name: 'a' }, { name: 'b' }], initContainers: [{ name: 'first' }] }, [status('a', { running: {} }), status('b', { waiting: { reason: 'ContainerCreating' } })]);
  add('pulling', {}, [status('main', { waiting: { reason: 'ImagePullBackOff' } })]);
  api.store.create('pods', pod('unscheduled'));

  const log = createTestLog();
  log.write('one\n', at(60));
  log.write('two ', at(30));
  log.write('halves\n', at(29));
  log.write('three\n', at(5));
  api.runtime.logs.set('web/main', log);
  const previous = createTestLog();
  previous.write('before\n', at(90));
  api.runtime.logs.set('web/main/previous', previous);
});
afterAll(() => api.close());

const path = (name: string) => `/api/v1/namespaces/default/pods/${name}/log`;

describe('logs', () => {
  it.each([
    ['', 'one\ntwo halves\nthree\n'],
    ['?tailLines=1', 'three\n'],
    ['?tailLines=0', ''],
    ['?sinceSeconds=10', 'three\n'],
    [`?sinceTime=${at(30).toISOString()}`, 'two halves\nthree\n'],
    ['?limitBytes=7', 'one\ntwo'],
    ['?previous=true', 'before\n'],
    [
      '?timestamps=true&tailLines=3',
      '2026-01-02T03:03:35.500000000Z two halves\n2026-01-02T03:04:00.500000000Z three\n',
    ],
  ])('%s are sent as plain text', async (query, expected) => {
    const answer = await api.send('GET', path('web') + query);
    expect([answer.code, answer.headers['content-type'], answer.text]).toEqual([200, 'text/plain', expected]);
  });

  it('are empty for a pod that no node has', async () => {
    expect(await api.send('GET', path('unscheduled'))).toMatchObject({ code: 200, text: '' });
  });

  it.each([
    ['two', '', 'a container name must be specified for pod two, choose one of: [first a b]'],
    ['two', '?container=c', 'container c is not valid for pod two'],
    ['two', '?container=b', 'container "b" in pod "two" is waiting to start: ContainerCreating'],
    ['two', '?container=first', 'container "first" in pod "two" is not available'],
    ['two', '?container=a&previous=true', 'previous terminated container "a" in pod "two" not found'],
    ['pulling', '', 'container "main" in pod "pulling" is waiting to start: trying and failing to pull image'],
    ['web', '?tailLines=many', 'strconv.ParseInt: parsing "many": invalid syntax'],
  ])('of %s%s are refused in the words of the API', async (name, query, message) => {
    expect((await api.send('GET', path(name) + query)).body).toMatchObject({ kind: 'Status', code: 400, reason: 'BadRequest', message });
  });

  it('are followed until the container ends', async () => {
    const log = createTestLog();
    log.write('early\n');
    api.runtime.logs.set('two/a', log);
    const call = request(`${api.url}${path('two')}?container=a&follow=true`, { ca: api.caPem, headers: { authorization: `Bearer ${token}` } }).end();
    const [response]: IncomingMessage[] = await once(call, 'response');
    if (!response) throw new Error('There was no response.');
    const received = text(response);
    log.write('late\n');
    log.end();
    expect(await received).toBe('early\nlate\n');
  });

  it('that cannot end are left when the client goes', async () => {
    const log = createTestLog();
    let followerCount = 0;
    api.runtime.logs.set('two/a', {
      ...log,
      follow(listener) {
        followerCount += 1;
        const stop = log.follow(listener);
        return () => {
          followerCount -= 1;
          stop();
        };
      },
    });
    const call = request(`${api.url}${path('two')}?container=a&follow=true`, { ca: api.caPem, headers: { authorization: `Bearer ${token}` } }).end();
    await once(call, 'response');
    expect(followerCount).toBe(1);
    call.destroy();
    await expect.poll(() => followerCount).toBe(0);
  });
});
