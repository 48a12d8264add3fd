import { getEventListeners, once } from 'node:events';
import { createServer, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { AccessError, NotFoundError } from '../../src/domain/errors.ts';
import { openPortForward, type PodName, type PortForward, type PortForwardOptions } from '../../src/cluster/port-forward.ts';
import { forwardPorts, type PodConnection, refuseUpgrade } from './pod.ts';
import { connectTo, failureOf, portOf, startServer, toStatus, until } from './support.ts';

interface World {
  open(options?: Partial<PortForwardOptions>): Promise<PortForward>;
  /** The pod that can be reached now. */
  current: PodName;
  errors: unknown[];
  replaced: string[];
  lookups: number;
}

const start = async (script: (connection: PodConnection) => void): Promise<World> => {
  const server = await startServer((_seen, response) => void response.end());
  const world: World = {
    current: { name: 'web-1', namespace: 'default' },
    errors: [],
    replaced: [],
    lookups: 0,
    async open(options = {}) {
      const opened = await openPortForward({
        cluster,
        findPod: () => {
          world.lookups += 1;
          return Promise.resolve(world.current);
        },
        port: 5000,
        signal: new AbortController().signal,
        onReconnect: ({ name }) => world.replaced.push(name),
        onError: (error) => world.errors.push(error),
        ...options,
      });
      onTestFinished(async () => await opened.close());
      return opened;
    },
  };
  forwardPorts(server, script, (incoming, socket) => {
    if (incoming.url?.includes(`/${world.current.name}/`)) return false;
    refuseUpgrade(socket, 404, toStatus(404, 'NotFound', 'pods not found', { name: 'web-1', kind: 'pods' }));
    return true;
  });
  const cluster = await connectTo(server);
  return world;
};

const dial = (port: number): Socket => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  socket.on('end', () => socket.end());
  socket.resume();
  onTestFinished(() => void socket.destroy());
  return socket;
};

/** Says its name and what it was told, once the other side says "!". */
const echo = (pod: PodConnection): void => {
  pod.socket.on('message', () => {
    if (!pod.received().endsWith('!')) return;
    pod.send(`${pod.podName}: ${pod.received()}`);
    pod.socket.close(1000);
  });
};

test('each connection to the local port is one to the pod', async () => {
  const world = await start(echo);
  const { localPort } = await world.open();
  const answers = ['one!', 'two!', 'three!'].map(async (words) => await text(dial(localPort).end(words)));
  expect(await Promise.all(answers)).toEqual(['web-1: one!', 'web-1: two!', 'web-1: three!']);
  expect(world.lookups).toBe(1);
});

test('the next connection finds the pod that took the place of the one before', async () => {
  const world = await start(echo);
  const { localPort } = await world.open();
  expect(await text(dial(localPort).end('one!'))).toBe('web-1: one!');
  world.current = { name: 'web-2', namespace: 'default' };
  expect(await text(dial(localPort).end('two!'))).toBe('web-2: two!');
  expect(world.replaced).toEqual(['web-2']);
});

test('a pod that cannot be reached closes the connection and tells why', async () => {
  const world = await start(echo);
  const { localPort } = await world.open({ findPod: () => Promise.resolve({ name: 'gone', namespace: 'default' }) });
  const socket = dial(localPort);
  await until(() => socket.closed, 'the end of the connection');
  expect(world.errors).toMatchObject([{ name: 'NotFoundError' }]);
});

test('a port of the pod where nothing listens closes the connection and tells why', async () => {
  const world = await start((pod) => pod.fail('connection refused'));
  const { localPort } = await world.open();
  const socket = dial(localPort);
  const [error] = await once(socket, 'error');
  expect(error).toMatchObject({ code: 'ECONNRESET' });
  await until(() => world.errors.length > 0, 'the error');
  expect(world.errors).toMatchObject([{ reason: 'PortRefused' }]);
});

test('a program that hangs up in the middle is no error, and its connection to the pod ends', async () => {
  let opened = 0;
  const world = await start((pod) => {
    opened += 1;
    pod.send('first');
    pod.socket.on('close', () => {
      opened -= 1;
    });
  });
  const { localPort } = await world.open();
  const socket = dial(localPort);
  await new Promise((resolve) => socket.once('data', resolve));
  socket.resetAndDestroy();
  await until(() => opened === 0, 'the end of the connection');
  expect(world.errors).toEqual([]);
});

test('HTTP with keep-alive goes through, streamed and in both directions', async () => {
  const backend = createServer((incoming, response) => {
    response.writeHead(200);
    incoming.pipe(response);
  });
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    backend.closeAllConnections();
    backend.close();
  });
  const world = await start((pod) => {
    const tcp = connect(portOf(backend), '127.0.0.1');
    tcp.on('data', (chunk) => pod.send(chunk));
    tcp.on('close', () => pod.socket.close(1000));
    tcp.on('error', () => undefined);
    pod.socket.on('message', (data) => {
      if (Buffer.isBuffer(data)) tcp.write(data.subarray(1));
    });
    pod.socket.on('close', () => tcp.destroy());
  });
  const { localPort } = await world.open();
  const body = 'x'.repeat(3 << 20);
  const answer = await new Promise<string>((resolve, reject) => {
    const outgoing = request({ port: localPort, host: '127.0.0.1', method: 'POST' }, (response) => void text(response).then(resolve, reject));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
  expect(answer.length).toBe(body.length);
});

test('a pod that closes first, as servers do with idle connections, ends the local connection cleanly and in full', async () => {
  let hasClosed = false;
  const world = await start((pod) => {
    for (let count = 0; count < 16; count += 1) pod.send(Buffer.alloc(1 << 20, 'x'));
    pod.socket.close(1000);
    hasClosed = true;
  });
  const { localPort } = await world.open();
  const socket = connect({ port: localPort, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  // The reader is slow: most is still to come when the pod has done.
  await once(socket, 'readable');
  await until(() => hasClosed, 'the end of the pod');
  const received = await text(socket);
  expect(received.length).toBe(16 << 20);
  await until(() => socket.closed, 'the end of the connection');
  expect(world.errors).toEqual([]);
});

test('a pod that does not run yet is found when it does', async () => {
  const world = await start(echo);
  let isThere = false;
  const { localPort } = await world.open({ findPod: () => (isThere ? Promise.resolve(world.current) : Promise.reject(new NotFoundError('No pod runs right now.'))) });
  const early = dial(localPort);
  await until(() => early.closed, 'the end of the connection');
  expect(world.errors).toMatchObject([{ name: 'NotFoundError' }]);
  isThere = true;
  expect(await text(dial(localPort).end('one!'))).toBe('web-1: one!');
});

test('a search for the pod that is refused is an error at the start', async () => {
  const world = await start(echo);
  const reason = new AccessError('pods is forbidden');
  expect(await failureOf(world.open({ findPod: () => Promise.reject(reason) }))).toBe(reason);
});

test('a local port that is taken is an error that says so', async () => {
  const world = await start(echo);
  const { localPort } = await world.open();
  expect(await failureOf(world.open({ localPort }))).toMatchObject({ name: 'UsageError', reason: 'LocalPort', message: `The local port ${localPort} is in use.` });
});

test('closing ends connections whose stream does not hear of it', async () => {
  const deaf = new PassThrough();
  const { localPort, close } = await openPortForward({
    cluster: { connect: () => Promise.resolve(deaf) },
    findPod: () => Promise.resolve({ name: 'web-1', namespace: 'default' }),
    port: 5000,
    signal: new AbortController().signal,
  });
  const socket = dial(localPort);
  socket.write('x');
  await once(socket, 'data');
  await close();
  await until(() => socket.closed && deaf.destroyed, 'the end of the connection');
});

test('the signal closes the port and every connection, and keeps no listener', async () => {
  const world = await start((pod) => pod.send('first'));
  const controller = new AbortController();
  const { localPort, close } = await world.open({ signal: controller.signal });
  const socket = dial(localPort);
  await new Promise((resolve) => socket.once('data', resolve));
  controller.abort();
  await close();
  await until(() => socket.closed, 'the end of the connection');
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  const late = dial(localPort);
  await until(() => late.closed, 'the refusal of a late connection');
  expect(world.errors).toEqual([]);
});
