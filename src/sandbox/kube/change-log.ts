import { expired } from './errors.ts';
import type { Change } from './store.ts';

/** What has happened lately, for those who ask later, and what happens, for those who listen. */
export interface ChangeLog {
  /** Keeps the change as that version, and tells it. */
  record(change: Change, version: number): void;
  /** All changes after that version, oldest first. Throws 410 Expired when some of them are forgotten. */
  after(version: number): Change[];
  subscribe(listener: (change: Change) => void): () => void;
  /** Whoever asks for what was before that version hears that it is too old. */
  forget(version: number): void;
}

/** Remembers by number of changes: the API's own etcd forgets by time, which no test has to wait for here. */
export const createChangeLog = (length: number): ChangeLog => {
  const history: { change: Change; version: number }[] = [];
  const listeners = new Set<(change: Change) => void>();
  const untold: Change[] = [];
  let forgottenVersion = 0;
  let isTelling = false;

  /** A listener may write in turn; everybody hears of that after what it was told itself. */
  const tell = (change: Change): void => {
    untold.push(change);
    if (isTelling) return;
    isTelling = true;
    try {
      for (let next = untold.shift(); next; next = untold.shift()) {
        // Somebody who begins to listen now must not hear what happened before.
        for (const listener of Array.from(listeners)) listener(next);
      }
    } finally {
      isTelling = false;
    }
  };

  return {
    record(change, version) {
      history.push({ change, version });
      if (history.length > length) forgottenVersion = history.shift()?.version ?? forgottenVersion;
      tell(change);
    },

    after(version) {
      if (version < forgottenVersion) throw expired(`too old resource version: ${version} (${forgottenVersion + 1})`);
      return history.filter((entry) => entry.version > version).map(({ change }) => change);
    },

    forget(version) {
      while (history[0] && history[0].version <= version) history.shift();
      forgottenVersion = Math.max(forgottenVersion, version);
    },

    subscribe(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
};
