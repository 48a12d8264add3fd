import { randomBytes } from 'node:crypto';
import type { Happening } from '../controllers/events.ts';
import type { Container } from '../controllers/object-types.ts';
import { toTimestamp } from '../kube/store.ts';
import { tailOf } from './container-log.ts';
import { expand, resolveEnvironment } from './environment.ts';
import { createContainerFiles } from './files.ts';
import { ensureImage } from './image-pull.ts';
import { type Incarnation, startIncarnation } from './incarnation.ts';
import type { PodContext } from './pod-context.ts';
import type { ContainerLog } from './pod-runtime.ts';
import { type ContainerRecord, fieldOf, isRestarted, type Terminated } from './pod-status.ts';
import { probeContainer } from './prober.ts';
import { MissingReference } from './references.ts';
import { mountsOf } from './volumes.ts';

/** A container over all its incarnations. */
export interface ContainerLife {
  record: ContainerRecord;
  current: Incarnation | undefined;
  log: ContainerLog | undefined;
  previousLog: ContainerLog | undefined;
}

export const createLife = (record: ContainerRecord): ContainerLife => ({ record, current: undefined, log: undefined, previousLog: undefined });

/** Restarts wait ten seconds, twice as long each time, five minutes at most; ten minutes of running clear the slate. */
const firstBackOffMs = 10_000;
const longestBackOffMs = 300_000;
const clearedAfterMs = 600_000;

/**
 * Runs a container as often as its pod's policy says, and keeps its record. Resolves to whether it ended well; rejects
 * with the signal's reason when the pod is ended before it could start.
 */
export const runContainer = async (life: ContainerLife, context: PodContext): Promise<boolean> => {
  const { record } = life;
  let backOffMs = 0;
  for (;;) {
    const environment = await prepare(record, context);
    const clearing = new AbortController();
    let isCleared = false;
    context.clock.sleep(clearedAfterMs, clearing.signal).then(
      () => {
        isCleared = true;
      },
      () => {},
    );
    const ended = await runOnce(life, environment, context);
    clearing.abort();
    if (context.ending.aborted || !isRestarted(context.pod(), record, ended.exitCode)) return ended.exitCode === 0;

    if (isCleared) backOffMs = 0;
    if (backOffMs > 0) await backOff(record, ended, backOffMs, context);
    // The first restart comes at once.
    backOffMs = Math.min(Math.max(firstBackOffMs, backOffMs * 2), longestBackOffMs);
    record.last = ended;
    record.restartCount += 1;
  }
};

const podText = ({ pod }: PodContext): string => `${pod().metadata.name}_${pod().metadata.namespace}(${pod().metadata.uid})`;

const backOff = async (record: ContainerRecord, ended: Terminated, durationMs: number, context: PodContext): Promise<void> => {
  const { name } = record.spec;
  record.last = ended;
  record.state = { kind: 'waiting', reason: 'CrashLoopBackOff', message: `back-off ${renderBackOff(durationMs)} restarting failed container=${name} pod=${podText(context)}` };
  context.happened({ type: 'Warning', reason: 'BackOff', message: `Back-off restarting failed container ${name} in pod ${podText(context)}`, ...fieldOf(record) });
  context.changed();
  await context.clock.sleep(durationMs, context.ending);
};

const renderBackOff = (durationMs: number): string => (durationMs < 60_000 ? `${durationMs / 1000}s` : `${Math.floor(durationMs / 60_000)}m${(durationMs % 60_000) / 1000}s`);

/** How often a container whose configuration is missing is tried again: the kubelet's own rounds. */
const retryMs = 15_000;

/** Image and configuration, tried until they are there. */
const prepare = async (record: ContainerRecord, context: PodContext): Promise<Record<string, string>> => {
  for (;;) {
    context.ending.throwIfAborted();
    await ensureImage(record, context);
    try {
      return resolveEnvironment(record.spec, context.pod(), context);
    } catch (error) {
      if (!(error instanceof MissingReference)) throw error;
      record.state = { kind: 'waiting', reason: 'CreateContainerConfigError', message: error.message };
      context.happened({ type: 'Warning', reason: 'Failed', message: `Error: ${error.message}`, ...fieldOf(record) });
      context.changed();
      await context.clock.sleep(retryMs, context.ending);
    }
  }
};

/** The fault `oom` strikes after so much time, in whoever uses a GPU. */
const outOfMemoryAfterMs = 45_000;

const usesGpu = ({ resources }: Container): boolean => Number(resources?.limits?.['nvidia.com/gpu'] ?? resources?.requests?.['nvidia.com/gpu'] ?? 0) > 0;

const runOnce = async (life: ContainerLife, env: Record<string, string>, context: PodContext): Promise<Terminated> => {
  const { record } = life;
  const { spec } = record;
  const { clock, faults, fetch } = context;
  const happened = (happening: Happening): void => context.happened({ ...happening, ...fieldOf(record) });
  const startedAt = toTimestamp(clock.now());
  record.containerId = `containerd://${randomBytes(32).toString('hex')}`;

  const container = { image: spec.image ?? '', command: (spec.command ?? []).map((word) => expand(word, env)), args: (spec.args ?? []).map((word) => expand(word, env)) };
  const program = context.programs.find((candidate) => candidate.matches(container));
  happened({ type: 'Normal', reason: 'Created', message: `Created container: ${spec.name}` });
  if (!program) {
    const word = container.command[0] ?? container.args[0] ?? '/bin/sh';
    const message = `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "${word}": executable file not found in $PATH`;
    happened({ type: 'Warning', reason: 'Failed', message: `Error: ${message}` });
    return end(record, { exitCode: 128, reason: 'StartError', message, startedAt: '1970-01-01T00:00:00Z' }, context);
  }

  const { metadata } = context.pod();
  const files = createContainerFiles(mountsOf(spec, context.volumes));
  const incarnation = startIncarnation({
    ...container,
    program,
    clock,
    faults,
    fetch,
    files,
    env,
    name: spec.name,
    pod: { namespace: metadata.namespace ?? '', name: metadata.name, labels: metadata.labels ?? {} },
    ...(faults.has('oom') && usesGpu(spec) ? { outOfMemoryAfterMs } : {}),
  });
  life.current = incarnation;
  if (life.log) life.previousLog = life.log;
  life.log = incarnation.log;
  record.state = { kind: 'running', startedAt };
  happened({ type: 'Normal', reason: 'Started', message: `Started container ${spec.name}` });
  const probing = probeContainer({
    record,
    ports: incarnation.ports,
    pod: { ip: context.addresses.podIp, index: Number(metadata.labels?.['apps.kubernetes.io/pod-index'] ?? 0) },
    clock,
    signal: incarnation.ending,
    happened,
    onChange: () => context.changed(),
    onUnhealthy: (kind) => {
      happened({ type: 'Normal', reason: 'Killing', message: `Container ${spec.name} failed ${kind} probe, will be restarted` });
      incarnation.stop((kind === 'startup' ? spec.startupProbe : spec.livenessProbe)?.terminationGracePeriodSeconds ?? context.graceSeconds());
    },
  });

  const { exitCode, isOutOfMemory } = await incarnation.ended;
  await probing;
  life.current = undefined;
  const message = terminationMessage(spec, incarnation, exitCode);
  const reason = isOutOfMemory ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error';
  return end(record, { exitCode, reason, startedAt, ...(message === '' ? {} : { message }) }, context);
};

const end = (record: ContainerRecord, ended: Omit<Terminated, 'finishedAt' | 'containerID'>, context: PodContext): Terminated => {
  const terminated = { ...ended, finishedAt: toTimestamp(context.clock.now()), containerID: record.containerId };
  record.state = { kind: 'terminated', ...terminated };
  record.isStarted = false;
  // An init container is ready when it has done its work.
  record.isReady = record.isInit && ended.exitCode === 0;
  context.changed();
  return terminated;
};

const longestMessageBytes = 4096;

const terminationMessage = ({ terminationMessagePath = '/dev/termination-log', terminationMessagePolicy }: Container, { files, log }: Incarnation, exitCode: number): string => {
  const written = files.read(terminationMessagePath)?.subarray(0, longestMessageBytes).toString('utf8') ?? '';
  return written === '' && terminationMessagePolicy === 'FallbackToLogsOnError' && exitCode !== 0 ? tailOf(log) : written;
};
