import { createHash } from 'node:crypto';
import type { SandboxClock } from '../clock.ts';
import { type Store, type StoredObject, toTimestamp } from '../kube/store.ts';
import { change, createIfPossible, find } from './objects.ts';

export interface Happening {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  /** The part of the object it is about: `spec.containers{tuner}`. */
  fieldPath?: string;
}

export type Recorder = (object: StoredObject, happening: Happening) => void;

/**
 * Writes core/v1 Events as client-go does: the same happening again only raises the count of the first. `host` is the node
 * that a kubelet speaks for.
 */
export const createRecorder = ({ store, clock }: { store: Store; clock: SandboxClock }, component: string, host?: string): Recorder => {
  return (object, { type, reason, message, fieldPath }) => {
    const { name, uid, resourceVersion } = object.metadata;
    const namespace = object.metadata.namespace ?? 'default';
    const now = toTimestamp(clock.now());
    const same = createHash('sha256').update(JSON.stringify([uid, fieldPath, type, reason, message, component, host])).digest('hex');
    const eventName = `${name}.${same.slice(0, 16)}`;
    const earlier = find(store, 'events', namespace, eventName);
    if (earlier) {
      change(store, 'events', earlier, (event) => {
        event.count = (event.count ?? 1) + 1;
        event.lastTimestamp = now;
      });
      return;
    }
    createIfPossible(store, 'events', {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: eventName, namespace },
      involvedObject: {
        kind: object.kind,
        ...(object.metadata.namespace === undefined ? {} : { namespace }),
        name,
        uid,
        apiVersion: object.apiVersion,
        resourceVersion,
        ...(fieldPath === undefined ? {} : { fieldPath }),
      },
      reason,
      message,
      source: { component, ...(host === undefined ? {} : { host }) },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      type,
      reportingComponent: component,
      reportingInstance: host ?? '',
    });
  };
};
