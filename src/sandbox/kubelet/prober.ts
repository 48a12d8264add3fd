import type { Happening } from '../controllers/events.ts';
import type { SandboxClock } from '../clock.ts';
import type { Ports } from './ports.ts';
import { type Probe, type ProbedPod, runProbe } from './probe.ts';
import type { ContainerRecord } from './pod-status.ts';

export interface ProberContext {
  record: ContainerRecord;
  ports: Ports;
  pod: ProbedPod;
  clock: SandboxClock;
  /** Aborts when the container ends, or is told to. */
  signal: AbortSignal;
  happened: (happening: Happening) => void;
  /** The record's `isStarted` or `isReady` has changed. */
  onChange: () => void;
  /** The container has to be killed and started again. */
  onUnhealthy: (kind: 'startup' | 'liveness') => void;
}

/**
 * Probes one incarnation until it ends: first whether it has started, then whether it is ready and alive. Without a probe
 * the answer is yes from the start. https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
 */
export const probeContainer = async (context: ProberContext): Promise<void> => {
  const { record, signal } = context;
  const { startupProbe, readinessProbe, livenessProbe } = record.spec;
  record.isStarted = startupProbe === undefined;
  // An init container is ready when it has done its work, not before.
  record.isReady = !record.isInit && record.isStarted && readinessProbe === undefined;
  context.onChange();
  try {
    if (startupProbe) {
      await repeat('Startup', startupProbe, context, (isSuccess) => {
        if (isSuccess) {
          record.isStarted = true;
          record.isReady = readinessProbe === undefined;
          context.onChange();
        } else {
          context.onUnhealthy('startup');
        }
        return false;
      });
    }
    if (!record.isStarted) return;
    await Promise.all([
      readinessProbe &&
        repeat('Readiness', readinessProbe, context, (isSuccess) => {
          if (record.isReady !== isSuccess) {
            record.isReady = isSuccess;
            context.onChange();
          }
          return true;
        }),
      livenessProbe &&
        repeat('Liveness', livenessProbe, context, (isSuccess) => {
          if (!isSuccess) context.onUnhealthy('liveness');
          return isSuccess;
        }),
    ]);
  } catch (error) {
    // Ends with its container.
    if (!signal.aborted) throw error;
  }
};

/** Asks until enough answers in a row agree; then `decide` says whether to go on. */
const repeat = async (
  name: 'Startup' | 'Readiness' | 'Liveness',
  probe: Probe,
  { record, ports, pod, clock, signal, happened }: ProberContext,
  decide: (isSuccess: boolean) => boolean,
): Promise<void> => {
  const { initialDelaySeconds = 0, periodSeconds = 10, successThreshold = 1, failureThreshold = 3 } = probe;
  await clock.sleep(initialDelaySeconds * 1000, signal);
  let inARow = 0;
  let latest: boolean | undefined;
  for (;;) {
    const { isSuccess, output } = await runProbe(probe, record.spec, ports, pod);
    if (signal.aborted) return;
    if (!isSuccess) happened({ type: 'Warning', reason: 'Unhealthy', message: `${name} probe failed: ${output}` });
    inARow = latest === isSuccess ? inARow + 1 : 1;
    latest = isSuccess;
    if (inARow >= (isSuccess ? successThreshold : failureThreshold) && !decide(isSuccess)) return;
    await clock.sleep(periodSeconds * 1000, signal);
  }
};
