import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { connectTo, failureOf, sendStatus, startServer, until } from './support.ts';

const collect = async (chunks: AsyncIterable<string>): Promise<string> => (await Array.fromAsync(chunks)).join('');

test('a log is text as it comes, carriage returns and all, and asks for what was wanted', async () => {
  const server = await startServer((_seen, response) => {
    response.end('10%\r20%\r\ndone');
  });
  const cluster = await connectTo(server);
  expect(await collect(cluster.logs('web-1', { container: 'tuner', follow: true, tailLines: 10, sinceSeconds: 60, timestamps: true, previous: false }))).toBe('10%\r20%\r\ndone');
  expect(server.requests[0]).toMatchObject({ path: '/api/v1/namespaces/default/pods/web-1/log', query: { container: 'tuner', follow: 'true', tailLines: '10', sinceSeconds: '60', timestamps: 'true' } });
  expect(server.requests[0]?.query).not.toHaveProperty('previous');
});

test('a character that is split over chunks arrives whole', async () => {
  const server = await startServer(async (_seen, response) => {
    for (const byte of Buffer.from('grüße 🚀')) await new Promise((resolve) => response.write(Buffer.of(byte), resolve));
    response.end();
  });
  expect(await collect((await connectTo(server)).logs('web-1', {}))).toBe('grüße 🚀');
});

test('a log that is silent for longer than any call may take goes on', async () => {
  const server = await startServer(async (_seen, response) => {
    response.write('before\n');
    const silentUntil = Date.now() + 2500;
    await until(() => Date.now() > silentUntil, 'the end of the silence');
    response.end('after\n');
  });
  const cluster = await connectTo(server, {}, { timing: { callMs: 1000, connectMs: 1000 } });
  expect(await collect(cluster.logs('web-1', { follow: true }))).toBe('before\nafter\n');
});

test('a container that has not started yet is a reason to wait, not a failure without words', async () => {
  const words = 'container "tuner" in pod "web-1" is waiting to start: ContainerCreating';
  const server = await startServer((_seen, response) => sendStatus(response, 400, 'BadRequest', words));
  expect(await failureOf(collect((await connectTo(server)).logs('web-1', {})))).toMatchObject({ name: 'FailedError', reason: 'ContainerWaiting', fact: words });
});

test("the kubelet's word that the container is gone is no line of its log", async () => {
  const words = 'unable to retrieve container logs for containerd://fe45cd81b32dcb319c20ffe82ff2a0a0e082cf926cf00cf4bb2b5554e474c80e';
  const server = await startServer((_seen, response) => void response.end(words));
  expect(await failureOf(collect((await connectTo(server)).logs('web-1', { previous: true })))).toMatchObject({ name: 'NotFoundError', reason: 'LogGone', fact: words });
});

test('a connection that is cut while the log is followed is an error, not an end', async () => {
  const server = await startServer((_seen, response) => {
    response.write('before\n', () => response.destroy());
  });
  const seen: string[] = [];
  const failure = await failureOf(
    (async () => {
      for await (const chunk of (await connectTo(server)).logs('web-1', { follow: true })) seen.push(chunk);
    })(),
  );
  expect(seen.join('')).toBe('before\n');
  expect(failure).toMatchObject({ name: 'FailedError', reason: 'ConnectionLost' });
});

test('an abort ends the log quietly, closes the connection and leaves no listener', async () => {
  let isClosed = false;
  const server = await startServer((_seen, response) => {
    response.on('close', () => {
      isClosed = true;
    });
    response.write('before\n');
  });
  const controller = new AbortController();
  const seen: string[] = [];
  for await (const chunk of (await connectTo(server)).logs('web-1', { follow: true, signal: controller.signal })) {
    seen.push(chunk);
    controller.abort();
  }
  expect(seen).toEqual(['before\n']);
  await until(() => isClosed, 'the end of the connection');
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
});

test('a slow reader holds the server back', async () => {
  let sentBytes = 0;
  const piece = Buffer.alloc(1 << 20, 'x');
  const server = await startServer(async (_seen, response) => {
    for (let count = 0; count < 64 && !response.destroyed; count += 1) {
      if (!response.write(piece)) {
        await new Promise((resolve) => {
          response.once('drain', resolve);
          response.once('close', resolve);
        });
      }
      sentBytes += piece.length;
    }
  });
  for await (const chunk of (await connectTo(server)).logs('web-1', { follow: true })) {
    const slowUntil = Date.now() + 300;
    await until(() => Date.now() > slowUntil, 'the slow reader');
    expect(chunk.length).toBeGreaterThan(0);
    break;
  }
  expect(sentBytes).toBeLessThan(32 << 20);
});
