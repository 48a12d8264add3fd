import type { SandboxClock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import type { Change, Store, StoredObject } from '../kube/store.ts';
import { createRecorder, type Recorder } from './events.ts';
import type { Objects } from './object-types.ts';
import { find } from './objects.ts';

export interface ControllerContext {
  store: Store;
  clock: SandboxClock;
  faults: Faults;
}

/** Something that watches the store and acts on it, until the signal aborts. */
export interface Controller {
  name: string;
  start(context: ControllerContext, signal: AbortSignal): void;
}

export interface Reconciliation extends ControllerContext {
  record: Recorder;
  /**
   * Whether that much sandbox time has passed since this question was first asked about this object; when it has, the
   * object is looked at again. Stamps in objects are of the wall's clock, which the sandbox's outruns.
   */
  hasPassed: (what: string, durationMs: number) => boolean;
}

export interface Reconciler<R extends keyof Objects> {
  name: string;
  resource: R;
  /** More objects of the resource to look at after this change; an object's own changes are looked at anyway. */
  affectedBy?: (change: Change, store: Store) => readonly StoredObject[];
  /** Brings the object closer to what it says; called again after every change, so one step at a time will do. */
  reconcile: (object: Objects[R], context: Reconciliation) => void;
}

/** A level-triggered controller: it looks at an object's state, never at what happened to it. */
export const createController = <R extends keyof Objects>({ name, resource, affectedBy, reconcile }: Reconciler<R>): Controller => ({
  name,
  start(context, signal) {
    const { store, clock } = context;
    const record = createRecorder(context, name);
    const timers = createTimers(clock, signal);

    const names = new Map<string, { namespace: string | undefined; name: string }>();

    const look = (uid: string): void => {
      const { namespace, name: objectName } = names.get(uid) ?? { namespace: undefined, name: '' };
      const object = find(store, resource, namespace, objectName);
      if (object?.metadata.uid !== uid) {
        names.delete(uid);
        timers.forget(uid);
        return;
      }
      try {
        reconcile(object, { ...context, record, hasPassed: (what, durationMs) => timers.hasPassed(uid, what, durationMs, () => queue.add(uid)) });
      } catch (error) {
        // An object that cannot be worked on must not stop the others: its trouble is told where its other news is.
        record(object, { type: 'Warning', reason: 'ReconcileFailed', message: error instanceof Error ? error.message : String(error) });
      }
    };
    const queue = createQueue(look, signal);
    const add = ({ metadata: { uid, namespace, name: objectName } }: StoredObject): void => {
      names.set(uid, { namespace, name: objectName });
      queue.add(uid);
    };

    const unsubscribe = store.subscribe((change) => {
      if (change.resource === resource) add(change.object);
      for (const object of affectedBy?.(change, store) ?? []) add(object);
    });
    signal.addEventListener('abort', unsubscribe, { once: true });
    for (const object of store.list(resource)) add(object);
  },
});

export interface Queue {
  /** The same key is worked on once, however often it is added before that. */
  add(key: string): void;
}

/** Works outside the write that added the key, in the order of adding. */
export const createQueue = (work: (key: string) => void, signal: AbortSignal): Queue => {
  const keys = new Set<string>();
  const drain = (): void => {
    for (const key of keys) {
      keys.delete(key);
      if (signal.aborted) return;
      work(key);
    }
  };
  return {
    add(key) {
      if (keys.size === 0) queueMicrotask(drain);
      keys.add(key);
    },
  };
};

/** setTimeout counts to 2³¹ milliseconds, and takes more for none at all. */
const longestTimerMs = 2 ** 31 - 1;

const createTimers = (clock: SandboxClock, signal: AbortSignal) => {
  const timers = new Map<string, Map<string, { hasPassed: boolean }>>();
  return {
    hasPassed(key: string, what: string, durationMs: number, onPassed: () => void): boolean {
      const ofKey = timers.get(key) ?? new Map<string, { hasPassed: boolean }>();
      timers.set(key, ofKey);
      const known = ofKey.get(what);
      if (known) return known.hasPassed;
      const timer = { hasPassed: false };
      ofKey.set(what, timer);
      clock.sleep(Math.min(durationMs, longestTimerMs), signal).then(
        () => {
          timer.hasPassed = true;
          onPassed();
        },
        () => {},
      );
      return false;
    },
    forget(key: string): void {
      timers.delete(key);
    },
  };
};
