import type { ContainerLog, LogEntry } from '../kubelet/pod-runtime.ts';
import { badRequest, type FieldProblem, invalid } from './errors.ts';
import { type Exchange, sendText } from './exchange.ts';
import { listAt, recordAt, textAt } from './json.ts';
import { findTarget, readInteger } from './read.ts';
import type { StoredObject } from './store.ts';

interface LogOptions {
  follow: boolean;
  previous: boolean;
  timestamps: boolean;
  tailLines: number | undefined;
  limitBytes: number | undefined;
  since: Date | undefined;
}

/** `GET pods/x/log`: a container's output so far and, with `follow`, until it ends. */
export const sendLog = (exchange: Exchange): void => {
  const { api, target, query, response } = exchange;
  const pod = findTarget(api.store, target);
  const container = chooseContainer(pod, query.get('container') ?? '');
  const options = parseOptions(pod.metadata.name, query, api.clock.now());
  // Nobody runs it yet, so that there is nobody to ask.
  if (!textAt(pod, 'spec', 'nodeName')) return sendText(response, 200, '');

  refuseWithoutLog(pod, container, options.previous);
  const { name, namespace = '', uid } = pod.metadata;
  const log = api.runtime.log({ name, namespace, uid }, container, { previous: options.previous });
  if (!log) throw badRequest(`container "${container}" in pod "${name}" is not available`);
  streamLog(exchange, log, options);
};

const streamLog = ({ api, response }: Exchange, log: ContainerLog, options: LogOptions): void => {
  response.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  const format = createFormatter(options.timestamps);
  // Who comes back for the rest gets it, or nobody could ever read to the end.
  const isToBreak = api.faults.has('log-cut') && options.follow && options.since === undefined;
  let written = 0;
  let remainingBytes = options.limitBytes ?? Number.POSITIVE_INFINITY;

  const write = (entry: LogEntry): void => {
    const bytes = Buffer.from(format(entry)).subarray(0, remainingBytes);
    remainingBytes -= bytes.length;
    written += 1;
    if (response.writableEnded || response.destroyed || (isToBreak && written > entriesBeforeFault)) return;
    // Broken only when it has been sent: a client that is never told anything could never get on.
    response.write(bytes, isToBreak && written === entriesBeforeFault ? () => response.destroy() : undefined);
    if (remainingBytes <= 0) response.end();
  };

  const { since, tailLines, follow } = options;
  const entries = log.entries().filter(({ time }) => since === undefined || time >= since);
  // The last 0 lines are none, where `slice` would take all.
  for (const entry of tailLines === undefined ? entries : entries.slice(Math.max(0, entries.length - tailLines))) write(entry);
  if (!follow || log.ended || response.writableEnded) {
    if (!isToBreak || written < entriesBeforeFault) response.end();
    return;
  }
  const stop = log.follow((entry) => {
    if (entry) write(entry);
    else response.end();
  });
  response.once('close', stop);
};

/** What is told before the fault `log-cut`. */
const entriesBeforeFault = 10;

/** A time stamp stands at the start of each line, not before the rest of one that came in pieces. */
const createFormatter = (hasTimestamps: boolean) => {
  let isLineStart = true;
  return ({ time, text }: LogEntry): string => {
    const prefix = hasTimestamps && isLineStart ? `${time.toISOString().replace('Z', '000000Z')} ` : '';
    isLineStart = text.endsWith('\n');
    return prefix + text;
  };
};

const namesOf = (pod: StoredObject, list: string): string[] => listAt(pod, 'spec', list).map((container) => textAt(container, 'name') ?? '');

const chooseContainer = (pod: StoredObject, wanted: string): string => {
  const [only = '', ...more] = namesOf(pod, 'containers');
  const names = [...namesOf(pod, 'initContainers'), only, ...more, ...namesOf(pod, 'ephemeralContainers')];
  const { name } = pod.metadata;
  if (wanted) {
    if (names.includes(wanted)) return wanted;
    throw badRequest(`container ${wanted} is not valid for pod ${name}`);
  }
  if (more.length === 0) return only;
  throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${names.join(' ')}]`);
};

/** In the kubelet's words: https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/kubelet_pods.go (validateContainerLogStatus) */
const refuseWithoutLog = (pod: StoredObject, container: string, previous: boolean): void => {
  const status = ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses']
    .flatMap((list) => listAt(pod, 'status', list))
    .find((candidate) => textAt(candidate, 'name') === container);
  const who = `container "${container}" in pod "${pod.metadata.name}"`;
  if (!status) throw badRequest(`${who} is not available`);

  const state = recordAt(status, 'state');
  const hasEnded = Object.keys(recordAt(status, 'lastState', 'terminated')).length > 0;
  if (previous) {
    if (!hasEnded) throw badRequest(`previous terminated ${who} not found`);
    return;
  }
  if (state['running'] || state['terminated'] || hasEnded) return;
  const waiting = textAt(state, 'waiting', 'reason');
  if (waiting === undefined) throw badRequest(`${who} is waiting to start - no logs yet`);
  throw badRequest(`${who} is waiting to start: ${imageTroubles[waiting] ?? waiting}`);
};

const imageTroubles: Record<string, string> = {
  ErrImagePull: "image can't be pulled",
  ImagePullBackOff: 'trying and failing to pull image',
};

const parseOptions = (pod: string, query: URLSearchParams, now: Date): LogOptions => {
  const [sinceSeconds, tailLines, limitBytes] = ['sinceSeconds', 'tailLines', 'limitBytes'].map((name) => readInteger(query, name));
  const sinceTime = query.get('sinceTime');
  if (sinceTime !== null && Number.isNaN(Date.parse(sinceTime))) {
    throw badRequest(`parsing time ${JSON.stringify(sinceTime)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(sinceTime)} as "2006"`);
  }
  const problems: FieldProblem[] = [
    ...(tailLines === undefined || tailLines >= 0 ? [] : [{ type: 'Invalid', field: 'tailLines', value: tailLines, detail: 'must be greater than or equal to 0' } as const]),
    ...positive('limitBytes', limitBytes),
    ...(sinceSeconds !== undefined && sinceTime !== null
      ? [{ type: 'Forbidden', field: '[]', detail: 'at most one of `sinceTime` or `sinceSeconds` may be specified' } as const]
      : positive('sinceSeconds', sinceSeconds)),
  ];
  if (problems.length > 0) throw invalid('', 'PodLogOptions', pod, problems);
  return {
    follow: flag(query, 'follow'),
    previous: flag(query, 'previous'),
    timestamps: flag(query, 'timestamps'),
    tailLines,
    limitBytes,
    since: sinceSeconds === undefined ? (sinceTime === null ? undefined : new Date(sinceTime)) : new Date(now.getTime() - sinceSeconds * 1000),
  };
};

const positive = (field: string, value: number | undefined): FieldProblem[] => (value === undefined || value > 0 ? [] : [{ type: 'Invalid', field, value, detail: 'must be greater than 0' }]);

/** A flag that is named without a value is meant. */
const flag = (query: URLSearchParams, name: string): boolean => query.has(name) && !['false', '0'].includes(query.get(name) ?? '');
