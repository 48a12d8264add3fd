import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import type { Cluster } from '../../src/cluster/cluster.ts';
import { connectCluster, type ConnectOptions } from '../../src/cluster/kubernetes.ts';
import { createCertificateAuthority } from '../../src/sandbox/tls.ts';

/** An API server that says exactly what the test wants, over real TLS. */
export interface ScriptedServer {
  url: string;
  caPem: string;
  requests: Seen[];
  /** How many TLS connections were opened so far. */
  connectionCount(): number;
  server: Server;
}

export interface ServerOptions {
  /** Of the certificate, beside the loopback's own. */
  names?: string[];
  /** Asks clients for a certificate, and takes any. */
  asksForCertificate?: boolean;
}

export interface Seen {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: IncomingMessage['headers'];
  rawHeaders: string[];
  body: string;
  /** Of the client's certificate. */
  clientName: string | undefined;
}

export type Script = (seen: Seen, response: ServerResponse, count: number) => void | Promise<void>;

export const authority = createCertificateAuthority();
const otherAuthority = createCertificateAuthority();
export const untrustedCaPem = otherAuthority.certificatePem;

export const startServer = async (script: Script, { names = [], asksForCertificate = false }: ServerOptions = {}): Promise<ScriptedServer> => {
  const { keyPem, certPem } = authority.issue({ names });
  const requests: Seen[] = [];
  const sockets = new Set<Socket>();
  let connectionCount = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'https://any');
    const seen: Seen = {
      method: request.method ?? '',
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
      rawHeaders: request.rawHeaders,
      body: await text(request),
      clientName: request.socket instanceof TLSSocket ? request.socket.getPeerCertificate().subject?.CN?.toString() : undefined,
    };
    requests.push(seen);
    await script(seen, response, requests.length);
  };
  const server = createServer({ key: keyPem, cert: certPem, requestCert: asksForCertificate, rejectUnauthorized: false }, (request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  server.on('secureConnection', (socket) => {
    connectionCount += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `https://127.0.0.1:${portOf(server)}`, caPem: authority.certificatePem, requests, connectionCount: () => connectionCount, server };
};

export const portOf = (server: { address(): AddressInfo | string | null }): number => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server does not listen on a port.');
  return address.port;
};

export const sendJson = (response: ServerResponse, body: unknown, status = 200, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
};

export const toStatus = (code: number, reason: string, message: string, details?: object): object => ({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code, reason, message, ...(details ? { details } : {}) });

export const sendStatus = (response: ServerResponse, code: number, reason: string, message: string, details?: object, headers: Record<string, string> = {}): void =>
  sendJson(response, toStatus(code, reason, message, details), code, headers);

export const createPod = (name: string, resourceVersion: string, extra: object = {}): { apiVersion: string; kind: string; metadata: { name: string; namespace: string; uid: string; resourceVersion: string } } => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion },
  ...extra,
});

export const temporaryDirectory = async (): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'kaito-ts-cluster-'));
  onTestFinished(async () => await rm(directory, { recursive: true, force: true }));
  return directory;
};

/** Short, so that what is bounded can be seen to be. */
const quickTiming = { retryMs: 5, longestRetryMs: 2000 } satisfies ConnectOptions['timing'];

export interface KubeconfigParts {
  cluster?: object;
  user?: object | null;
  namespace?: string;
}

/** A kubeconfig of one context, `test`. `user: null` writes a context without a user. */
export const toKubeconfig = (server: string, caPem: string, { cluster = {}, user = { token: 'secret-token' }, namespace }: KubeconfigParts = {}): object => ({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'test',
  clusters: [{ name: 'test-cluster', cluster: { server, ...(caPem === '' ? {} : { 'certificate-authority-data': Buffer.from(caPem).toString('base64') }), ...cluster } }],
  contexts: [{ name: 'test', context: { cluster: 'test-cluster', ...(user === null ? {} : { user: 'test-user' }), ...(namespace === undefined ? {} : { namespace }) } }],
  users: user === null ? [] : [{ name: 'test-user', user }],
});

/** Connects to a scripted server through a kubeconfig on disk, as a person's would be. */
export const connectTo = async ({ url, caPem }: Pick<ScriptedServer, 'url' | 'caPem'>, parts: KubeconfigParts = {}, { directory: given, ...options }: Partial<ConnectOptions> & { directory?: string } = {}): Promise<Cluster> => {
  const directory = given ?? (await temporaryDirectory());
  const file = join(directory, 'config');
  await writeFile(file, JSON.stringify(toKubeconfig(url, caPem, parts)));
  const cluster = await connectCluster({ homeDirectory: directory, userAgent: 'kaito-ts/test', ...options, env: { ...options.env, KUBECONFIG: file }, timing: { ...quickTiming, ...options.timing } });
  onTestFinished(() => cluster.close());
  return cluster;
};

/** The error that a promise is rejected with. */
export const failureOf = async (promise: Promise<unknown>): Promise<Error & { reason?: string; fact?: string; hints?: readonly string[]; exitCode?: number }> => {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
    throw new Error(`Rejected with something that is no error: ${String(error)}`, { cause: error });
  }
  throw new Error('It should have been rejected.');
};

/** Bounded: a condition that never comes true fails the test with `what`. */
export const until = async (condition: () => boolean, what: string, timeoutMs = 60_000): Promise<void> => {
  const deadline = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
};
