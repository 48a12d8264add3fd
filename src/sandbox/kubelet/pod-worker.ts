import type { Duplex } from 'node:stream';
import { createRecorder } from '../controllers/events.ts';
import type { Pod } from '../controllers/object-types.ts';
import { changeStatus, find } from '../controllers/objects.ts';
import { toTimestamp } from '../kube/store.ts';
import { type ContainerLife, createLife, runContainer } from './container.ts';
import type { KubeletContext, PodContext } from './pod-context.ts';
import type { ContainerLog } from './pod-runtime.ts';
import { createRecord, fieldOf, renderPodStatus } from './pod-status.ts';
import { MountError, mountVolumes, type Volume } from './volumes.ts';

/** One pod on its node, from its binding to its end. */
export interface PodWorker {
  readonly nodeName: string;
  /** SIGTERM to all containers, and SIGKILL when the grace period is over. */
  terminate(graceSeconds: number): void;
  /** Everything ends at once and nobody is told: the machine is gone, or the API has forgotten the pod. */
  vanish(): void;
  log(container: string, previous: boolean): ContainerLog | undefined;
  /** Undefined when no container listens there. */
  connect(port: number): Duplex | undefined;
  /** Resolves when all containers have ended. */
  done: Promise<void>;
}

export interface PodAddresses {
  podIp: string;
  hostIp: string;
}

export const startPodWorker = (bound: Pod, addresses: PodAddresses, kubelet: KubeletContext): PodWorker => {
  const { store, clock } = kubelet;
  const { namespace, name, uid } = bound.metadata;
  const nodeName = bound.spec?.nodeName ?? '';
  const ending = new AbortController();
  const recordEvent = createRecorder(kubelet, 'kubelet', nodeName);
  const startTime = toTimestamp(clock.now());
  const initContainers = bound.spec?.initContainers ?? [];
  const lives = [
    ...initContainers.map((container) => createLife(createRecord(container, true, true))),
    ...(bound.spec?.containers ?? []).map((container) => createLife(createRecord(container, false, initContainers.length > 0))),
  ];
  let latest = bound;
  let hasNetwork = false;
  let isVanished = false;
  let graceSeconds = bound.spec?.terminationGracePeriodSeconds ?? 30;
  let volumes: ReadonlyMap<string, Volume> = new Map();

  const pod = (): Pod => {
    const stored = find(store, 'pods', namespace, name);
    if (stored?.metadata.uid === uid) latest = stored;
    return latest;
  };

  const writeStatus = (): void => {
    if (isVanished) return;
    const state = {
      records: lives.map(({ record }) => record),
      hasNetwork,
      isEnding: ending.signal.aborted,
      startTime,
      podIp: hasNetwork ? addresses.podIp : undefined,
      hostIp: addresses.hostIp,
    };
    changeStatus(store, 'pods', pod(), (draft) => {
      draft.status = renderPodStatus(latest, state, toTimestamp(clock.now()));
    });
  };

  const context: PodContext = {
    ...kubelet,
    pod,
    nodeName,
    addresses,
    get volumes() {
      return volumes;
    },
    ending: ending.signal,
    graceSeconds: () => graceSeconds,
    happened: (happening) => {
      if (!isVanished) recordEvent(pod(), happening);
    },
    changed: writeStatus,
  };

  const run = async (): Promise<void> => {
    writeStatus();
    volumes = await setUpVolumes(context);
    hasNetwork = true;
    writeStatus();
    for (const life of lives.filter(({ record }) => record.isInit)) {
      if (!(await runContainer(life, context))) return;
    }
    for (const { record } of lives) if (!record.isInit) record.state = { kind: 'waiting', reason: 'ContainerCreating' };
    if (initContainers.length > 0) writeStatus();
    await Promise.all(lives.filter(({ record }) => !record.isInit).map((life) => settle(runContainer(life, context), ending.signal)));
  };

  const finish = async (): Promise<void> => {
    try {
      await settle(run(), ending.signal);
    } catch (error) {
      // A pod that cannot be worked on must not stop the others.
      context.happened({ type: 'Warning', reason: 'FailedSync', message: `error syncing pod, skipping: ${error instanceof Error ? error.message : String(error)}` });
      return;
    }
    if (ending.signal.aborted) endUnstarted(lives, toTimestamp(clock.now()));
    hasNetwork = false;
    writeStatus();
  };

  return {
    nodeName,
    terminate(seconds) {
      const isFirst = !ending.signal.aborted;
      if (!isFirst && seconds >= graceSeconds) return;
      graceSeconds = seconds;
      ending.abort();
      for (const life of lives) {
        if (!life.current) continue;
        if (isFirst) context.happened({ type: 'Normal', reason: 'Killing', message: `Stopping container ${life.record.spec.name}`, ...fieldOf(life.record) });
        life.current.stop(seconds);
      }
    },
    vanish() {
      isVanished = true;
      ending.abort();
      for (const life of lives) life.current?.kill();
    },
    log: (container, previous) => {
      const life = lives.find(({ record }) => record.spec.name === container);
      return previous ? life?.previousLog : life?.log;
    },
    connect: (port) => connectTo(lives, port),
    done: finish(),
  };
};

/** The containers of a pod share its network. */
const connectTo = (lives: readonly ContainerLife[], port: number): Duplex | undefined => {
  for (const { current } of lives) {
    const connection = current?.ports.connect(port);
    if (connection) return connection;
  }
  return undefined;
};

/** What is given up because the pod ends is no failure of this program. */
const settle = async (work: Promise<unknown>, ending: AbortSignal): Promise<void> => {
  try {
    await work;
  } catch (error) {
    if (!ending.aborted) throw error;
  }
};

const firstMountRetryMs = 500;
const longestMountRetryMs = 122_000;

const setUpVolumes = async (context: PodContext): Promise<Map<string, Volume>> => {
  for (let retryMs = firstMountRetryMs; ; retryMs = Math.min(retryMs * 2, longestMountRetryMs)) {
    context.ending.throwIfAborted();
    try {
      return mountVolumes(context.pod(), context);
    } catch (error) {
      if (!(error instanceof MountError)) throw error;
      context.happened({ type: 'Warning', reason: 'FailedMount', message: error.message });
      await context.clock.sleep(retryMs, context.ending);
    }
  }
};

/** Whether a container that never ran would have succeeded nobody knows, so it counts as an error. */
const endUnstarted = (lives: readonly ContainerLife[], now: string): void => {
  for (const { record } of lives) {
    if (record.state.kind !== 'waiting') continue;
    const message = 'The container could not be located when the pod was terminated';
    record.state = { kind: 'terminated', exitCode: 137, reason: 'ContainerStatusUnknown', message, startedAt: now, finishedAt: now, containerID: record.containerId };
    record.isReady = false;
  }
};
