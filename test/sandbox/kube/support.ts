import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { text } from 'node:stream/consumers';
import { createInterface } from 'node:readline';
import type { KubernetesObject } from '../../../src/domain/kubernetes.ts';
import { createSandboxClock } from '../../../src/sandbox/clock.ts';
import { createFaults, type Fault } from '../../../src/sandbox/faults.ts';
import type { ContainerLog, LogEntry, PodRuntime } from '../../../src/sandbox/kubelet/pod-runtime.ts';
import type { Authorize } from '../../../src/sandbox/kube/access.ts';
import { isRecord, type JsonRecord } from '../../../src/sandbox/kube/json.ts';
import { type KubernetesApi, startKubernetesApi } from '../../../src/sandbox/kube/server.ts';
import { createStore, type VersionedStore } from '../../../src/sandbox/kube/store.ts';
import { createCertificateAuthority } from '../../../src/sandbox/tls.ts';

export const token = 'a-token';

export interface Answer {
  code: number;
  body: JsonRecord;
  text: string;
  headers: IncomingMessage['headers'];
}

export interface RequestOptions {
  body?: unknown;
  contentType?: string;
  accept?: string;
  token?: string | null;
  headers?: Record<string, string>;
}

export interface TestApi extends KubernetesApi {
  store: VersionedStore;
  runtime: TestRuntime;
  caPem: string;
  send(method: string, path: string, options?: RequestOptions): Promise<Answer>;
  /** Lines of a watch as they come. */
  open(path: string, options?: RequestOptions): Promise<{ response: IncomingMessage; lines: AsyncIterator<JsonRecord>; close(): void }>;
}

/** A log that a test writes, and ports that are real TCP servers of the test. */
export interface TestRuntime extends PodRuntime {
  logs: Map<string, TestLog>;
  ports: Map<number, number>;
}

export interface TestLog extends ContainerLog {
  write(line: string, time?: Date): void;
  end(): void;
}

export const createTestLog = (): TestLog => {
  const entries: LogEntry[] = [];
  const followers = new Set<(entry: LogEntry | undefined) => void>();
  let ended = false;
  return {
    entries: () => entries,
    follow(listener) {
      followers.add(listener);
      return () => followers.delete(listener);
    },
    get ended() {
      return ended;
    },
    write(line, time = new Date()) {
      const entry: LogEntry = { time, stream: 'stdout', text: line };
      entries.push(entry);
      for (const listener of followers) listener(entry);
    },
    end() {
      ended = true;
      for (const listener of followers) listener(undefined);
    },
  };
};

const createTestRuntime = (): TestRuntime => {
  const logs = new Map<string, TestLog>();
  const ports = new Map<number, number>();
  return {
    logs,
    ports,
    log: (pod, container, { previous }) => logs.get(`${pod.name}/${container}${previous ? '/previous' : ''}`),
    connect: (_pod, port) =>
      new Promise((resolve, reject) => {
        const local = ports.get(port);
        if (local === undefined) {
          reject(new Error(`failed to connect to localhost:${port} inside namespace: connection refused`));
          return;
        }
        const socket = connectTcp({ port: local, host: '127.0.0.1', allowHalfOpen: true });
        socket.once('connect', () => resolve(socket));
        socket.once('error', reject);
      }),
  };
};

export interface TestApiOptions {
  faults?: Fault[];
  authorize?: Authorize;
  historyLength?: number;
  now?: () => Date;
}

/** An API server with a `default` namespace and one user. */
export const startTestApi = async ({ faults = [], authorize, historyLength, now }: TestApiOptions = {}): Promise<TestApi> => {
  const authority = createCertificateAuthority();
  const clock = { ...createSandboxClock(1), ...(now ? { now } : {}) };
  const store = createStore({ now: clock.now, ...(historyLength === undefined ? {} : { historyLength }) });
  const runtime = createTestRuntime();
  const api = await startKubernetesApi({
    tls: authority.issue(),
    store,
    runtime,
    clock,
    faults: createFaults(faults),
    authenticate: (given) => (given === token ? { name: 'ada', groups: ['system:authenticated'] } : undefined),
    ...(authorize ? { authorize } : {}),
  });
  store.create('namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'default' },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  });

  const agent = new Agent({ ca: authority.certificatePem, keepAlive: true });
  const start = (method: string, path: string, options: RequestOptions = {}): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const { body, contentType = 'application/json', accept, token: given = token, headers = {} } = options;
      const content = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
      const request = httpsRequest(
        `${api.url}${path}`,
        {
          method,
          agent,
          headers: {
            // Node does not frame the body of a DELETE by itself.
            ...(content === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(content) }),
            ...(accept ? { accept } : {}),
            ...(given === null ? {} : { authorization: `Bearer ${given}` }),
            ...headers,
          },
        },
        resolve,
      );
      request.once('error', reject);
      request.end(content);
    });

  return {
    ...api,
    store,
    runtime,
    caPem: authority.certificatePem,
    async send(method, path, options) {
      const response = await start(method, path, options);
      const received = await text(response);
      let body: unknown;
      try {
        body = JSON.parse(received);
      } catch {
        // Not everything is JSON.
      }
      return { code: response.statusCode ?? 0, body: isRecord(body) ? body : {}, text: received, headers: response.headers };
    },
    async open(path, options) {
      const response = await start('GET', path, options);
      const lines = createInterface({ input: response })[Symbol.asyncIterator]();
      return {
        response,
        lines: {
          async next() {
            const { value, done } = await lines.next();
            return done ? { value: undefined, done: true } : { value: JSON.parse(value), done: false };
          },
        },
        close: () => response.destroy(),
      };
    },
    async close() {
      agent.destroy();
      await api.close();
    },
  };
};


export const deployment = (name = 'web', spec: JsonRecord = {}): KubernetesObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'default' },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'main', image: 'registry.example/web:1' }] },
    },
    ...spec,
  },
});

export const pod = (name = 'web', spec: JsonRecord = {}): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: { containers: [{ name: 'main', image: 'registry.example/web:1' }], ...spec },
});

export const configMap = (name = 'settings', data: Record<string, string> = { key: 'value' }): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
});
