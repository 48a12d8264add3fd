import { isKnownKind } from '../cluster/kinds.ts';
import { formatDuration } from '../domain/duration.ts';
import { BugError, TimeoutError } from '../domain/errors.ts';
import type { Event } from '../domain/event.ts';
import { describeObject } from '../domain/kubernetes.ts';
import type { AwaitGoneStep, DeleteObjectStep } from '../domain/plan.ts';
import type { Session } from './session.ts';
import { track, Tracked, waitFor } from './wait.ts';

/** Deletes an object with its dependents, and awaits that it is gone: a name is free only then. */
export async function* deleteObject(step: DeleteObjectStep, session: Session): AsyncGenerator<Event, string> {
  const { kind, name } = step.object;
  if (!isKnownKind(kind)) throw new BugError(`The plan deletes a ${kind}, which this program never makes.`);
  const namespace = step.object.namespace ?? session.plan.workspace.metadata.namespace;
  const existed = await session.cluster.delete(kind, name, { namespace, propagation: 'Foreground', signal: session.signal });
  yield { type: 'deleted', object: step.object, existed };
  if (!existed) return 'was gone already';
  const objects = new Tracked<typeof kind>();
  yield* waitFor({
    what: `${describeObject(step.object)} to go`,
    timeoutMs: step.timeoutMs,
    clock: session.clock,
    signal: session.signal,
    sources: (signal) => [track(session.cluster, kind, { namespace, fieldSelector: `metadata.name=${name}` }, objects, signal)],
    judge() {
      const object = objects.get(name);
      if (!objects.isComplete) return { state: 'waiting', reason: 'asking the cluster' };
      if (!object) return { state: 'done', value: undefined };
      const finalizers = object.metadata.finalizers ?? [];
      return { state: 'waiting', reason: finalizers.length > 0 ? `held by finalizers ${finalizers.join(', ')}` : 'being deleted' };
    },
    onTimeout: (reason) =>
      new TimeoutError(`${describeObject(step.object)} was not gone in ${formatDuration(step.timeoutMs)}.`, {
        fact: reason,
        hints: [`kubectl get ${kind.toLowerCase()} ${name} -n ${namespace} -o yaml`],
      }),
  });
  return 'deleted';
}

/** Nodes are taken away only when nothing of the workspace runs on them any more. */
export async function* awaitGone(step: AwaitGoneStep, session: Session): AsyncGenerator<Event, string> {
  const pods = new Tracked<'Pod'>();
  return yield* waitFor({
    what: 'the pods to go',
    timeoutMs: step.timeoutMs,
    clock: session.clock,
    signal: session.signal,
    sources: (signal) => [track(session.cluster, 'Pod', { namespace: session.plan.workspace.metadata.namespace, labelSelector: step.labelSelector }, pods, signal)],
    judge() {
      if (!pods.isComplete) return { state: 'waiting', reason: 'asking the cluster' };
      return pods.size === 0 ? { state: 'done', value: 'gone' } : { state: 'waiting', reason: `${[...pods.keys()].join(', ')} still there` };
    },
  });
}

