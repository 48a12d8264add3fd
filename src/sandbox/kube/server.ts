import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { SandboxClock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import type { PodRuntime } from '../kubelet/pod-runtime.ts';
import type { TlsIdentity } from '../tls.ts';
import { type Authenticate, type Authorize, identify as identifyUser } from './access.ts';
import { serviceUnavailable } from './errors.ts';
import type { Api } from './exchange.ts';
import { answer, upgrade } from './routes.ts';
import { refuseRequest, refuseUpgrade } from './refuse.ts';
import type { VersionedStore } from './store.ts';

export interface KubernetesApiOptions {
  tls: TlsIdentity;
  store: VersionedStore;
  /** Where logs and ports of pods come from. */
  runtime: PodRuntime;
  clock: SandboxClock;
  faults: Faults;
  authenticate: Authenticate;
  /** Everything is allowed to everybody who is known, when absent. */
  authorize?: Authorize;
}

export interface KubernetesApi {
  /** `https://127.0.0.1:<port>`. */
  url: string;
  port: number;
  /** What was asked, oldest first. */
  requests(): readonly KubernetesRequest[];
  /** Ends watches, followed logs and forwarded ports too. */
  close(): Promise<void>;
}

export interface KubernetesRequest {
  method: string;
  /** With the query. */
  path: string;
}

/** The sandbox's Kubernetes API server: the real protocol over TLS, on a free port of the loopback interface. */
export const startKubernetesApi = async (options: KubernetesApiOptions): Promise<KubernetesApi> => {
  const { tls, authenticate, faults } = options;
  const api: Api = { ...options, authorize: options.authorize ?? (() => true) };
  const upgraded = new Set<Duplex>();
  const requests: KubernetesRequest[] = [];

  const identify = (request: IncomingMessage) => {
    if (faults.has('api-down')) throw serviceUnavailable();
    return identifyUser(request, authenticate, api.authorize);
  };

  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    requests.push(describeRequest(request));
    const respond = async (): Promise<void> => answer(api, request, response, identify);
    respond().catch((error: unknown) => refuseRequest(response, error));
  };

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    requests.push(describeRequest(request));
    upgraded.add(socket);
    socket.once('close', () => upgraded.delete(socket));
    // A client that goes away in the middle is no error of ours.
    socket.on('error', () => {});
    const respond = async (): Promise<void> => upgrade(api, request, { socket, head }, identify);
    respond().then(
      () => socket.destroy(),
      (error: unknown) => refuseUpgrade(socket, error),
    );
  };

  const server = createServer({ key: tls.keyPem, cert: tls.certPem }, onRequest);
  server.on('upgrade', onUpgrade);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');

  return {
    url: `https://127.0.0.1:${address.port}`,
    port: address.port,
    requests: () => [...requests],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        for (const socket of upgraded) socket.destroy();
      }),
  };
};

const describeRequest = ({ method = 'GET', url = '/' }: IncomingMessage): KubernetesRequest => ({ method, path: url });
