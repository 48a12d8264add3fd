import { createHash } from 'node:crypto';
import { getEventListeners, once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { forwardPorts, type PodConnection, refuseUpgrade } from './pod.ts';
import { connectTo, failureOf, startServer, toStatus, until } from './support.ts';

const start = async (script: (connection: PodConnection) => void, timing = {}) => {
  const server = await startServer((_seen, response) => void response.end());
  const upgrades: string[] = [];
  forwardPorts(server, script, (request) => {
    upgrades.push(`${request.url} ${request.headers.authorization}`);
    return false;
  });
  return { server, upgrades, cluster: await connectTo(server, {}, { timing }) };
};

test('what is written arrives at the port of the pod, and what it answers comes back', async () => {
  const { cluster, upgrades } = await start((pod) => {
    pod.socket.on('message', () => {
      if (pod.received() === 'hello') {
        pod.send('grüße');
        pod.socket.close(1000);
      }
    });
  });
  const stream = await cluster.connect('web-1', 5000, { namespace: 'team-a' });
  stream.write('hello');
  expect(await text(stream)).toBe('grüße');
  expect(upgrades).toEqual(['/api/v1/namespaces/team-a/pods/web-1/portforward?ports=5000 Bearer secret-token']);
});

test('a long write is cut into frames that the kubelet takes, and arrives whole', async () => {
  const frameLengths: number[] = [];
  const { cluster } = await start((pod) => {
    pod.socket.on('message', (frame: Buffer) => {
      frameLengths.push(frame.length);
      if (frame.at(-1) === 2) pod.socket.close(1000);
    });
  });
  const stream = await cluster.connect('web-1', 5000, {});
  stream.write(Buffer.concat([Buffer.alloc(40 * 1024 * 1024, 1), Buffer.of(2)]));
  expect(await text(stream)).toBe('');
  expect(Math.max(...frameLengths)).toBeLessThan(32 * 1024 * 1024);
  // Each frame begins with the number of its channel.
  expect(frameLengths.reduce((total, length) => total + length - 1, 0)).toBe(40 * 1024 * 1024 + 1);
});

test('frames that come in one piece with the agreement are not lost', async () => {
  const server = await startServer((_seen, response) => void response.end());
  forwardPorts(server, () => undefined, (request, socket) => {
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    const agreement = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n`;
    const toFrame = (opcode: number, payload: Buffer): Buffer => Buffer.concat([Buffer.of(0x80 | opcode, payload.length), payload]);
    const frames = [[0, 136, 19], [1, 136, 19], [0, ...Buffer.from('early')]].map((payload) => toFrame(2, Buffer.from(payload)));
    // Without the end of TCP the client would wait for it.
    socket.end(Buffer.concat([Buffer.from(agreement), ...frames, toFrame(8, Buffer.of(3, 232))]));
    return true;
  });
  expect(await text(await (await connectTo(server)).connect('web-1', 5000, {}))).toBe('early');
});

test('the end of the pod is the end of the stream', async () => {
  const { cluster } = await start((pod) => pod.socket.close(1000));
  const stream = await cluster.connect('web-1', 5000, {});
  expect(await text(stream)).toBe('');
  await until(() => stream.closed, 'the end of the stream');
});

test('an answer that comes after the last word of the local side is not lost', async () => {
  const { cluster } = await start((pod) => {
    pod.socket.on('message', () => {
      if (pod.received() === 'question') setTimeout(() => {
        pod.send('late answer');
        pod.socket.close(1000);
      }, 50);
    });
  });
  const stream = await cluster.connect('web-1', 5000, {});
  stream.end('question');
  expect(await text(stream)).toBe('late answer');
});

test('a pod that is silent after the last word of the local side does not hold the stream for ever', async () => {
  const { cluster } = await start(() => undefined, { halfCloseMs: 50 });
  const stream = await cluster.connect('web-1', 5000, {});
  stream.end('question');
  expect(await text(stream)).toBe('');
});

test('what the pod says on the error channel is an error', async () => {
  const words = 'error forwarding port 5000 to pod abc: dial tcp4 127.0.0.1:5000: connect: connection refused';
  const { cluster } = await start((pod) => pod.fail(words));
  const stream = await cluster.connect('web-1', 5000, {});
  expect(await failureOf(text(stream))).toMatchObject({ name: 'FailedError', reason: 'PortRefused', fact: words });
});

test('a connection that is cut is an error, not an end', async () => {
  const { cluster } = await start((pod) => {
    pod.send('half');
    pod.socket.once('message', () => pod.socket.terminate());
  });
  const stream = await cluster.connect('web-1', 5000, {});
  stream.write('go');
  expect(await failureOf(text(stream))).toMatchObject({ name: 'FailedError', reason: 'ConnectionLost' });
});

test.each([
  [403, 'Forbidden', 'AccessError', 'Forbidden'],
  [404, 'NotFound', 'NotFoundError', 'NotFound'],
  [500, 'InternalError', 'FailedError', 'InternalError'],
])('a refusal with %i %s keeps the words of the server', async (code, reason, name, word) => {
  const server = await startServer((_seen, response) => void response.end());
  forwardPorts(server, () => undefined, (_request, socket) => {
    refuseUpgrade(socket, code, toStatus(code, reason, 'pods "web-1" says no', { name: 'web-1', kind: 'pods' }));
    return true;
  });
  expect(await failureOf((await connectTo(server)).connect('web-1', 5000, {}))).toMatchObject({ name, reason: word, fact: 'pods "web-1" says no' });
});

test('a server that does not know the protocol is told as an error', async () => {
  const server = await startServer((_seen, response) => void response.end('not an upgrade'));
  expect(await failureOf((await connectTo(server)).connect('web-1', 5000, {}))).toMatchObject({ name: 'FailedError' });
});

test('a fast pod is held back by a slow reader', async () => {
  let sent = 0;
  const piece = Buffer.alloc(1 << 18, 'x');
  const { cluster } = await start((pod) => {
    const flood = (): void => {
      if (sent >= 64 << 20 || pod.socket.readyState !== pod.socket.OPEN) return;
      pod.socket.send(Buffer.concat([Buffer.of(0), piece]), () => {
        sent += piece.length;
        flood();
      });
    };
    flood();
  });
  const stream = await cluster.connect('web-1', 5000, {});
  await once(stream, 'readable');
  let before = -1;
  let changedAt = Date.now();
  await until(() => {
    if (sent !== before) changedAt = Date.now();
    before = sent;
    return Date.now() - changedAt > 200;
  }, 'the flood to be held back');
  expect(sent).toBeLessThan(32 << 20);
  let total = 0;
  for await (const chunk of stream) {
    total += Buffer.byteLength(chunk);
    if (total >= 64 << 20) break;
  }
  expect(total).toBe(64 << 20);
});

test('a fast writer is held back by a slow pod', async () => {
  const { cluster } = await start((pod) => pod.socket.pause());
  const stream = await cluster.connect('web-1', 5000, {});
  const piece = Buffer.alloc(1 << 20, 'x');
  let written = 0;
  const writeOn = (): void => {
    while (written < 256 << 20 && stream.write(piece)) written += piece.length;
  };
  stream.on('drain', writeOn);
  writeOn();
  let before = -1;
  let changedAt = Date.now();
  await until(() => {
    if (written !== before) changedAt = Date.now();
    before = written;
    return Date.now() - changedAt > 200;
  }, 'the writer to be held back');
  expect(written).toBeLessThan(64 << 20);
  stream.destroy();
});

test('a pod that gives no sign of life is given up', async () => {
  const { cluster } = await start((pod) => {
    // Reads nothing more, pings included, as when the network in between is gone.
    pod.socket.pause();
  }, { pingMs: 20 });
  const stream = await cluster.connect('web-1', 5000, {});
  expect(await failureOf(text(stream))).toMatchObject({ reason: 'ConnectionLost', fact: 'no sign of life on the WebSocket' });
});

test('a pod that answers pings lives, however quiet it is', async () => {
  let pings = 0;
  const { cluster } = await start((pod) => {
    pod.socket.on('ping', () => {
      pings += 1;
      if (pings === 4) pod.socket.close(1000);
    });
  }, { pingMs: 400 });
  expect(await text(await cluster.connect('web-1', 5000, {}))).toBe('');
  expect(pings).toBe(4);
});

test('the signal ends an open connection and one that is being opened, and keeps no listener', async () => {
  let opened = 0;
  const { cluster } = await start((pod) => {
    opened += 1;
    pod.socket.on('close', () => {
      opened -= 1;
    });
  });
  const controller = new AbortController();
  const stream = await cluster.connect('web-1', 5000, { signal: controller.signal });
  controller.abort(new Error('enough'));
  await until(() => stream.closed && opened === 0, 'the end of the connection');
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  expect(await failureOf(cluster.connect('web-1', 5000, { signal: controller.signal }))).toMatchObject({ message: 'enough' });
});

test('closing the cluster ends its connections', async () => {
  const { cluster } = await start(() => undefined);
  const stream = await cluster.connect('web-1', 5000, {});
  cluster.close();
  await until(() => stream.closed, 'the end of the connection');
});
