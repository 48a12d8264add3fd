import { describe, expect, it } from 'vitest';
import type { LogOptions } from '../../src/cluster/cluster.ts';
import { AccessError, FailedError, type KaitoError, NotFoundError } from '../../src/domain/errors.ts';
import type { Event } from '../../src/domain/event.ts';
import { followLog } from '../../src/flow/follow-log.ts';
import { createFakeCluster } from '../support/fakes.ts';
import { follow } from '../support/following.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { container, ended, pod, running } from './support.ts';

const line = (second: number, text: string): string => `2026-01-01T00:00:0${second}.000000000Z ${text}\n`;
const broken = new FailedError('The API server broke the connection off.', { reason: 'ConnectionLost' });
const podWith = (status: ReturnType<typeof container>) => ({ ...pod({ name: 'tuned-1', containers: [status] }), metadata: { name: 'tuned-1', namespace: 'default', uid: 'uid-of-pod' } });

interface Connection {
  tells: string;
  /** How it ends; absent is its end in order. */
  fails?: KaitoError;
  /** What the cluster does meanwhile. */
  meanwhile?: (cluster: ReturnType<typeof createFakeCluster>) => void;
}

const stage = (connections: readonly Connection[], tailLines?: number) => {
  const cluster = createFakeCluster([podWith(running('tuner'))]);
  const clock = createManualClock();
  const asked: LogOptions[] = [];
  const interruption = new AbortController();
  cluster.logs = async function* (_pod, options) {
    asked.push(options);
    const { tells = '', fails, meanwhile }: Partial<Connection> = connections[Math.min(asked.length, connections.length) - 1] ?? {};
    if (tells !== '') yield tells;
    meanwhile?.(cluster);
    if (fails) throw fails;
  };
  const following = follow<string | Event>(followLog({ cluster, clock, signal: interruption.signal }, { pod: podWith(running('tuner')), name: 'tuner' }, tailLines));
  const told = (): string => following.items.map((item) => (typeof item === 'string' ? item : 'message' in item ? `<${item.type}: ${item.message}>\n` : '')).join('');
  return { cluster, clock, asked, following, told, interrupt: () => interruption.abort() };
};

const end: Connection['meanwhile'] = (cluster) => cluster.put(podWith(ended('tuner', 0)));

describe('followLog', () => {
  it('ends with the container', async () => {
    const { following, told, asked } = stage([{ tells: line(1, 'one') + line(2, 'two'), meanwhile: end }], 10);
    await following.result;
    expect(told()).toBe('one\ntwo\n');
    expect(asked).toMatchObject([{ follow: true, timestamps: true, container: 'tuner', tailLines: 10 }]);
  });

  it('goes on after a connection that broke, tells nothing twice, and says both', async () => {
    const { following, clock, told, asked } = stage([
      { tells: line(1, 'one') + line(2, 'two'), fails: broken },
      { tells: '', fails: new FailedError('The API server refuses connections.', { reason: 'ConnectionRefused' }) },
      { tells: line(1, 'one') + line(2, 'two') + line(3, 'three'), meanwhile: end },
    ]);
    await clock.advance(10_000);
    await following.result;
    expect(told()).toBe('one\ntwo\n<warning: The log broke off, and is taken up again: The API server broke the connection off.>\n<note: The log goes on where it broke off.>\nthree\n');
    expect(asked.slice(1)).toMatchObject([{ sinceTime: '2026-01-01T00:00:01Z' }, { sinceTime: '2026-01-01T00:00:01Z' }]);
  });

  it('reads the rest when the container ended while the connection was broken', async () => {
    const { following, clock, told } = stage([{ tells: line(1, 'one'), fails: broken, meanwhile: end }, { tells: line(1, 'one') + line(2, 'the end') }]);
    await clock.advance(5_000);
    await following.result;
    expect(told()).toMatch(/the end\n$/);
  });

  it('reads the rest of a container that was started anew, and nothing of the new one', async () => {
    const { following, clock, told, asked } = stage([
      { tells: line(1, 'one'), fails: broken, meanwhile: (cluster) => cluster.put(podWith(container('tuner', { running: {} }, { restartCount: 1 }))) },
      { tells: line(1, 'one') + line(2, 'the end') },
    ]);
    await clock.advance(5_000);
    await following.result;
    expect(told()).toBe('one\nthe end\n');
    expect(asked[1]).toMatchObject({ previous: true });
  });

  it('does not take the end of a connection for the end of a container that runs on', async () => {
    const { following, clock, told } = stage([{ tells: line(1, 'one') }, { tells: line(1, 'one') + line(2, 'two'), meanwhile: end }]);
    await clock.advance(20_000);
    await following.result;
    expect(told()).toBe('one\ntwo\n');
  });

  it('waits out an API server that has just started and knows nobody yet', async () => {
    const { following, clock, told } = stage([{ tells: line(1, 'one'), fails: broken }, { tells: '', fails: new AccessError('Forbidden.') }, { tells: line(2, 'two'), meanwhile: end }]);
    await clock.advance(10_000);
    await following.result;
    expect(told()).toMatch(/two\n$/);
  });

  it('gives up after five minutes without a connection', async () => {
    const { following, clock, asked } = stage([{ tells: line(1, 'one'), fails: broken }, { tells: '', fails: broken }]);
    await clock.advance(320_000);
    await expect(following.result).rejects.toBe(broken);
    expect(asked.length).toBeGreaterThan(20);
  });

  it('ends with a pod that is deleted, and says that something may be missing', async () => {
    const { following, told } = stage([{ tells: line(1, 'one'), fails: broken, meanwhile: (cluster) => cluster.remove('Pod', 'tuned-1') }]);
    await following.result;
    expect(told()).toBe('one\n<warning: Pod tuned-1 is gone, and the end of its log may be missing.>\n');
  });

  it.each([new FailedError('It waits to start.', { reason: 'ContainerWaiting' }), new AccessError('Forbidden.'), new NotFoundError('No such pod.')])('fails at once when there is no log to begin with: $message', async (error) => {
    await expect(stage([{ tells: '', fails: error }]).following.result).rejects.toBe(error);
  });

  it('ends quietly when it is interrupted between two connections', async () => {
    const { following, interrupt, clock } = stage([{ tells: line(1, 'one'), fails: broken }]);
    await clock.advance(10);
    interrupt();
    await following.result;
  });
});
