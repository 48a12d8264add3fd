import type { IncomingMessage } from 'node:http';
import { FailedError, KaitoError } from '../domain/errors.ts';
import type { KubernetesObject } from '../domain/kubernetes.ts';
import { sleep } from './abort.ts';
import type { ListOptions, WatchEvent } from './cluster.ts';
import { toConnectionError } from './connection-errors.ts';
import type { Endpoint } from './endpoint.ts';
import { toKaitoError } from './errors.ts';
import { listAll, toSelectors } from './list.ts';
import { type Known, toChanges, toRelistChanges } from './known.ts';
import { isKubernetesObject, isRecord } from './object.ts';
import type { Question } from './question.ts';
import { parseRefusal } from './refusal.ts';
import type { Transport } from './transport.ts';

export type ObjectEvent = WatchEvent<KubernetesObject>;

/** The server ends a watch after about so long by itself; asking keeps that short enough for any load balancer. */
const serverTimeoutSeconds = 240;

/** Opened for less than this, a watch does not count as one that works. */
const healthyMs = 10_000;

/**
 * A list, then a watch from its resourceVersion, for as long as the signal lets it. When the watch ends, by a timeout of the
 * server or a broken connection, it goes on from the last version seen; when the server has forgotten that version (410), what
 * was missed is found by comparing a new list with what is known. https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export async function* watchObjects(
  { endpoint, transport }: { endpoint: Endpoint; transport: Transport },
  question: Question,
  options: ListOptions & { signal: AbortSignal },
): AsyncGenerator<ObjectEvent, void, undefined> {
  const { signal } = options;
  const { timing, server } = endpoint;
  const known: Known = new Map();
  let resourceVersion: string | undefined;
  let isSynced = false;
  let failures = 0;
  let workedAt = Date.now();
  let hasWatched = false;
  let refusedAt: number | undefined;

  while (!signal.aborted) {
    let openedAt: number | undefined;
    try {
      if (resourceVersion === undefined) {
        const list = await listAll(transport, { ...question, verb: 'list' }, options);
        yield* toRelistChanges(known, list.items);
        resourceVersion = list.resourceVersion;
        if (!isSynced) yield { type: 'synced' };
        isSynced = true;
        workedAt = Date.now();
      }
      const response = await openWatch(transport, question, options, resourceVersion);
      openedAt = Date.now();
      hasWatched = true;
      refusedAt = undefined;
      for await (const message of readMessages(response, timing.watchSilenceMs)) {
        const { type, object } = message;
        if (type === 'ERROR') throw toWatchError(object, question, endpoint);
        if (!isKubernetesObject(object)) continue;
        ({ resourceVersion } = object.metadata);
        failures = 0;
        if (type !== 'BOOKMARK') yield* toChanges(known, type, object);
      }
    } catch (error) {
      if (signal.aborted) return;
      const failure = error instanceof KaitoError ? error : toConnectionError(error, server);
      // A refusal is final, and so is a cluster that could not even be listed once.
      if (hasWatched && isOfBeginning(failure)) refusedAt ??= Date.now();
      const mayPass = refusedAt !== undefined && Date.now() - refusedAt < timing.watchRefusalMs;
      if (!isSynced || !(failure instanceof FailedError || mayPass)) throw failure;
      if (failure.reason === 'Expired') resourceVersion = undefined;
      if (openedAt === undefined && Date.now() - workedAt > timing.watchOutageMs) throw failure;
    }
    if (openedAt !== undefined) workedAt = Date.now();
    // A watch that ran its time is opened again at once; one that ends as soon as it begins must not become a storm.
    if (openedAt !== undefined && Date.now() - openedAt > healthyMs) failures = 0;
    else failures += 1;
    if (failures > 0) await pause(timing.retryMs, failures, timing.longestRetryMs, signal);
  }
}

/** An API server that has just started does not know its users, their roles and their bindings yet, and refuses everybody for a moment. */
const isOfBeginning = ({ reason }: KaitoError): boolean => reason === 'Forbidden' || reason === 'Unauthorized';

const openWatch = (transport: Transport, question: Question, options: ListOptions & { signal: AbortSignal }, resourceVersion: string): Promise<IncomingMessage> =>
  transport.stream({
    question,
    method: 'GET',
    query: { ...toSelectors(options), watch: true, allowWatchBookmarks: true, timeoutSeconds: serverTimeoutSeconds, resourceVersion },
    signal: options.signal,
  });

interface Message {
  type: string;
  object: unknown;
}

/** One JSON value a line. Ends with the stream, on silence, and on a line that was cut off: the next watch tells it again. */
async function* readMessages(response: IncomingMessage, silenceMs: number): AsyncGenerator<Message, void, undefined> {
  response.setEncoding('utf8');
  const chunks: AsyncIterator<string> = response[Symbol.asyncIterator]();
  let rest = '';
  try {
    for (;;) {
      // Only waiting for the server counts as silence, not the time that the consumer takes between two messages.
      const timer = setTimeout(() => response.destroy(), silenceMs);
      const next = await chunks.next().finally(() => clearTimeout(timer));
      if (next.done) return;
      const lines = (rest + next.value).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const message: unknown = JSON.parse(line);
        if (isRecord(message) && typeof message['type'] === 'string') yield { type: message['type'], object: message['object'] };
      }
    }
  } finally {
    response.destroy();
  }
}

/** Errors inside of a watch are a Status like any other; whatever they are, a new list tells where things stand. */
const toWatchError = (object: unknown, question: Question, { server }: Endpoint): KaitoError => {
  const error = toKaitoError(parseRefusal(500, object), question, server);
  return error instanceof FailedError ? new FailedError(error.message, { reason: 'Expired', hints: error.hints, cause: error }) : error;
};

const pause = async (firstMs: number, failures: number, longestMs: number, signal: AbortSignal): Promise<void> => {
  const durationMs = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 10));
  // Spread out, so that all the clients of a server that comes back do not come back in one moment.
  await sleep(durationMs * (0.5 + Math.random() / 2), signal).catch(() => undefined);
};
