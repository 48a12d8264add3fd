import { readFileSync } from 'node:fs';
import { type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { WebSocket } from 'ws';
import { parse } from 'yaml';
import { z } from 'zod';

/** A server and the right to talk to it, as a kubeconfig says; read here by itself, so that no client stands in between. */
export interface Credentials {
  server: string;
  tls: { ca?: string; cert?: string; key?: string };
  token: string | undefined;
}

export interface Answer {
  code: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** Undefined when the answer is not JSON. */
  body: unknown;
}

export interface SendOptions {
  /** A string is sent as it is. */
  body?: unknown;
  contentType?: string;
  accept?: string;
  headers?: Record<string, string>;
  /** Null: none at all. */
  token?: string | null;
}

/** Raw HTTP to one API server. Every call has a bound. */
export interface Api {
  send(method: string, path: string, options?: SendOptions): Promise<Answer>;
  /** An answer that goes on: its lines as they come. */
  open(path: string, options?: SendOptions): Promise<OpenAnswer>;
  /** Asks for another protocol and hangs up when it is granted. */
  upgrade(path: string, headers: Record<string, string>, method?: string): Promise<Pick<Answer, 'code' | 'headers'>>;
  webSocket(path: string, protocols: readonly string[]): WebSocket;
  close(): void;
}

export interface OpenAnswer {
  code: number;
  lines: AsyncIterable<string>;
  close(): void;
}

const patienceMs = 120_000;
/** A watch or a followed log may wait for a container. */
const streamPatienceMs = 150_000;

export const openApi = ({ server, tls, token }: Credentials): Api => {
  const isPlain = server.startsWith('http:');
  const agent = isPlain ? undefined : new Agent({ ...tls, keepAlive: true });

  const start = (method: string, path: string, options: SendOptions, timeoutMs: number): Promise<IncomingMessage> => {
    const { body, contentType = 'application/json', accept = 'application/json', headers = {} } = options;
    const content = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const given = options.token === undefined ? token : options.token;
    // A client certificate belongs to the connection: whoever must not be known by it needs a connection without.
    const isAnonymous = options.token !== undefined;
    return new Promise((resolve, reject) => {
      const request = (isPlain ? httpRequest : httpsRequest)(
        `${server}${path}`,
        {
          method,
          ...(isAnonymous ? { ...(tls.ca ? { ca: tls.ca } : {}), agent: false } : { agent }),
          signal: AbortSignal.timeout(timeoutMs),
          headers: {
            'user-agent': 'conformance',
            accept,
            ...(content === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(content) }),
            ...(given == null ? {} : { authorization: `Bearer ${given}` }),
            ...headers,
          },
        },
        resolve,
      );
      request.once('error', reject);
      request.end(content);
    });
  };

  return {
    async send(method, path, options = {}) {
      const response = await start(method, path, options, patienceMs);
      const received = await text(response);
      return { code: response.statusCode ?? 0, headers: response.headers, text: received, body: asJson(received) };
    },

    async open(path, options = {}) {
      const response = await start('GET', path, options, streamPatienceMs);
      return { code: response.statusCode ?? 0, lines: createInterface({ input: response }), close: () => response.destroy() };
    },

    upgrade(path, headers, method = 'GET') {
      const { promise, resolve, reject } = Promise.withResolvers<Pick<Answer, 'code' | 'headers'>>();
      const call = httpsRequest(`${server}${path}`, {
        method,
        ...tls,
        agent: false,
        signal: AbortSignal.timeout(patienceMs),
        headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), connection: 'Upgrade', ...headers },
      });
      call.once('upgrade', (response, socket) => {
        socket.destroy();
        resolve({ code: response.statusCode ?? 0, headers: response.headers });
      });
      call.once('response', (response) => {
        response.destroy();
        resolve({ code: response.statusCode ?? 0, headers: response.headers });
      });
      call.once('error', reject);
      call.end();
      return promise;
    },

    webSocket: (path, protocols) =>
      new WebSocket(`${server.replace(/^http/, 'ws')}${path}`, [...protocols], {
        ...tls,
        handshakeTimeout: patienceMs,
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      }),

    close: () => agent?.destroy(),
  };
};

const asJson = (received: string): unknown => {
  try {
    return JSON.parse(received);
  } catch {
    return undefined;
  }
};

const kubeconfigShape = z.object({
  'current-context': z.string(),
  contexts: z.array(z.object({ name: z.string(), context: z.object({ cluster: z.string(), user: z.string() }) })),
  clusters: z.array(z.object({ name: z.string(), cluster: z.object({ server: z.string(), 'certificate-authority-data': z.string().optional(), 'certificate-authority': z.string().optional() }) })),
  users: z.array(
    z.object({
      name: z.string(),
      user: z.object({
        token: z.string().optional(),
        'client-certificate-data': z.string().optional(),
        'client-certificate': z.string().optional(),
        'client-key-data': z.string().optional(),
        'client-key': z.string().optional(),
      }),
    }),
  ),
});

/** Of the current context. Certificates and tokens only: a login that needs a program is not for a test to start. */
export const readCredentials = (kubeconfigFile: string): Credentials => {
  const config = kubeconfigShape.parse(parse(readFileSync(kubeconfigFile, 'utf8')));
  const context = config.contexts.find(({ name }) => name === config['current-context'])?.context;
  const cluster = config.clusters.find(({ name }) => name === context?.cluster)?.cluster;
  const user = config.users.find(({ name }) => name === context?.user)?.user;
  if (!cluster || !user) throw new Error(`${kubeconfigFile} names no cluster and user for its context ${config['current-context']}.`);
  const ca = pemOf(cluster['certificate-authority-data'], cluster['certificate-authority']);
  const cert = pemOf(user['client-certificate-data'], user['client-certificate']);
  const key = pemOf(user['client-key-data'], user['client-key']);
  if (!user.token && !cert) throw new Error(`${kubeconfigFile} logs in with neither a token nor a client certificate, and these tests know nothing else.`);
  return { server: cluster.server.replace(/\/$/, ''), tls: { ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) }, token: user.token };
};

const pemOf = (data: string | undefined, file: string | undefined): string | undefined => {
  if (data) return Buffer.from(data, 'base64').toString('utf8');
  return file ? readFileSync(file, 'utf8') : undefined;
};
