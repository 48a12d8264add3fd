import type { Agent, RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { AccessError } from '../domain/errors.ts';
import type { Credential, CredentialSource } from './credentials.ts';
import type { Server } from './errors.ts';
import type { ClusterEntry } from './kubeconfig-entries.ts';
import { chooseProxy, isSocks, TunnelAgent } from './proxy.ts';

/** The API server with the way to it: sockets that are kept, and what each request shows to be let in. */
export interface Endpoint {
  readonly server: Server;
  /** Host, port and protocol; paths of requests come behind `basePath`. */
  readonly target: RequestOptions;
  readonly basePath: string;
  readonly timing: Timing;
  /** Aborts when the endpoint is closed. */
  readonly closed: AbortSignal;
  authorize(signal?: AbortSignal): Promise<Access>;
  /** The server answered 401 to this. True when it is worth another try. */
  refuse(access: Access): boolean;
  close(): void;
}

export interface Access {
  headers: Record<string, string | string[]>;
  agent: Agent;
  /** Of `node:https`, or of `node:http` for a server without TLS. */
  request: typeof httpsRequest;
  credential: Credential;
}

/** The bounds of every wait on the network. */
export interface Timing {
  connectMs: number;
  /** One call from the first byte out to the last byte in, including the times it is repeated. */
  callMs: number;
  /** The first pause before something is tried again; it doubles from there. */
  retryMs: number;
  /** No longer pause than this, whatever the server asks for. */
  longestRetryMs: number;
  /** A watch on which nothing came for so long, not even a bookmark, is opened again. */
  watchSilenceMs: number;
  /** A watch that could not be opened again for so long has failed. */
  watchOutageMs: number;
  /** A watch that worked before, and is refused for so long, is not permitted any more. */
  watchRefusalMs: number;
  /** Between two signs of life on a forwarded connection. */
  pingMs: number;
  /** How long the pod may stay silent after the local side has said its last word. */
  halfCloseMs: number;
}

export const defaultTiming: Timing = {
  connectMs: 10_000,
  callMs: 30_000,
  retryMs: 250,
  longestRetryMs: 10_000,
  watchSilenceMs: 90_000,
  watchOutageMs: 300_000,
  watchRefusalMs: 20_000,
  pingMs: 20_000,
  halfCloseMs: 120_000,
};

export interface EndpointOptions {
  cluster: ClusterEntry;
  credentials: CredentialSource;
  server: Server;
  env: Readonly<Record<string, string | undefined>>;
  userAgent: string;
  timing: Timing;
  /** SOCKS is the one kind of proxy that needs the SDK. */
  createSocksAgent: (secure: ConnectionOptions) => Promise<Agent>;
}

const keepAliveMsecs = 30_000;
/** Sockets that nobody uses are closed before a firewall in between forgets them silently. */
const idleSocketMs = 30_000;

export const createEndpoint = ({ cluster, credentials, server, env, userAgent, timing, createSocksAgent }: EndpointOptions): Endpoint => {
  const url = new URL(cluster.server);
  const isSecure = url.protocol === 'https:';
  const proxy = chooseProxy(cluster, env);
  const closed = new AbortController();
  const agents: { cert: string | undefined; agent: Promise<Agent> }[] = [];

  const createAgent = async ({ tls }: Credential): Promise<Agent> => {
    const secure = toTlsOptions(cluster, tls, server);
    if (proxy !== undefined && isSocks(proxy)) return await createSocksAgent(secure);
    if (proxy !== undefined) {
      const request = proxy.protocol === 'https:' ? httpsRequest : (await loadHttp()).request;
      return new TunnelAgent(proxy, { request, secure: isSecure ? secure : undefined, timeoutMs: timing.connectMs, keepAliveMsecs });
    }
    if (!isSecure) return new (await loadHttp()).Agent({ keepAlive: true, keepAliveMsecs, timeout: idleSocketMs });
    return new HttpsAgent({ keepAlive: true, keepAliveMsecs, timeout: idleSocketMs, ...secure });
  };

  /** One agent for each client certificate: a plugin may hand out a new one. */
  const agentFor = (credential: Credential): Promise<Agent> => {
    const known = agents.find(({ cert }) => cert === credential.tls.cert);
    if (known !== undefined) return known.agent;
    const agent = createAgent(credential);
    agents.push({ cert: credential.tls.cert, agent });
    return agent;
  };

  return {
    server,
    target: { protocol: url.protocol, host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port || (isSecure ? 443 : 80) },
    basePath: url.pathname.replace(/\/$/, ''),
    timing,
    closed: closed.signal,
    async authorize(signal) {
      const credential = await credentials.get(signal);
      return {
        headers: { 'user-agent': userAgent, host: url.host, ...credential.headers },
        agent: await agentFor(credential),
        request: isSecure ? httpsRequest : (await loadHttp()).request,
        credential,
      };
    },
    refuse: ({ credential }) => credentials.refuse(credential),
    close() {
      closed.abort();
      for (const { agent } of agents) {
        agent.then((opened) => opened.destroy()).catch(() => undefined);
      }
    },
  };
};

/** Loaded where it is used: naming its exports makes Node load its WebSocket too, for half the time that a bare start takes. */
const loadHttp = () => import('node:http');

const toTlsOptions = (cluster: ClusterEntry, { cert, key }: Credential['tls'], { userName }: Server): ConnectionOptions => {
  const material = {
    // Given only when the kubeconfig has one: an own list takes the place of Node's, and of NODE_EXTRA_CA_CERTS with it.
    ...(cluster.caPem === undefined ? {} : { ca: cluster.caPem }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  try {
    return {
      ...material,
      // Made once for all connections, and here so that what is wrong with it can be told apart from the network.
      ...(Object.keys(material).length === 0 ? {} : { secureContext: createSecureContext(material) }),
      ...(cluster.skipTlsVerify ? { rejectUnauthorized: false } : {}),
      ...(cluster.tlsServerName === undefined ? {} : { servername: cluster.tlsServerName }),
    };
  } catch (error) {
    throw new AccessError(`The client certificate of the kubeconfig user ${JSON.stringify(userName)} and its key cannot be used.`, {
      reason: 'ClientCertificate',
      fact: error instanceof Error ? error.message : String(error),
      hints: ['Get a new kubeconfig: az aks get-credentials --overwrite-existing'],
      cause: error,
    });
  }
};
