import { getEventListeners } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import type { Cluster } from '../../src/cluster/cluster.ts';
import { connectTo, createPod, failureOf, sendJson, sendStatus, startServer, toStatus, type Script, type Seen, until } from './support.ts';

type Pod = ReturnType<typeof createPod>;

const sendList = (response: ServerResponse, items: Pod[], resourceVersion: string): void =>
  // Items of real lists have neither apiVersion nor kind.
  sendJson(response, { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion }, items: items.map(({ apiVersion: _a, kind: _k, ...item }) => item) });

const toLine = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;

const bookmark = (resourceVersion: string): string => toLine('BOOKMARK', { kind: 'Pod', apiVersion: 'v1', metadata: { resourceVersion } });

type Step = (response: ServerResponse, seen: Seen) => void | Promise<void>;

/** Answers lists and watches each from a script of their own, the last of which is repeated. */
const play =
  (lists: Step[], watches: Step[]): Script =>
  (seen, response) => {
    const queue = seen.query['watch'] === 'true' ? watches : lists;
    const step = queue.length > 1 ? queue.shift() : queue[0];
    return step?.(response, seen);
  };

/** A watch that stays open and says nothing more. */
const stayOpen = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
};

/** What the consumer saw, as `added a@1`, until it has seen `count` things. */
const collect = async (cluster: Cluster, count: number): Promise<string[]> => {
  const controller = new AbortController();
  const seen: string[] = [];
  const timer = setTimeout(() => controller.abort(), 60_000);
  for await (const event of cluster.watch('Pod', { signal: controller.signal })) {
    seen.push(event.type === 'synced' ? 'synced' : `${event.type} ${event.object.metadata.name}@${event.object.metadata.resourceVersion}`);
    if (seen.length === count) controller.abort();
  }
  clearTimeout(timer);
  return seen;
};

test('a watch tells what exists, that this was all, and then what changes', async () => {
  const server = await startServer(
    play(
      [(response) => sendList(response, [createPod('a', '1')], '5')],
      [
        (response) => {
          stayOpen(response);
          response.write(toLine('MODIFIED', createPod('a', '6')) + toLine('ADDED', createPod('b', '7')) + toLine('DELETED', createPod('a', '8')));
        },
      ],
    ),
  );
  expect(await collect(await connectTo(server), 5)).toEqual(['added a@1', 'synced', 'modified a@6', 'added b@7', 'deleted a@8']);
  expect(server.requests[1]?.query).toMatchObject({ watch: 'true', allowWatchBookmarks: 'true', resourceVersion: '5', timeoutSeconds: '240' });
});

test('a watch that the server ends goes on from the last version, bookmarks included', async () => {
  const server = await startServer(
    play(
      [(response) => sendList(response, [], '5')],
      [
        (response) => {
          stayOpen(response);
          response.end(toLine('ADDED', createPod('a', '6')) + bookmark('40'));
        },
        (response) => {
          stayOpen(response);
          response.write(toLine('ADDED', createPod('b', '41')));
        },
      ],
    ),
  );
  expect(await collect(await connectTo(server), 3)).toEqual(['synced', 'added a@6', 'added b@41']);
  expect(server.requests.map(({ query }) => query['resourceVersion'])).toEqual([undefined, '5', '40']);
});

test('a connection that is cut in the middle of a line loses nothing and tells nothing twice', async () => {
  const line = toLine('ADDED', createPod('b', '7', { status: { message: 'später' } }));
  const server = await startServer(
    play(
      [(response) => sendList(response, [], '5')],
      [
        (response) => {
          stayOpen(response);
          response.write(toLine('ADDED', createPod('a', '6')) + line.slice(0, 40), () => response.destroy());
        },
        (response) => {
          stayOpen(response);
          response.write(line);
        },
      ],
    ),
  );
  expect(await collect(await connectTo(server), 3)).toEqual(['synced', 'added a@6', 'added b@7']);
});

test('a line that comes in pieces, cut inside of a character, is one event of the same watch', async () => {
  const server = await startServer(
    play(
      [(response) => sendList(response, [], '5')],
      [
        async (response) => {
          stayOpen(response);
          for (const byte of Buffer.from(toLine('ADDED', createPod('a', '6', { status: { message: 'größer 🚀' } })))) await new Promise((resolve) => response.write(Buffer.of(byte), resolve));
        },
      ],
    ),
  );
  const controller = new AbortController();
  for await (const event of (await connectTo(server)).watch('Pod', { signal: controller.signal })) {
    if (event.type === 'synced') continue;
    expect(event.object.status).toEqual({ message: 'größer 🚀' });
    controller.abort();
  }
  expect(server.requests).toHaveLength(2);
});

const goneInBothWays: [string, (response: ServerResponse) => void][] = [
  ['as an answer', (response) => sendStatus(response, 410, 'Expired', 'too old resource version: 6 (9)')],
  [
    'as an event',
    (response) => {
      stayOpen(response);
      response.end(toLine('ERROR', toStatus(410, 'Expired', 'too old resource version: 6 (9)')));
    },
  ],
];
test.each(goneInBothWays)('410 Gone %s becomes a new list, and what was missed is told as changes', async (_way, sayGone) => {
  const server = await startServer(
    play(
      [
        (response) => sendList(response, [createPod('stays', '1'), createPod('changes', '2'), createPod('goes', '3')], '5'),
        (response) => sendList(response, [createPod('stays', '1'), createPod('changes', '8'), createPod('comes', '9')], '9'),
      ],
      [sayGone, stayOpen],
    ),
  );
  expect(await collect(await connectTo(server), 7)).toEqual(['added stays@1', 'added changes@2', 'added goes@3', 'synced', 'deleted goes@3', 'modified changes@8', 'added comes@9']);
  await until(() => server.requests.length >= 3, 'the third request');
});

test('an object that was replaced under its name while nobody looked is deleted and added', async () => {
  const again = createPod('a', '9');
  const server = await startServer(
    play(
      [(response) => sendList(response, [createPod('a', '1')], '5'), (response) => sendList(response, [{ ...again, metadata: { ...again.metadata, uid: 'another' } }], '9')],
      [(response) => sendStatus(response, 410, 'Expired', 'too old'), stayOpen],
    ),
  );
  expect(await collect(await connectTo(server), 4)).toEqual(['added a@1', 'synced', 'deleted a@1', 'added a@9']);
});

test('events that repeat what is known, or delete what was never there, are not told', async () => {
  const server = await startServer(
    play(
      [(response) => sendList(response, [createPod('a', '1')], '5')],
      [
        (response) => {
          stayOpen(response);
          response.write(toLine('ADDED', createPod('a', '1')) + toLine('DELETED', createPod('x', '6')) + toLine('MODIFIED', createPod('b', '7')));
        },
      ],
    ),
  );
  expect(await collect(await connectTo(server), 3)).toEqual(['added a@1', 'synced', 'added b@7']);
});

test.each([
  [403, 'Forbidden', 'AccessError'],
  [404, 'NotFound', 'NotFoundError'],
])('a refusal with %i %s is thrown, at the start and later', async (code, reason, name) => {
  const refuse = (response: ServerResponse): void => sendStatus(response, code, reason, 'no');
  for (const script of [play([refuse], [stayOpen]), play([(response) => sendList(response, [], '5')], [refuse])]) {
    const server = await startServer(script);
    expect(await failureOf(collect(await connectTo(server), 9))).toMatchObject({ name });
  }
});

const refuseOnce = (response: ServerResponse): void => sendStatus(response, 403, 'Forbidden', 'cannot watch resource "pods"');
const endAtOnce = (response: ServerResponse): void => {
  stayOpen(response);
  response.end();
};

test('a server that has just started and does not know who may do what is asked again', async () => {
  const server = await startServer(
    play(
      [(response) => sendList(response, [], '5')],
      [
        endAtOnce,
        refuseOnce,
        (response) => sendStatus(response, 401, 'Unauthorized', 'Unauthorized'),
        (response) => {
          stayOpen(response);
          response.write(toLine('ADDED', createPod('a', '6')));
        },
      ],
    ),
  );
  expect(await collect(await connectTo(server), 2)).toEqual(['synced', 'added a@6']);
});

test('a permission that is taken away in the middle is an error in the end', async () => {
  const server = await startServer(play([(response) => sendList(response, [], '5')], [endAtOnce, refuseOnce]));
  const cluster = await connectTo(server, {}, { timing: { watchRefusalMs: 100, longestRetryMs: 20 } });
  expect(await failureOf(collect(cluster, 9))).toMatchObject({ name: 'AccessError', fact: 'cannot watch resource "pods"' });
});

test('a failing server is asked again for a while and not in a storm', async () => {
  const server = await startServer(
    play(
      [(response) => sendList(response, [], '5')],
      [
        (response) => sendStatus(response, 500, 'InternalError', 'etcd is away'),
        (response) => response.destroy(),
        (response) => {
          stayOpen(response);
          response.end();
        },
        (response) => {
          stayOpen(response);
          response.write(toLine('ADDED', createPod('a', '6')));
        },
      ],
    ),
  );
  expect(await collect(await connectTo(server), 2)).toEqual(['synced', 'added a@6']);
});

test('an outage without end is an error in the end', async () => {
  const server = await startServer(play([(response) => sendList(response, [], '5')], [(response) => sendStatus(response, 500, 'InternalError', 'etcd is away')]));
  const cluster = await connectTo(server, {}, { timing: { watchOutageMs: 100, longestRetryMs: 20 } });
  expect(await failureOf(collect(cluster, 9))).toMatchObject({ name: 'FailedError', reason: 'InternalError', fact: 'etcd is away' });
});

test('a watch on which nothing comes, not even a bookmark, is opened again', async () => {
  const server = await startServer(
    play(
      [(response) => sendList(response, [], '5')],
      [
        stayOpen,
        (response) => {
          stayOpen(response);
          response.write(toLine('ADDED', createPod('a', '6')));
        },
      ],
    ),
  );
  const cluster = await connectTo(server, {}, { timing: { watchSilenceMs: 50 } });
  expect(await collect(cluster, 2)).toEqual(['synced', 'added a@6']);
});

test('the time that the consumer takes does not count as silence', async () => {
  const server = await startServer(
    play(
      [(response) => sendList(response, [], '5')],
      [
        (response) => {
          stayOpen(response);
          response.write(toLine('ADDED', createPod('a', '6')) + toLine('ADDED', createPod('b', '7')));
        },
      ],
    ),
  );
  const cluster = await connectTo(server, {}, { timing: { watchSilenceMs: 1000 } });
  const controller = new AbortController();
  for await (const event of cluster.watch('Pod', { signal: controller.signal })) {
    if (event.type === 'synced') continue;
    if (event.object.metadata.name === 'b') break;
    const slowUntil = Date.now() + 2000;
    await until(() => Date.now() > slowUntil, 'the slow consumer');
  }
  expect(server.requests).toHaveLength(2);
});

test('an abort ends the watch quietly, closes its connection and leaves no listener', async () => {
  let isClosed = false;
  const server = await startServer(
    play(
      [(response) => sendList(response, [], '5')],
      [
        (response) => {
          stayOpen(response);
          response.on('close', () => {
            isClosed = true;
          });
        },
      ],
    ),
  );
  const cluster = await connectTo(server);
  const controller = new AbortController();
  for await (const event of cluster.watch('Pod', { signal: controller.signal })) {
    expect(event.type).toBe('synced');
    void until(() => server.requests.length === 2, 'the watch').then(() => controller.abort());
  }
  await until(() => isClosed, 'the end of the connection');
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
});

test('leaving the loop closes the connection and leaves no listener', async () => {
  let isClosed = false;
  const server = await startServer(
    play(
      [(response) => sendList(response, [], '5')],
      [
        (response) => {
          stayOpen(response);
          response.write(toLine('ADDED', createPod('a', '6')));
          response.on('close', () => {
            isClosed = true;
          });
        },
      ],
    ),
  );
  const { signal } = new AbortController();
  for await (const event of (await connectTo(server)).watch('Pod', { signal })) if (event.type === 'added') break;
  await until(() => isClosed, 'the end of the connection');
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test('many reconnections leave no listener behind', async () => {
  const server = await startServer(
    play(
      [(response) => sendList(response, [], '5')],
      [
        (response, seen) => {
          stayOpen(response);
          response.end(toLine('ADDED', createPod(`p${seen.query['resourceVersion']}`, String(Number(seen.query['resourceVersion']) + 1))));
        },
      ],
    ),
  );
  const { signal } = new AbortController();
  let count = 0;
  for await (const _event of (await connectTo(server)).watch('Pod', { signal })) {
    count += 1;
    expect(getEventListeners(signal, 'abort').length).toBeLessThanOrEqual(1);
    if (count === 30) break;
  }
  expect(server.requests.filter(({ query }) => query['watch'] === undefined)).toHaveLength(1);
});

test('a list in pages is one list, and a page that has expired is asked for in one go', async () => {
  const server = await startServer((seen, response) => {
    const { continue: next, limit } = seen.query;
    if (limit === undefined) sendList(response, [createPod('a', '1'), createPod('b', '2')], '9');
    else if (next === 'x') sendStatus(response, 410, 'Expired', 'The provided continue parameter is too old');
    else sendJson(response, { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '5', continue: 'x' }, items: [createPod('a', '1')] });
  });
  const pods = await (await connectTo(server)).list('Pod', { labelSelector: 'a=b,c' });
  expect(pods.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual(['Pod/a', 'Pod/b']);
  expect(server.requests.map(({ query }) => query)).toEqual([
    { labelSelector: 'a=b,c', limit: '500' },
    { labelSelector: 'a=b,c', limit: '500', continue: 'x' },
    { labelSelector: 'a=b,c' },
  ]);
});
