import { Agent, type request as httpsRequest, type RequestOptions } from 'node:https';
import { BlockList, isIP, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { FailedError, UsageError } from '../domain/errors.ts';
import type { ClusterEntry } from './kubeconfig-entries.ts';

/** `proxy-url` of the kubeconfig, else the environment as kubectl reads it; a cluster on this machine is always reached directly. */
export const chooseProxy = (cluster: ClusterEntry, env: Readonly<Record<string, string | undefined>>): URL | undefined => {
  if (cluster.proxyUrl !== undefined) return parseProxy(cluster.proxyUrl, 'proxy-url of the kubeconfig');
  const server = new URL(cluster.server);
  const name = server.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const value = env[name] || env[name.toLowerCase()] || '';
  if (value === '' || isExempt(server, env['NO_PROXY'] || env['no_proxy'] || '')) return undefined;
  return parseProxy(value.includes('://') ? value : `http://${value}`, name);
};

const parseProxy = (text: string, origin: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^(https?|socks(4a?|5h?)?):$/.test(url.protocol)) {
    // Not quoted: it may hold a password.
    throw new UsageError(`The address of the proxy in ${origin} is not one of http, https or socks5.`, { reason: 'ProxyInvalid' });
  }
  return url;
};

export const isSocks = (proxy: URL): boolean => proxy.protocol.startsWith('socks');

/** By the rules of Go's `httpproxy`, so that one NO_PROXY serves kubectl too: https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config */
const isExempt = ({ hostname, port, protocol }: URL, noProxy: string): boolean => {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const addressFamily = isIP(host);
  if (host === 'localhost' || loopback.check(host, addressFamily === 6 ? 'ipv6' : 'ipv4')) return true;
  const portText = port || (protocol === 'https:' ? '443' : '80');
  return noProxy
    .split(',')
    .map((item) => item.trim().toLowerCase())
    .filter((item) => item !== '')
    .some((item) => {
      if (item === '*') return true;
      if (item.includes('/')) return addressFamily !== 0 && isInSubnet(host, addressFamily, item);
      const [, pattern = item, itemPort] = /^(.*?)(?::(\d+))?$/.exec(isIP(item) === 6 ? `[${item}]` : item) ?? [];
      if (itemPort !== undefined && itemPort !== portText) return false;
      const plain = pattern.replace(/^\[|\]$/g, '');
      if (addressFamily !== 0) return plain === host;
      const domain = plain.replace(/^\*?\./, '');
      return host.endsWith(`.${domain}`) || (plain === domain && host === domain);
    });
};

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const isInSubnet = (address: string, family: number, subnet: string): boolean => {
  const [network = '', prefix = ''] = subnet.split('/');
  if (isIP(network) !== family || !/^\d{1,3}$/.test(prefix)) return false;
  const type = family === 6 ? 'ipv6' : 'ipv4';
  const list = new BlockList();
  list.addSubnet(network, Math.min(Number(prefix), family === 6 ? 128 : 32), type);
  return list.check(address, type);
};

export interface TunnelOptions {
  /** Of `node:http` or `node:https`, as the proxy itself is spoken to. */
  request: typeof httpsRequest;
  secure: ConnectionOptions | undefined;
  timeoutMs: number;
  keepAliveMsecs: number;
}

/**
 * Reaches the server through CONNECT. Node's own `proxyEnv` option of agents is not in every version that this program
 * supports, where it would be passed over without a word.
 */
export class TunnelAgent extends Agent {
  readonly #proxy: URL;
  readonly #request: typeof httpsRequest;
  readonly #secure: ConnectionOptions | undefined;
  readonly #timeoutMs: number;

  /** Without `secure` the tunnel itself is the connection: a server without TLS. */
  constructor(proxy: URL, { request, secure, timeoutMs, keepAliveMsecs }: TunnelOptions) {
    super({ keepAlive: true, keepAliveMsecs });
    this.#proxy = proxy;
    this.#request = request;
    this.#secure = secure;
    this.#timeoutMs = timeoutMs;
  }

  override createConnection(
    { host, port, servername }: RequestOptions & { servername?: string },
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const target = `${isIP(host ?? '') === 6 ? `[${host}]` : host}:${port}`;
    openTunnel(this.#request, { proxy: this.#proxy, target, timeoutMs: this.#timeoutMs }, (error, socket) => {
      if (error !== undefined) callback?.(error, socket);
      else if (this.#secure === undefined) callback?.(null, socket);
      else callback?.(null, connectTls({ ...this.#secure, socket, ...(servername === undefined ? {} : { servername }) }));
    });
    return undefined;
  }
}

/** Calls back once. The socket of a failure is a dead one: the agent's type asks for it. */
const openTunnel = (
  request: typeof httpsRequest,
  { proxy, target, timeoutMs }: { proxy: URL; target: string; timeoutMs: number },
  callback: (error: Error | undefined, socket: Socket) => void,
): void => {
  let isSettled = false;
  const settle = (error: Error | undefined, socket: Socket): void => {
    if (!isSettled) callback(error, socket);
    isSettled = true;
  };
  const fail = (fact: string, cause?: unknown): void =>
    settle(
      new FailedError(`The proxy ${proxy.protocol}//${proxy.host} does not lead to ${target}.`, {
        reason: 'ProxyFailed',
        fact,
        hints: ['Check proxy-url in the kubeconfig, HTTPS_PROXY and NO_PROXY'],
        ...(cause === undefined ? {} : { cause }),
      }),
      new Socket().destroy(),
    );
  const login = proxy.username === '' ? undefined : `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const outgoing = request({
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
    method: 'CONNECT',
    path: target,
    headers: { host: target, ...(login === undefined ? {} : { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` }) },
    agent: false,
    timeout: timeoutMs,
  });
  outgoing.once('connect', ({ statusCode = 0, statusMessage = '' }, socket: Socket) => {
    socket.setTimeout(0);
    if (statusCode === 200) return settle(undefined, socket);
    socket.destroy();
    return fail(statusCode === 407 ? 'It asks for a name and a password.' : `It answers ${statusCode} ${statusMessage}.`);
  });
  outgoing.once('response', (response) => {
    response.destroy();
    fail(`It answers ${response.statusCode ?? 0} ${response.statusMessage ?? ''}.`);
  });
  outgoing.once('timeout', () => outgoing.destroy(new Error(`It gave no answer within ${timeoutMs / 1000} s.`)));
  outgoing.on('error', (error) => fail(error.message, error));
  outgoing.end();
};
