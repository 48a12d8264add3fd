import { describe, expect, it } from 'vitest';
import { awaitNodes, describeNodes } from '../../src/flow/nodes.ts';
import { follow } from '../support/following.ts';
import { createStage, node, shortly } from './support.ts';

const step = { kind: 'await-nodes' as const, title: 'Wait', labelSelector: 'pool=gpu', count: 2, gpusPerNode: 2, timeoutMs: 600_000 };
const labels = { pool: 'gpu' };

describe('awaitNodes', () => {
  it('awaits that enough nodes are Ready and have all their GPUs allocatable', async () => {
    const { cluster, clock, session } = createStage();
    cluster.put(node('elsewhere', { gpus: 8 }));
    cluster.put(node('a', { gpus: 2, labels }));
    const waiting = follow(awaitNodes(step, session()));
    await clock.advance(1_000);
    cluster.put(node('b', { isReady: false, gpus: 0, labels, message: 'cni plugin not initialized' }));
    await clock.advance(1_000);
    cluster.put(node('b', { gpus: 0, labels }));
    await clock.advance(1_000);
    cluster.put(node('b', { gpus: 2, labels }));
    await expect(waiting.result).resolves.toBe('a, b');
    expect(shortly(waiting.items)).toEqual([
      'waiting: 1 of 2 nodes joined',
      'waiting: 1 of 2 nodes Ready (b: cni plugin not initialized)',
      'waiting: 1 of 2 nodes have nvidia.com/gpu allocatable; the device plugin has not registered yet',
    ]);
  });

  it('is not content with a node that has too few GPUs', async () => {
    const { cluster, clock, session } = createStage();
    cluster.put(node('a', { gpus: 1, labels }));
    cluster.put(node('b', { gpus: 2, labels }));
    const waiting = follow(awaitNodes(step, session()));
    await clock.advance(600_000);
    await expect(waiting.result).rejects.toMatchObject({ name: 'TimeoutError', reason: 'NodeNotReady' });
  });

  it('asks for the device plugin when nodes are Ready and have no GPUs in time', async () => {
    const { cluster, clock, session } = createStage();
    for (const name of ['a', 'b']) cluster.put(node(name, { gpus: 0, labels }));
    const waiting = follow(awaitNodes(step, session()));
    await clock.advance(600_000);
    await expect(waiting.result).rejects.toMatchObject({ hints: expect.arrayContaining([expect.stringMatching(/device plugin/)]) });
  });
});

describe('describeNodes', () => {
  it.each([
    [[], '0 of 2 nodes joined'],
    [[node('a')], '1 of 2 nodes joined'],
    [[node('a'), node('b', { isReady: false })], '1 of 2 nodes Ready'],
    [[node('a'), node('b')], '2 of 2 nodes Ready with GPUs'],
  ])('tells how far the slowest has come: %#', (nodes, text) => {
    expect(describeNodes(nodes, 2)).toBe(text);
  });
});
