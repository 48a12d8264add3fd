import { describe, expect, it } from 'vitest';
import { awaitGone, deleteObject } from '../../src/flow/removal.ts';
import { follow } from '../support/following.ts';
import { settled } from '../support/manual-clock.ts';
import { createStage, job, pod, shortly } from './support.ts';

const step = { kind: 'delete-object' as const, title: 'Delete Job/tuned', object: { kind: 'Job', name: 'tuned', namespace: 'default' }, timeoutMs: 300_000 };

describe('deleteObject', () => {
  it('awaits that the object is gone, and tells what holds it', async () => {
    const { cluster, session, clock } = createStage();
    const held = job({});
    cluster.put({ ...held, metadata: { ...held.metadata, finalizers: ['foregroundDeletion'] } });
    cluster.keepDeleted = true;
    const deleting = follow(deleteObject(step, session()));
    await clock.advance(1_000);
    expect(shortly(deleting.items)).toEqual(['deleted Job/tuned: was there', 'waiting: held by finalizers foregroundDeletion']);
    cluster.remove('Job', 'tuned');
    await expect(deleting.result).resolves.toBe('deleted');
    expect(cluster.openWatchCount()).toBe(0);
  });

  it('says when there was nothing to delete', async () => {
    const deleting = follow(deleteObject(step, createStage().session()));
    await expect(deleting.result).resolves.toBe('was gone already');
  });

  it('does not take an object for gone that the cluster has not been heard about yet', async () => {
    const { cluster, session, clock } = createStage();
    cluster.put(job({}));
    cluster.keepDeleted = true;
    const release = cluster.hold('Job');
    const deleting = follow(deleteObject(step, session()));
    await clock.advance(60_000);
    expect(shortly(deleting.items)).toContain('waiting: asking the cluster');
    release();
    await settled();
    cluster.remove('Job', 'tuned');
    await expect(deleting.result).resolves.toBe('deleted');
  });

  it('gives up at its bound and says how to look at what stays', async () => {
    const { cluster, session, clock } = createStage();
    cluster.put(job({}));
    cluster.keepDeleted = true;
    const deleting = follow(deleteObject(step, session()));
    await clock.advance(300_000);
    await expect(deleting.result).rejects.toMatchObject({ name: 'TimeoutError', message: 'Job/tuned was not gone in 5m.', fact: 'being deleted', hints: ['kubectl get job tuned -n default -o yaml'] });
  });
});

describe('awaitGone', () => {
  const gone = { kind: 'await-gone' as const, title: 'Wait for the pods to end', labelSelector: 'kaito.sh/workspace=tuned', timeoutMs: 60_000 };
  const ours = pod({ labels: { 'kaito.sh/workspace': 'tuned' } });

  it('awaits that the last pod has gone', async () => {
    const { cluster, session, clock } = createStage();
    cluster.put(ours);
    cluster.put(pod({ name: 'other', labels: { 'kaito.sh/workspace': 'other' } }));
    const waiting = follow(awaitGone(gone, session()));
    await clock.advance(1_000);
    expect(shortly(waiting.items)).toEqual(['waiting: pod still there']);
    cluster.remove('Pod', 'pod');
    await expect(waiting.result).resolves.toBe('gone');
  });

  it('does not take silence for an empty list', async () => {
    const { cluster, session, clock } = createStage();
    cluster.put(ours);
    cluster.hold('Pod');
    const waiting = follow(awaitGone(gone, session()));
    await clock.advance(60_000);
    await expect(waiting.result).rejects.toMatchObject({ name: 'TimeoutError', fact: 'asking the cluster' });
  });
});
