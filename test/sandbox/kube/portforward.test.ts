import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RawData, WebSocket } from 'ws';
import { pod, startTestApi, type TestApi, token } from './support.ts';

let api: TestApi;
const servers: Server[] = [];

const listen = async (port: number, onConnection: (socket: Socket) => void): Promise<void> => {
  const server = createServer({ allowHalfOpen: true }, onConnection).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  api.runtime.ports.set(port, address.port);
};

beforeAll(async () => {
  api = await startTestApi();
  api.store.create('pods', { ...pod('web', { nodeName: 'node-1' }), status: { phase: 'Running' } });
  await listen(5000, (socket) => socket.pipe(socket));
  await listen(6000, (socket) => socket.end('goodbye'));
});
afterAll(async () => {
  await api.close();
  for (const server of servers) server.close();
});

const open = (query: string, protocol = 'v4.channel.k8s.io', given = token): WebSocket =>
  new WebSocket(`${api.url.replace('https', 'wss')}/api/v1/namespaces/default/pods/web/portforward?${query}`, [protocol], {
    ca: api.caPem,
    headers: { authorization: `Bearer ${given}` },
  });

const asBuffer = (data: RawData): Buffer => (Buffer.isBuffer(data) ? data : Buffer.alloc(0));

/** Everything that came on each channel, until the connection closed. */
const collect = async (client: WebSocket): Promise<Map<number, Buffer>> => {
  const channels = new Map<number, Buffer[]>();
  client.on('message', (data) => {
    const message = asBuffer(data);
    const channel = message[0] ?? -1;
    channels.set(channel, [...(channels.get(channel) ?? []), message.subarray(1)]);
  });
  await once(client, 'close');
  return new Map([...channels].map(([channel, parts]) => [channel, Buffer.concat(parts)]));
};

describe('permission', () => {
  it.each([
    ['get', 'pods "web" is forbidden: User "ada" cannot get resource "pods/portforward" in API group "" in the namespace "default"'],
    ['create', 'pods "web" is forbidden: '],
  ])('is needed to %s', async (refused, message) => {
    const strict = await startTestApi({ authorize: ({ verb }) => verb !== refused });
    strict.store.create('pods', { ...pod('web', { nodeName: 'node-1' }), status: { phase: 'Running' } });
    const headers = { authorization: `Bearer ${token}`, connection: 'Upgrade', upgrade: 'websocket' };
    const call = request(`${strict.url}/api/v1/namespaces/default/pods/web/portforward?ports=5000`, { ca: strict.caPem, headers }).end();
    const [response]: IncomingMessage[] = await once(call, 'response');
    const body = response && JSON.parse(Buffer.concat(await response.toArray()).toString());
    await strict.close();
    expect(body).toMatchObject({ code: 403, message });
  });
});

describe('upgrading', () => {
  const upgrade = async (headers: Record<string, string>) => {
    const call = request(`${api.url}/api/v1/namespaces/default/pods/web/portforward`, { ca: api.caPem, headers: { authorization: `Bearer ${token}`, connection: 'Upgrade', ...headers } }).end();
    const [response, socket]: [IncomingMessage, Duplex] = await Promise.race([once(call, 'upgrade'), once(call, 'response')]).then(([first, second]) => [first, second]);
    socket?.destroy();
    return { code: response.statusCode, headers: response.headers };
  };

  it('lets SPDY through a WebSocket under the name that kubectl gives it', async () => {
    const answer = await upgrade({
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      'sec-websocket-protocol': 'SPDY/3.1+portforward.k8s.io',
    });
    expect([answer.code, answer.headers['sec-websocket-protocol']]).toEqual([101, 'SPDY/3.1+portforward.k8s.io']);
  });

  it('speaks plain SPDY, when the protocol on top of it is known', async () => {
    const known = await upgrade({ upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'portforward.k8s.io' });
    expect([known.code, known.headers['x-stream-protocol-version']]).toEqual([101, 'portforward.k8s.io']);
    expect((await upgrade({ upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'other' })).code).toBe(403);
    expect((await upgrade({ upgrade: 'h2c' })).code).toBe(400);
  });
});

describe('port-forwarding over WebSocket channels', () => {
  it('begins each channel with its port, low byte first, and ends when the pod has ended', async () => {
    const client = open('ports=6000');
    const channels = await collect(client);
    expect(client.protocol).toBe('v4.channel.k8s.io');
    expect(channels.get(0)).toEqual(Buffer.concat([Buffer.from([0x70, 0x17]), Buffer.from('goodbye')]));
    expect(channels.get(1)).toEqual(Buffer.from([0x70, 0x17]));
  });

  it('carries eight megabytes there and back unchanged', async () => {
    const client = open('ports=5000');
    const content = randomBytes(8 * 1024 * 1024);
    await once(client, 'open');
    const received: Buffer[] = [];
    let receivedBytes = 0;
    const done = new Promise<void>((resolve) => {
      client.on('message', (data) => {
        const message = asBuffer(data);
        if (message[0] !== 0) return;
        received.push(message.subarray(1));
        receivedBytes += message.length - 1;
        if (receivedBytes === content.length + 2) resolve();
      });
    });
    for (let offset = 0; offset < content.length; offset += 65_536) {
      client.send(Buffer.concat([Buffer.from([0]), content.subarray(offset, offset + 65_536)]));
    }
    await done;
    expect(Buffer.concat(received).subarray(2).equals(content)).toBe(true);
    client.close();
    await once(client, 'close');
  });

  it('forwards several ports over one connection', async () => {
    const client = open('ports=5000&ports=6000');
    client.on('open', () => client.send(Buffer.from([0, ...Buffer.from('hello')])));
    const heard = await new Promise<string>((resolve) => {
      const seen: Record<number, string> = {};
      client.on('message', (data) => {
        const message = asBuffer(data);
        const channel = message[0] ?? -1;
        seen[channel] = (seen[channel] ?? '') + message.subarray(1).toString('latin1');
        if (seen[0]?.endsWith('hello') && seen[2]?.endsWith('goodbye')) resolve(`${seen[0].slice(2)} ${seen[2].slice(2)}`);
      });
    });
    expect(heard).toBe('hello goodbye');
    client.close();
    await once(client, 'close');
  });

  it('says on the error channel that nothing listens', async () => {
    const channels = await collect(open('ports=7000'));
    expect(channels.get(1)?.subarray(2).toString()).toMatch(/^failed to connect to localhost:7000 .*connection refused$/);
  });

  it.each([
    ['an unknown token', 'ports=5000', 'v4.channel.k8s.io', 'other', 401],
    ['no port', '', 'v4.channel.k8s.io', token, 400],
    ['a port that is none', 'ports=0', 'v4.channel.k8s.io', token, 400],
    ['a protocol that is not spoken', 'ports=5000', 'v9.channel.k8s.io', token, 403],
  ])('refuses %s before it begins', async (_what, query, protocol, given, code) => {
    const client = open(query, protocol, given);
    client.on('error', () => {});
    const [, response] = await once(client, 'unexpected-response');
    expect(response.statusCode).toBe(code);
  });
});
