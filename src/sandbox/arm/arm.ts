import { randomUUID } from 'node:crypto';
import type { SandboxClock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import { type HttpsRequest, type HttpsResponse, serveHttps } from '../https.ts';
import type { TlsIdentity } from '../tls.ts';
import { completeProperties } from './agent-pool-defaults.ts';
import { agentPoolRoutes } from './agent-pools.ts';
import { ArmError } from './errors.ts';
import { authenticate, checkApiVersion, checkPermission, checkSubscription, explainMissing, type VerifyToken } from './gate.ts';
import { managedClusterRoutes } from './managed-clusters.ts';
import { operationRoutes } from './operation-routes.ts';
import { createOperations } from './operations.ts';
import { providerRoutes } from './providers.ts';
import { matchPath, type Route } from './route.ts';
import { skuRoutes } from './skus.ts';
import { subscriptionRoutes } from './subscriptions.ts';
import { usageRoutes } from './usages.ts';
import { type AgentPoolState, type ManagedClusterOptions, type ManagedClusterState, newETag, type PoolListener, type World } from './world.ts';

export interface ArmOptions {
  tls: TlsIdentity;
  clock: SandboxClock;
  faults: Faults;
  verifyToken: VerifyToken;
  subscriptionId: string;
  tenantId: string;
  /** Where everything is; absent: `eastus`. */
  location?: string;
  clusters: readonly ManagedClusterOptions[];
  /** vCPUs by quota family, `cores` and `lowPriorityCores`; what is not named has plenty. */
  quota?: Readonly<Record<string, number>>;
  onPool: PoolListener;
}

export interface Arm {
  /** `endpoint` of the Azure SDKs. */
  url: string;
  /** What was asked and answered, oldest first. */
  requests(): readonly ArmRequest[];
  close(): Promise<void>;
}

export interface ArmRequest {
  method: string;
  /** With the query. */
  path: string;
  status: number;
}

/** Azure Resource Manager with what a GPU pool touches, over TLS on the loopback interface. */
export const startArm = async (options: ArmOptions): Promise<Arm> => {
  const world = createWorld(options);
  const routes = [subscriptionRoutes, providerRoutes, managedClusterRoutes, agentPoolRoutes, operationRoutes, usageRoutes, skuRoutes].flatMap((of) => of(world));
  const requests: ArmRequest[] = [];

  const server = await serveHttps(options.tls, async (request) => {
    const response = await answer(world, routes, options.verifyToken, request).catch((error: unknown) => {
      if (error instanceof ArmError) return error.response;
      throw error;
    });
    requests.push({ method: request.method, path: `${request.url.pathname}${request.url.search}`, status: response.status });
    return { ...response, headers: { ...traceHeaders(request), ...response.headers } };
  });

  return {
    url: server.url,
    requests: () => [...requests],
    async close() {
      // In this order: nobody is to see operations cancelled that are only not finished.
      await server.close();
      await world.operations.close();
    },
  };
};

const answer = async (world: World, routes: readonly Route[], verifyToken: VerifyToken, { method, url, headers, body }: HttpsRequest): Promise<HttpsResponse> => {
  const caller = authenticate(headers, world, verifyToken);
  const path = url.pathname;
  const apiVersion = url.searchParams.get('api-version');
  checkSubscription(world, /^\/subscriptions\/([^/]+)/i.exec(path)?.[1]);
  const matching = routes.flatMap((route) => {
    const params = matchPath(route.path, path);
    return params === undefined ? [] : [{ route, params }];
  });
  const found = matching.find(({ route }) => route.method === method);
  if (found === undefined) {
    const methods = matching.map(({ route }) => route.method);
    throw explainMissing(path, method, methods, apiVersion);
  }
  checkApiVersion(world, found.route, path, apiVersion);
  checkPermission(world, found.route, path, caller);
  return found.route.answer({ params: found.params, query: url.searchParams, headers, body, caller, origin: url.origin });
};

const createWorld = (options: ArmOptions): World => ({
  subscriptionId: options.subscriptionId,
  tenantId: options.tenantId,
  location: options.location ?? 'eastus',
  clusters: options.clusters.map(createCluster),
  operations: createOperations(options.clock),
  clock: options.clock,
  faults: options.faults,
  onPool: options.onPool,
  limits: new Map(Object.entries(options.quota ?? {}).map(([family, limit]) => [family.toLowerCase(), limit])),
});

const createCluster = ({ agentPools, ...options }: ManagedClusterOptions): ManagedClusterState => {
  const cluster: ManagedClusterState = { powerState: 'Running', nodeProvisioning: 'Manual', ...options, agentPools: new Map() };
  for (const { name, ...asked } of agentPools) {
    const pool: AgentPoolState = { name, properties: completeProperties(cluster, asked), provisioningState: 'Succeeded', eTag: newETag(), machineCount: asked.count };
    cluster.agentPools.set(name, pool);
  }
  return cluster;
};

/** What support asks for, and what says how near the throttle is. */
const traceHeaders = ({ headers, method }: HttpsRequest): Record<string, string> => {
  const requestId = randomUUID();
  const clientRequestId = headers['x-ms-client-request-id'];
  return {
    'x-ms-request-id': requestId,
    'x-ms-correlation-request-id': requestId,
    'x-ms-routing-request-id': `EASTUS:${requestId}`,
    ...(typeof clientRequestId === 'string' ? { 'x-ms-client-request-id': clientRequestId } : {}),
    [`x-ms-ratelimit-remaining-subscription-${method === 'GET' ? 'reads' : method === 'DELETE' ? 'deletes' : 'writes'}`]: '1199',
    'cache-control': 'no-cache',
  };
};
