import { type Exchange } from './exchange.ts';
import { expired, StatusError, toStatus } from './errors.ts';
import type { JsonRecord } from './json.ts';
import { refuseListOptions } from './list-options.ts';
import { type Representation, representationOf } from './negotiation.ts';
import { parseSelectors, parseVersion, readInteger, untilReached } from './read.ts';
import { apiVersionOf, resourceNameOf } from './resources.ts';
import { represent } from './respond.ts';
import type { Selector } from './selectors.ts';
import type { Change, StoredObject } from './store.ts';

/** Half an hour, where the client does not say; the API server's own is a random time above that. */
const defaultTimeoutSeconds = 1800;
/** A day: timers count to 2³¹ milliseconds, and take more for none at all. */
const longestTimeoutSeconds = 86_400;
const bookmarkIntervalMs = 60_000;
/** A client that reads this much too slowly is cut off, and starts again from a list. */
const backlogBytes = 16 * 1024 * 1024;
/** How many events a watch tells before a scripted fault ends it. */
const eventsBeforeFault = 3;

/** A line of a watch: `{"type":"ADDED","object":{...}}`. */
interface WatchLine {
  type: Change['type'];
  object: StoredObject;
}

/**
 * Streams what changes, from a version on, or from what exists when none is named. Ends after `timeoutSeconds`, when the
 * client goes, or with 410 when its version is too old: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export const watch = async (exchange: Exchange): Promise<void> => {
  const { api, target, query, request, response } = exchange;
  const representation = representationOf(request);
  const selector = parseSelectors(exchange);
  const resource = resourceNameOf(target.resource);
  refuseListOptions(query, true);
  const timeoutSeconds = Math.min(readInteger(query, 'timeoutSeconds') || defaultTimeoutSeconds, longestTimeoutSeconds);
  const sendsInitialEvents = query.get('sendInitialEvents') === 'true';
  const allowsBookmarks = query.get('allowWatchBookmarks') === 'true';
  const startVersion = query.get('resourceVersion') ?? '';
  if (startVersion) parseVersion(startVersion, (problem) => new StatusError(500, '', problem));

  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  const lines = createLines(exchange, representation);

  if (sendsInitialEvents && startVersion !== '') {
    try {
      await untilReached(exchange);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      return lines.fail(error);
    }
  }

  const stop = api.store.subscribe((change) => {
    const line = change.resource === resource ? toLine(change, target.namespace, selector) : undefined;
    if (line) lines.tell(line);
  });
  const bookmarks = setInterval(() => allowsBookmarks && lines.bookmark(), bookmarkIntervalMs);
  const timeout = setTimeout(() => {
    if (allowsBookmarks) lines.bookmark();
    response.end();
  }, timeoutSeconds * 1000);
  response.once('close', () => {
    stop();
    clearInterval(bookmarks);
    clearTimeout(timeout);
  });

  if (startVersion === '' || startVersion === '0' || sendsInitialEvents) {
    for (const object of api.store.list(resource, target.namespace)) if (selector(object)) lines.tell({ type: 'ADDED', object });
    if (sendsInitialEvents && allowsBookmarks) lines.bookmark({ 'k8s.io/initial-events-end': 'true' });
    return;
  }
  try {
    for (const change of api.store.changesSince(startVersion, resource)) {
      const line = toLine(change, target.namespace, selector);
      if (line) lines.tell(line);
    }
  } catch (error) {
    // Once a watch is accepted it refuses inside of its stream, as the API server's watch cache does.
    if (!(error instanceof StatusError)) throw error;
    lines.fail(error);
  }
};

/** How a change looks to somebody who sees only some objects: those come and go as they begin and cease to match. */
const toLine = ({ type, object, previous }: Change, namespace: string | undefined, selector: Selector): WatchLine | undefined => {
  if (namespace !== undefined && object.metadata.namespace !== namespace) return undefined;
  const matched = previous !== undefined && selector(previous);
  const matches = type !== 'DELETED' && selector(object);
  if (matches) return { type: matched ? 'MODIFIED' : 'ADDED', object };
  if (!matched) return undefined;
  // The last state that was seen to match, at the version at which it ceased to.
  return { type: 'DELETED', object: { ...previous, metadata: { ...previous.metadata, resourceVersion: object.metadata.resourceVersion } } };
};

const createLines = (exchange: Exchange, representation: Representation) => {
  const { api, response, target } = exchange;
  let eventCount = 0;
  let isFirst = true;

  const write = (type: string, object: unknown, onSent?: () => void): void => {
    if (response.writableEnded || response.destroyed) return;
    response.write(`${JSON.stringify({ type, object })}\n`, onSent);
    if (response.writableLength > backlogBytes) response.destroy();
  };

  const fail = (error: StatusError): void => {
    write('ERROR', toStatus(error));
    response.end();
  };

  return {
    fail,

    tell({ type, object }: WatchLine): void {
      eventCount += 1;
      const isLast = eventCount >= eventsBeforeFault;
      // Cut only when it has been sent: a client that is never told anything could never get on.
      write(type, represent(exchange, representation, object, isFirst), isLast && api.faults.has('watch-cut') ? () => response.destroy() : undefined);
      isFirst = false;
      if (isLast && api.faults.has('watch-gone') && !response.writableEnded) {
        fail(expired(`too old resource version: ${object.metadata.resourceVersion} (${api.store.resourceVersion})`));
      }
    },

    /** Tells the client how far it has come, although nothing that it sees has changed. */
    bookmark(annotations?: Record<string, string>): void {
      const { kind } = target.resource;
      const metadata: JsonRecord = { resourceVersion: api.store.resourceVersion };
      write('BOOKMARK', { kind, apiVersion: apiVersionOf(target.resource), metadata: annotations ? { ...metadata, annotations } : metadata });
    },
  };
};
