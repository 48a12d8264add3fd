import type { Kinds } from '../cluster/kinds.ts';
import { formatDuration } from '../domain/duration.ts';
import { AccessError, TimeoutError, WorkloadError } from '../domain/errors.ts';
import type { Event, Progress } from '../domain/event.ts';
import { describeObject } from '../domain/kubernetes.ts';
import type { AwaitServerStep } from '../domain/plan.ts';
import { containerStatuses, diagnosePods, endsOf, hasEnded, type Diagnosis } from './diagnose.ts';
import { diagnoseCreation, refusalsOf } from './diagnose-creation.ts';
import { cannotRun } from './find-server.ts';
import { diagnoseNodes, followNodes } from './lost-nodes.ts';
import { getFromPod } from './pod-http.ts';
import type { Session } from './session.ts';
import { track, Tracked, waitFor, type Verdict } from './wait.ts';

type Pod = Kinds['Pod'];
type Workload = Kinds['Deployment'] | Kinds['StatefulSet'];

/** Port of every KAITO server, whatever the runtime. */
const serverPort = 5000;

/** How often a loading server is asked; when its pod turns Ready it is asked at once. */
const probeEveryMs = 2_000;

/** Until `/health` answers 200 through the cluster. A Ready condition alone is the kubelet's word, not the server's. */
export async function* awaitServer(step: AwaitServerStep, session: Session): AsyncGenerator<Event, string> {
  const { cluster } = session;
  const { name, namespace } = session.plan.workspace.metadata;
  const pods = new Tracked<'Pod'>();
  const events = new Tracked<'Event'>();
  const workloads = new Tracked<'Deployment' | 'StatefulSet'>();
  const nodes = followNodes(cluster, session.clock, pods);
  const health: Health = { isHealthy: false, state: 'starting' };
  let earlier: Earlier | undefined;
  const workloadKind = step.workload.kind === 'StatefulSet' ? 'StatefulSet' : 'Deployment';
  return yield* waitFor({
    what: 'the model server',
    timeoutMs: step.timeoutMs,
    clock: session.clock,
    signal: session.signal,
    sources: (signal) => [
      track(cluster, workloadKind, { namespace, fieldSelector: `metadata.name=${step.workload.name}` }, workloads, signal),
      track(cluster, 'Pod', { namespace, labelSelector: `kaito.sh/workspace=${name}` }, pods, signal),
      track(cluster, 'Event', { namespace, fieldSelector: 'type=Warning' }, events, signal),
      nodes.follow(signal),
      probe(session, () => findServer([...pods.values()], workloads.get(step.workload.name)), health, signal),
    ],
    judge() {
      const workload = workloads.get(step.workload.name);
      // Until it is known which revision is wanted, a pod of the one before would be taken for it.
      if (!workloads.isComplete || !pods.isComplete || !events.isComplete) return { state: 'waiting', reason: 'asking the cluster' };
      if (!workload) return { state: 'failed', error: new WorkloadError(`${describeObject(step.workload)} is gone.`, { reason: 'WorkloadDeleted', fact: 'Somebody deleted it while it was awaited.' }) };
      // A server that crashed, or whose pod was refused, before somebody mended what was wrong gets the chance that this command asks for. Its pod is
      // not deleted to that end, though it may back off: the plan has told what will be changed, and that was not in it.
      earlier ??= { ends: endsOf([...pods.values()]), refusals: refusalsOf(workload, [...events.values()]) };
      const current = [...pods.values()].filter((pod) => isCurrent(pod, workload));
      return judgeServer(step, workload, current, [...events.values()], health, earlier, diagnoseNodes(current.length > 0 ? current : [...pods.values()], nodes.find));
    },
    onTimeout: (reason) =>
      new TimeoutError(`The model server was not ready in ${formatDuration(step.timeoutMs)}.`, {
        fact: reason,
        hints: [`kaito-ts status ${name}`, `kaito-ts logs ${name}`],
      }),
  });
}

interface Health {
  isHealthy: boolean;
  state: string;
}

/** What was there when the wait began, and may have been mended since. */
interface Earlier {
  ends: ReadonlySet<string>;
  refusals: ReadonlySet<string>;
}

/** Pods of an earlier revision are on their way out: what they say is not about what was asked for. */
const isCurrent = (pod: Pod, workload: Workload): boolean => {
  if (pod.metadata.deletionTimestamp !== undefined) return false;
  const wanted = workload.spec?.template.metadata?.annotations?.['workspace.kaito.io/revision'];
  return wanted === undefined || pod.metadata.annotations?.['workspace.kaito.io/revision'] === wanted;
};

/** With several nodes only the leader, pod 0, serves. */
const findServer = (pods: Pod[], workload: Workload | undefined): Pod | undefined =>
  pods
    .filter((pod) => workload && isCurrent(pod, workload) && (pod.metadata.labels?.['apps.kubernetes.io/pod-index'] ?? '0') === '0')
    .find((pod) => pod.status?.phase === 'Running');

const isPodReady = (pod: Pod): boolean => pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

const judgeServer = (step: AwaitServerStep, workload: Workload, pods: Pod[], events: Kinds['Event'][], health: Health, earlier: Earlier, lost: Diagnosis | undefined): Verdict<string> => {
  const alive = pods.filter((pod) => !hasEnded(pod));
  if (health.isHealthy && alive.length > 0 && alive.every(isPodReady)) return { state: 'done', value: '/health answers 200' };
  const uids = new Set(pods.map(({ metadata }) => metadata.uid));
  const diagnosis =
    lost ??
    (pods.length === 0
      ? diagnoseCreation(workload, events, earlier.refusals)
      : diagnosePods(
          pods,
          events.filter(({ involvedObject }) => uids.has(involvedObject.uid)),
          earlier.ends,
        ));
  if (diagnosis?.isFatal) return { state: 'failed', error: cannotRun(step.workload.name, diagnosis) };
  if (diagnosis) return { state: 'waiting', reason: diagnosis.message };
  if (pods.length === 0) return { state: 'waiting', reason: `${describeObject(step.workload)} has no pod yet` };
  return { state: 'waiting', reason: describePods(alive, health) };
};

const describePods = (pods: Pod[], health: Health): string => {
  for (const pod of pods) {
    const statuses = containerStatuses(pod);
    const initialising = statuses.find(({ name, state }) => name.startsWith('adapter-') && state?.running);
    if (initialising) return `pulling adapter ${initialising.name.replace(/^adapter-/, '')}`;
    if (!pod.spec?.nodeName) return 'the pod is not scheduled yet';
    if (statuses.some(({ state }) => state?.waiting?.reason === 'ContainerCreating' || state?.waiting?.reason === 'PodInitializing')) return 'pulling images';
  }
  return health.state;
};

async function* probe(session: Session, findPod: () => Pod | undefined, health: Health, signal: AbortSignal): AsyncGenerator<Event | 'changed'> {
  let wasReady = false;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  while (!signal.aborted && !health.isHealthy) {
    const pod = findPod();
    const isReady = pod !== undefined && isPodReady(pod);
    const turnedReady = isReady && !wasReady;
    wasReady = isReady;
    if (pod && (turnedReady || session.clock.now() - askedAtMs >= probeEveryMs)) {
      askedAtMs = session.clock.now();
      const progress = await ask(session, pod, health, signal);
      if (progress) yield { type: 'progress', progress };
      yield 'changed';
    }
    try {
      await session.clock.sleep(100, signal);
    } catch {
      return;
    }
  }
}

/** 404 on `/health` is vLLM still loading, a refused connection either runtime. */
const ask = async ({ cluster }: Session, pod: Pod, health: Health, signal: AbortSignal): Promise<Progress | undefined> => {
  const target = { name: pod.metadata.name, namespace: pod.metadata.namespace ?? 'default' };
  try {
    const { status } = await getFromPod(cluster, target, serverPort, '/health', signal);
    health.isHealthy = status === 200;
    if (health.isHealthy) return undefined;
    health.state = status === 404 ? 'loading the weights' : `/health answers ${status}`;
    const metrics = await getFromPod(cluster, target, serverPort, '/metrics', signal);
    return metrics.status === 200 ? readDownload(metrics.body) : undefined;
  } catch (error) {
    // No waiting mends a refusal; everything else may be a server that is not there yet.
    if (error instanceof AccessError) throw error;
    health.state = 'starting: the server does not answer yet';
    return undefined;
  }
};

/** KAITO's own gauges: -1 is unknown, 0 remaining is done. */
const readDownload = (metrics: string): Progress | undefined => {
  const bytesPerSecond = gauge(metrics, 'kaito_model_download_speed_bytes_per_second');
  const remainingSeconds = gauge(metrics, 'kaito_model_download_remaining_seconds');
  if (bytesPerSecond === undefined || remainingSeconds === undefined || remainingSeconds <= 0) return undefined;
  return { phase: 'weights', bytesPerSecond, remainingSeconds };
};

const gauge = (metrics: string, name: string): number | undefined => {
  const value = new RegExp(`^${name}(?:\\{[^}]*\\})?\\s+([-+.\\deE]+)`, 'm').exec(metrics)?.[1];
  return value === undefined ? undefined : Number(value);
};
