import type { SandboxClock } from '../clock.ts';
import type { Happening } from '../controllers/events.ts';
import type { Pod } from '../controllers/object-types.ts';
import type { Faults } from '../faults.ts';
import type { Store } from '../kube/store.ts';
import type { Program } from '../programs/program.ts';
import type { Disks, Volume } from './volumes.ts';

/** What all kubelets share: the sandbox has one of them for all its nodes. */
export interface KubeletContext {
  store: Store;
  clock: SandboxClock;
  faults: Faults;
  programs: readonly Program[];
  /** Requests as containers send them. */
  fetch: typeof fetch;
  disks: Disks;
  /** `<node> <image>` of what has been pulled. */
  pulled: Set<string>;
}

/** What a container needs to know of the pod around it. */
export interface PodContext extends KubeletContext {
  /** As it is in the API now, or was last. */
  pod: () => Pod;
  nodeName: string;
  addresses: { podIp: string; hostIp: string };
  volumes: ReadonlyMap<string, Volume>;
  /** Aborts when nothing is to be started any more. */
  ending: AbortSignal;
  /** How long a container has after SIGTERM. */
  graceSeconds: () => number;
  happened: (happening: Happening) => void;
  /** A record has changed, and the pod's status with it. */
  changed: () => void;
}
