import { once } from 'node:events';
import type { RawData, WebSocket } from 'ws';
import { type ConformanceCase, hasCondition, must, pathOf, send, seen, type TestServer, until } from '../server.ts';
import { pod } from './objects.ts';

/** A server that says back what it hears, and one port that nobody listens on. */
const echo = 'nc -ll -p 8080 -e cat';
const start = async (server: TestServer): Promise<void> => {
  await must(send(server, 'POST', 'pods', pod(server, 'a', echo)));
  await until(server, 'pods/a', hasCondition('Ready'));
};

const asBuffer = (data: RawData): Buffer => (Buffer.isBuffer(data) ? data : Buffer.alloc(0));

/** Waits on a socket, so that none is left open by a case that failed. */
const within = async <T>(client: WebSocket, work: Promise<T>): Promise<T> => {
  const timer = setTimeout(() => client.terminate(), 60_000);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
    client.terminate();
  }
};

const collect = (client: WebSocket, onMessage: (channel: number, content: Buffer) => void): Promise<void> => {
  client.on('message', (data) => {
    const message = asBuffer(data);
    onMessage(message[0] ?? -1, message.subarray(1));
  });
  client.on('error', () => {});
  return once(client, 'close').then(() => undefined);
};

/** The pod's network has a name of its own, and the uid stands beside it. */
const tidy = (text: string): string => text.replaceAll(/"?\/(?:var\/run|run|tmp|[\w./-]+)\/netns\/[\w-]+"?/g, '"<network>"').replaceAll(/port \d+ to pod [0-9a-f]{64}/g, 'port <port> to pod <sandbox>');

export const portForwardCases: readonly ConformanceCase[] = [
  {
    title: 'channels begin with their port and carry bytes both ways',
    needs: 'pods',
    async observe(server) {
      await start(server);
      const client = server.api.webSocket(pathOf(server, 'pods/a/portforward?ports=8080'), ['v4.channel.k8s.io']);
      const channels: Record<number, string> = {};
      const closed = collect(client, (channel, content) => {
        channels[channel] = (channels[channel] ?? '') + content.toString('latin1');
        if (channels[0]?.endsWith('hello')) client.close();
      });
      client.once('open', () => client.send(Buffer.concat([Buffer.from([0]), Buffer.from('hello')])));
      await within(client, closed);
      return { protocol: client.protocol, data: [...(channels[0] ?? '')].map((letter) => letter.charCodeAt(0)), error: [...(channels[1] ?? '')].map((letter) => letter.charCodeAt(0)) };
    },
  },
  {
    title: 'several ports have channels of their own, and one that fails does not end the others',
    needs: 'pods',
    async observe(server) {
      await start(server);
      const client = server.api.webSocket(pathOf(server, 'pods/a/portforward?ports=8080&ports=8081&ports=8080'), ['v4.channel.k8s.io']);
      const channels: Record<number, Buffer> = {};
      const say = (channel: number, text: string): void => client.send(Buffer.concat([Buffer.from([channel]), Buffer.from(text)]));
      const textOf = (channel: number): string => channels[channel]?.subarray(2).toString() ?? '';
      let hasAnswered = false;
      const closed = collect(client, (channel, content) => {
        channels[channel] = Buffer.concat([channels[channel] ?? Buffer.alloc(0), content]);
        if (textOf(3) === '') return;
        // Only now: what comes back has outlived the failure of the other.
        if (!hasAnswered) for (const [index, text] of [[0, 'first'], [4, 'second']] as const) say(index, text);
        hasAnswered = true;
        if (textOf(0) === 'first' && textOf(4) === 'second') client.close();
      });
      await within(client, closed);
      return Object.fromEntries(Object.entries(channels).map(([channel, content]) => [channel, { port: content.readUInt16LE(0), text: tidy(content.subarray(2).toString()) }]));
    },
  },
  {
    title: 'of several protocols the server takes the one that it likes best',
    needs: 'pods',
    async observe(server) {
      await start(server);
      const path = pathOf(server, 'pods/a/portforward?ports=8080');
      const webSocket = { upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': Buffer.alloc(16).toString('base64') };
      const ask = async (...protocols: string[]) => {
        const { code, headers } = await server.api.upgrade(path, { ...webSocket, 'sec-websocket-protocol': protocols.join(', ') });
        return { code, protocol: headers['sec-websocket-protocol'] ?? null };
      };
      return {
        newer: await ask('v5.channel.k8s.io', 'v4.channel.k8s.io'),
        newerOnly: await ask('v5.channel.k8s.io'),
        plainFirst: await ask('portforward.k8s.io', 'v4.channel.k8s.io'),
        plainLast: await ask('v4.channel.k8s.io', 'portforward.k8s.io'),
        tunnelLast: await ask('v4.channel.k8s.io', 'SPDY/3.1+portforward.k8s.io'),
        unknownTunnel: await ask('SPDY/3.1+other'),
      };
    },
  },
  {
    title: 'a port that nobody listens on is told on the channel for errors',
    needs: 'pods',
    async observe(server) {
      await start(server);
      const client = server.api.webSocket(pathOf(server, 'pods/a/portforward?ports=8081'), ['v4.channel.k8s.io']);
      let error = Buffer.alloc(0);
      const closed = collect(client, (channel, content) => {
        if (channel === 1) error = Buffer.concat([error, content]);
        if (error.length > 2) client.close();
      });
      await within(client, closed);
      return { port: [...error.subarray(0, 2)], error: tidy(error.subarray(2).toString()) };
    },
  },
  {
    title: 'what is no upgrade, names no port or no pod is refused',
    needs: 'pods',
    async observe(server) {
      await start(server);
      const refused = async (rest: string, protocols: string[]): Promise<unknown> => {
        const client = server.api.webSocket(pathOf(server, rest), protocols);
        const { promise, resolve } = Promise.withResolvers<unknown>();
        client.on('error', () => {});
        client.once('open', () => resolve({ opened: client.protocol }));
        client.once('unexpected-response', (_request, response) => {
          void response.toArray().then((chunks) => resolve({ code: response.statusCode, body: asJson(Buffer.concat(chunks).toString()) }));
        });
        client.once('close', () => resolve('closed'));
        return within(client, promise);
      };
      return {
        plain: seen(await send(server, 'GET', 'pods/a/portforward?ports=8080')),
        post: seen(await send(server, 'POST', 'pods/a/portforward?ports=8080')),
        absent: await refused('pods/none/portforward?ports=8080', ['v4.channel.k8s.io']),
        noPort: await refused('pods/a/portforward', ['v4.channel.k8s.io']),
        badPort: await refused('pods/a/portforward?ports=web', ['v4.channel.k8s.io']),
        zero: await refused('pods/a/portforward?ports=0', ['v4.channel.k8s.io']),
        none: await refused('pods/a/portforward?ports=8080', []),
        other: await refused('pods/a/portforward?ports=8080', ['v9.channel.k8s.io']),
      };
    },
  },
  {
    title: 'the tunnel that kubectl uses is let through under its name, and what came before it too',
    needs: 'pods',
    async observe(server) {
      await start(server);
      const path = pathOf(server, 'pods/a/portforward');
      const webSocket = { upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': Buffer.alloc(16).toString('base64') };
      const brief = ({ code, headers }: { code: number; headers: Record<string, unknown> }) => ({ code, protocol: headers['sec-websocket-protocol'] ?? headers['x-stream-protocol-version'] ?? null, upgrade: headers['upgrade'] ?? null });
      return {
        tunnel: brief(await server.api.upgrade(path, { ...webSocket, 'sec-websocket-protocol': 'SPDY/3.1+portforward.k8s.io' })),
        spdy: brief(await server.api.upgrade(path, { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'portforward.k8s.io' }, 'POST')),
        otherSpdy: brief(await server.api.upgrade(path, { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'other' }, 'POST')),
      };
    },
  },
  {
    title: 'a pod that does not run has no ports',
    needs: 'pods',
    async observe(server) {
      await must(send(server, 'POST', 'pods', pod(server, 'nowhere', undefined, { nodeSelector: { nowhere: 'yes' } })));
      const client = server.api.webSocket(pathOf(server, 'pods/nowhere/portforward?ports=8080'), ['v4.channel.k8s.io']);
      const { promise, resolve } = Promise.withResolvers<unknown>();
      client.on('error', () => {});
      client.once('open', () => resolve('opened'));
      client.once('unexpected-response', (_request, response) => {
        void response.toArray().then((chunks) => resolve({ code: response.statusCode, body: asJson(Buffer.concat(chunks).toString()) }));
      });
      return within(client, promise);
    },
  },
];

const asJson = (received: string): unknown => {
  try {
    return JSON.parse(received);
  } catch {
    return received;
  }
};
