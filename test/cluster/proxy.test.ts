import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer as createTcpServer, type Server } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { chooseProxy } from '../../src/cluster/proxy.ts';
import { forwardPorts } from './pod.ts';
import { authority, connectTo, createPod, failureOf, portOf, sendJson, startServer } from './support.ts';

const choose = (server: string, env: Record<string, string>, proxyUrl?: string): string | undefined =>
  chooseProxy({ server, skipTlsVerify: false, ...(proxyUrl === undefined ? {} : { proxyUrl }) }, env)?.href;

describe('which proxy', () => {
  const HTTPS_PROXY = 'http://proxy:3128';

  test.each([
    ['none without a word of one', 'https://api.example', {}, undefined],
    ['that of HTTPS_PROXY', 'https://api.example', { HTTPS_PROXY }, 'http://proxy:3128/'],
    ['that of https_proxy', 'https://api.example', { https_proxy: HTTPS_PROXY }, 'http://proxy:3128/'],
    ['one that is written without a scheme', 'https://api.example', { HTTPS_PROXY: 'proxy:3128' }, 'http://proxy:3128/'],
    ['not that of HTTP_PROXY for https', 'https://api.example', { HTTP_PROXY: HTTPS_PROXY }, undefined],
    ['that of HTTP_PROXY for http', 'http://api.example', { HTTP_PROXY: HTTPS_PROXY }, 'http://proxy:3128/'],
    ['none for this machine by name', 'https://localhost:6443', { HTTPS_PROXY }, undefined],
    ['none for this machine by address', 'https://127.0.0.1:6443', { HTTPS_PROXY }, undefined],
    ['none for this machine by its IPv6 address', 'https://[::1]:6443', { HTTPS_PROXY }, undefined],
    ['none when NO_PROXY is a star', 'https://api.example', { HTTPS_PROXY, NO_PROXY: '*' }, undefined],
    ['none for a name in NO_PROXY', 'https://api.example', { HTTPS_PROXY, NO_PROXY: 'x, API.example ' }, undefined],
    ['none below a domain in NO_PROXY', 'https://api.example', { HTTPS_PROXY, no_proxy: 'example' }, undefined],
    ['none below a domain with a dot in NO_PROXY', 'https://api.example', { HTTPS_PROXY, NO_PROXY: '.example' }, undefined],
    ['one for the domain itself when NO_PROXY has it with a dot', 'https://example', { HTTPS_PROXY, NO_PROXY: '.example' }, 'http://proxy:3128/'],
    ['one for a name that only ends alike', 'https://notexample', { HTTPS_PROXY, NO_PROXY: 'example' }, 'http://proxy:3128/'],
    ['none for a name with its port in NO_PROXY', 'https://api.example:6443', { HTTPS_PROXY, NO_PROXY: 'api.example:6443' }, undefined],
    ['one for another port', 'https://api.example', { HTTPS_PROXY, NO_PROXY: 'api.example:6443' }, 'http://proxy:3128/'],
    ['none inside of a subnet in NO_PROXY', 'https://10.1.2.3', { HTTPS_PROXY, NO_PROXY: '10.0.0.0/8' }, undefined],
    ['one outside of it', 'https://11.1.2.3', { HTTPS_PROXY, NO_PROXY: '10.0.0.0/8,bad/99' }, 'http://proxy:3128/'],
    ['none inside of an IPv6 subnet', 'https://[fd00::1]', { HTTPS_PROXY, NO_PROXY: 'fd00::/8' }, undefined],
    ['none for an IPv6 address in NO_PROXY', 'https://[fd00::1]', { HTTPS_PROXY, NO_PROXY: 'fd00::1' }, undefined],
  ])('%s', (_title, server, env, expected) => {
    expect(choose(server, env)).toBe(expected);
  });

  test('that of the kubeconfig, whatever the environment says', () => {
    expect(choose('https://127.0.0.1', { HTTPS_PROXY, NO_PROXY: '*' }, 'socks5://inner:1080')).toBe('socks5://inner:1080');
  });

  test('never one of an unknown kind, whose address is not told', () => {
    expect(() => choose('https://api.example', {}, 'ftp://jane:hunter2@proxy')).toThrow(/^(?!.*hunter2).*proxy-url of the kubeconfig/);
  });
});

interface Proxy {
  url: string;
  asked: { target: string; login: string | undefined }[];
}

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return portOf(server);
};

const startProxy = async ({ isSecure = false, refusal }: { isSecure?: boolean; refusal?: string } = {}): Promise<Proxy> => {
  const asked: Proxy['asked'] = [];
  const { keyPem, certPem } = authority.issue();
  const server = isSecure ? createHttpsServer({ key: keyPem, cert: certPem }) : createHttpServer();
  server.on('connect', (request, socket, head) => {
    asked.push({ target: request.url ?? '', login: request.headers['proxy-authorization'] });
    socket.on('error', () => undefined);
    if (refusal !== undefined) return socket.end(`HTTP/1.1 ${refusal}\r\ncontent-length: 0\r\n\r\n`);
    const [host = '', port = ''] = (request.url ?? '').split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('close', () => onward.destroy());
    return undefined;
  });
  return { url: `${isSecure ? 'https' : 'http'}://jane:p%40ss@127.0.0.1:${await listen(server)}`, asked };
};

const startApi = () => startServer((_seen, response) => sendJson(response, createPod('web', '1')));

test('every connection goes through the proxy, TLS inside of it, and one tunnel serves many reads', async () => {
  const [server, proxy] = [await startApi(), await startProxy()];
  const cluster = await connectTo(server, { cluster: { 'proxy-url': proxy.url } });
  for (let count = 0; count < 3; count += 1) expect(await cluster.get('Pod', 'web')).toBeDefined();
  expect(proxy.asked).toEqual([{ target: new URL(server.url).host, login: `Basic ${Buffer.from('jane:p@ss').toString('base64')}` }]);
});

test('a certificate is checked behind a proxy too', async () => {
  const [server, proxy] = [await startApi(), await startProxy()];
  const cluster = await connectTo({ ...server, caPem: '' }, { cluster: { 'proxy-url': proxy.url } });
  expect(await failureOf(cluster.get('Pod', 'web'))).toMatchObject({ reason: 'CertificateUntrusted' });
});

test('a WebSocket goes through the proxy as well', async () => {
  const [server, proxy] = [await startApi(), await startProxy()];
  forwardPorts(server, (pod) => pod.send('through'));
  const stream = await (await connectTo(server, { cluster: { 'proxy-url': proxy.url } })).connect('web', 5000, {});
  const [chunk] = await new Promise<unknown[]>((resolve) => stream.once('data', (...chunks) => resolve(chunks)));
  expect(String(chunk)).toBe('through');
  expect(proxy.asked).toHaveLength(1);
  stream.destroy();
});

test.each([
  ['407 Proxy Authentication Required', 'It asks for a name and a password.'],
  ['502 Bad Gateway', 'It answers 502 Bad Gateway.'],
])('a proxy that answers %s is named, without its password', async (refusal, fact) => {
  const [server, proxy] = [await startApi(), await startProxy({ refusal })];
  const failure = await failureOf((await connectTo(server, { cluster: { 'proxy-url': proxy.url } })).get('Pod', 'web'));
  expect(failure).toMatchObject({ name: 'FailedError', reason: 'ProxyFailed', fact });
  expect(failure.message).not.toMatch(/p@ss|p%40ss/);
});

test('a proxy that says nothing is given up after the bound on connecting', async () => {
  const silent = createTcpServer((socket) => socket.on('error', () => undefined));
  const url = `http://127.0.0.1:${await listen(silent)}`;
  const cluster = await connectTo(await startApi(), { cluster: { 'proxy-url': url } }, { timing: { connectMs: 100 } });
  expect(await failureOf(cluster.get('Pod', 'web'))).toMatchObject({ name: 'FailedError', reason: expect.stringMatching(/ProxyFailed|ConnectTimeout/) });
});

test('a SOCKS proxy is spoken to by the SDK', async () => {
  const server = await startApi();
  let greetings = 0;
  // RFC 1928, as far as one CONNECT without a login needs it.
  const socks = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      greetings += 1;
      socket.write(Buffer.of(5, 0));
      socket.once('data', (request) => {
        const onward = connect(request.readUInt16BE(request.length - 2), '127.0.0.1', () => {
          socket.write(Buffer.of(5, 0, 0, 1, 127, 0, 0, 1, 0, 0));
          onward.pipe(socket).pipe(onward);
        });
        onward.on('error', () => socket.destroy());
        socket.on('close', () => onward.destroy());
      });
    });
  });
  const cluster = await connectTo(server, { cluster: { 'proxy-url': `socks5://127.0.0.1:${await listen(socks)}` } });
  expect(await cluster.get('Pod', 'web')).toBeDefined();
  expect(greetings).toBe(1);
});
