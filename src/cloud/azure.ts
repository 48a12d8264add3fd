import { readFile } from 'node:fs/promises';
import { getCACertificates } from 'node:tls';
import type { ContainerServiceClient, ContainerServiceClientOptionalParams } from '@azure/arm-containerservice';
import type { ManagedCluster, StartedOperation } from '../domain/azure.ts';
import type { Clock } from '../domain/clock.ts';
import { ConflictError, NotFoundError, PreflightError, UsageError } from '../domain/errors.ts';
import { checkAgentPoolRequest, describeAgentPool, isMadeBy, toAgentPool, toArmAgentPool } from './agent-pool.ts';
import { createCaller } from './call.ts';
import type { Cloud, CloudCall, ManagedClusterHint } from './cloud.ts';
import { toSku, toUsage } from './compute.ts';
import { createTokenSource } from './credentials.ts';
import { startCommand, toCloudError } from './errors.ts';
import type { FailureContext } from './errors.ts';
import { parseFailure, parseState, toFailure } from './failure.ts';
import type { CloudFailure } from './failure.ts';
import { checkSameCluster, chooseManagedCluster, toFoundCluster } from './managed-cluster.ts';
import type { FoundCluster } from './managed-cluster.ts';
import { followOperation, followsAgentPool } from './operation.ts';
import type { Poll, Sight, Unreadable } from './operation.ts';
import { isStateOf } from './operation-state.ts';
import type { AzureSettings } from './settings.ts';
import { createWire, readFailure } from './wire.ts';
import type { Wire } from './wire.ts';

/**
 * Azure itself, through Microsoft's SDK, which is imported here alone and only when it is needed: logging in needs no
 * resource SDK, and adding a pool needs no compute SDK. Every call opens a client of its own, so that what was last
 * answered belongs to one call; connections and the token are shared.
 */
export const createAzureCloud = (settings: AzureSettings, { clock }: { clock: Clock }): Cloud => {
  const { call, toError } = createCaller(settings.endpoint, clock);
  // The SDK keeps connections by this very object: one for all clients.
  let tls: Promise<{ tlsOptions?: { ca: string[] } }> | undefined;
  const loadTls = (): Promise<{ tlsOptions?: { ca: string[] } }> => (tls ??= readTlsOptions(settings.caFile));
  const tokens = createTokenSource(settings, clock, async () => {
    const [identity, tlsOptions] = await Promise.all([import('@azure/identity'), loadTls()]);
    return { identity, ...tlsOptions, reach };
  });

  /** Asks an address as the SDK does, proxy and certificates included, to learn why it cannot be reached. */
  const reach = async (url: string): Promise<void> => {
    const http = await import('@azure/core-rest-pipeline');
    const pipeline = http.createPipelineFromOptions({ retryOptions: { maxRetries: 0 }, ...(await loadTls()) });
    await pipeline.sendRequest(http.createDefaultHttpClient(), http.createPipelineRequest({ url, timeout: 5000 }));
  };

  const clientOptions = async (): Promise<ContainerServiceClientOptionalParams> => ({
    endpoint: settings.endpoint,
    credentials: { scopes: [settings.scope] },
    // Our own are bounded and say so: patience.ts.
    retryOptions: { maxRetries: 0 },
    userAgentOptions: { userAgentPrefix: 'kaito-ts' },
    ...(await loadTls()),
  });

  const openContainerService = async (subscriptionId: string, wire: Wire): Promise<ContainerServiceClient> => {
    const sdk = await import('@azure/arm-containerservice');
    const client = new sdk.ContainerServiceClient(tokens, subscriptionId, await clientOptions());
    client.pipeline.addPolicy(wire.policy);
    return client;
  };

  const openCompute = async (subscriptionId: string, wire: Wire) => {
    const sdk = await import('@azure/arm-compute');
    const client = new sdk.ComputeManagementClient(tokens, subscriptionId, await clientOptions());
    client.pipeline.addPolicy(wire.policy);
    return client;
  };

  const listManagedClusters = (subscriptionId: string, options: CloudCall): Promise<FoundCluster[]> =>
    call({ doing: 'listing AKS clusters', subscriptionId }, options, async (wire) => {
      const client = await openContainerService(subscriptionId, wire);
      const clusters: FoundCluster[] = [];
      for await (const cluster of client.managedClusters.list(requestOptions(options))) clusters.push(toFoundCluster(cluster, subscriptionId));
      return clusters;
    });

  /** The pool and, of a failed one, everything its error says; undefined when there is none. */
  const readPool = async (cluster: ManagedCluster, name: string, wire: Wire, options: CloudCall): Promise<Exclude<Sight, Unreadable>> => {
    const client = await openContainerService(cluster.subscriptionId, wire);
    try {
      const pool = await client.agentPools.get(cluster.resourceGroup, cluster.name, name, requestOptions(options));
      const failure = toFailure(pool.status?.provisioningError);
      return { pool: toAgentPool(pool), ...(failure ? { failure } : {}) };
    } catch (error) {
      if (isAbsent(readFailure(error, wire))) return { pool: undefined };
      throw error;
    }
  };

  const getAgentPool: Cloud['getAgentPool'] = (cluster, name, options = {}) =>
    call(contextOf(cluster, `reading agent pool ${name}`), options, async (wire) => (await readPool(cluster, name, wire, options)).pool);

  return {
    login: async ({ signal } = {}) => ({ description: await tokens.describe(signal) }),

    async findManagedCluster(hint, options = {}) {
      const wanted = withSettings(hint, settings);
      const subscriptionId = checkSubscription(wanted.subscriptionId);
      const { resourceGroup, name } = wanted;
      if (resourceGroup === undefined || name === undefined) return chooseManagedCluster(await listManagedClusters(subscriptionId, options), wanted);
      try {
        const cluster = await call({ doing: `reading AKS cluster ${name} in ${resourceGroup}`, cluster: { name, resourceGroup }, subscriptionId }, options, async (wire) => {
          const client = await openContainerService(subscriptionId, wire);
          return client.managedClusters.get(resourceGroup, name, requestOptions(options));
        });
        return checkSameCluster(toFoundCluster(cluster, subscriptionId).cluster, wanted);
      } catch (error) {
        if (!(error instanceof NotFoundError)) throw error;
        // The list says what there is instead; where it finds the cluster all the same, all is well.
        const clusters = await listManagedClusters(subscriptionId, options).catch(() => undefined);
        if (!clusters) throw error;
        return chooseManagedCluster(clusters, wanted);
      }
    },

    listUsages: (cluster, options = {}) =>
      call(contextOf(cluster, `reading the quota in ${cluster.location}`), options, async (wire) => {
        const client = await openCompute(cluster.subscriptionId, wire);
        return (await Array.fromAsync(client.usage.list(cluster.location, requestOptions(options)))).map(toUsage);
      }),

    listSkus: (cluster, options = {}) =>
      call(contextOf(cluster, `reading the sizes offered in ${cluster.location}`), options, async (wire) => {
        const client = await openCompute(cluster.subscriptionId, wire);
        const skus = await Array.fromAsync(client.resourceSkus.list({ filter: `location eq '${cluster.location}'`, ...requestOptions(options) }));
        return skus.map((sku) => toSku(sku, cluster.location)).filter((sku) => sku !== undefined);
      }),

    listAgentPools: (cluster, options = {}) =>
      call(contextOf(cluster, `listing the agent pools of ${cluster.name}`), options, async (wire) => {
        const client = await openContainerService(cluster.subscriptionId, wire);
        return (await Array.fromAsync(client.agentPools.list(cluster.resourceGroup, cluster.name, requestOptions(options)))).map(toAgentPool);
      }),

    getAgentPool,

    async createAgentPool(cluster, request, options = {}) {
      checkAgentPoolRequest(request);
      checkRunning(cluster);
      let attempts = 0;
      try {
        return await call(contextOf(cluster, `creating agent pool ${request.name}`, request.instanceType), options, async (wire) => {
          const client = await openContainerService(cluster.subscriptionId, wire);
          attempts += 1;
          const poller = client.agentPools.createOrUpdate(cluster.resourceGroup, cluster.name, request.name, toArmAgentPool(request), { ifNoneMatch: '*', ...requestOptions(options) });
          await poller.submitted();
          return { kind: 'create', agentPool: request.name, state: await poller.serialize() } satisfies StartedOperation;
        });
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
        const existing = await getAgentPool(cluster, request.name, options);
        if (!existing) throw error;
        // The connection broke after the first request had arrived: the pool in the way of the second is our own.
        if (attempts > 1 && isMadeBy(existing, request)) return { kind: 'create', agentPool: request.name, state: followsAgentPool };
        throw new ConflictError(`There is an agent pool ${request.name} in ${cluster.name} already.`, {
          reason: error.reason,
          fact: `${request.name}: ${describeAgentPool(existing)}`,
          hints: [`az aks nodepool show --resource-group ${cluster.resourceGroup} --cluster-name ${cluster.name} --name ${request.name}`],
          cause: error,
        });
      }
    },

    deleteAgentPool: (cluster, name, options = {}) =>
      call(contextOf(cluster, `deleting agent pool ${name}`), options, async (wire) => {
        const client = await openContainerService(cluster.subscriptionId, wire);
        const poller = client.agentPools.delete(cluster.resourceGroup, cluster.name, name, requestOptions(options));
        try {
          await poller.submitted();
        } catch (error) {
          if (isAbsent(readFailure(error, wire))) return undefined;
          throw error;
        }
        return poller.isDone ? undefined : ({ kind: 'delete', agentPool: name, state: await poller.serialize() } satisfies StartedOperation);
      }),

    async awaitOperation(cluster, operation, options) {
      const { signal, onPoll } = options;
      const { kind, agentPool } = operation;
      const context = contextOf(cluster, `${kind === 'create' ? 'creating' : 'deleting'} agent pool ${agentPool}`);

      const unreadable = (error: unknown, wire: Wire): Unreadable => {
        signal?.throwIfAborted();
        const translated = toError(error, wire, { ...context, doing: `asking how ${context.doing} goes` });
        const statusCode = readFailure(error, wire)?.statusCode;
        if (statusCode === 401) tokens.forget();
        const isForGood = statusCode !== undefined && statusCode >= 400 && statusCode < 500 && ![401, 408, 429].includes(statusCode);
        const retryAfterMs = wire.last?.retryAfterMs;
        return { outcome: 'unreadable', error: translated, isForGood, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
      };

      const poll = async (state: string): Promise<Poll> => {
        const wire = createWire();
        const client = await openContainerService(cluster.subscriptionId, wire);
        return pollOnce({ client, wire, state, kind, signal, unreadable });
      };

      const look = async (): Promise<Sight> => {
        const wire = createWire();
        try {
          return await readPool(cluster, agentPool, wire, options);
        } catch (error) {
          return unreadable(error, wire);
        }
      };

      // What the record holds came from the cluster, where others write too; the token is sent to no other host for it.
      const state = isStateOf(operation.state, settings.endpoint) ? operation.state : followsAgentPool;
      let instanceType: string | undefined;
      return followOperation({
        operation: { ...operation, state },
        poll,
        look: async () => {
          const sight = await look();
          if (!('outcome' in sight)) instanceType = sight.pool?.instanceType ?? instanceType;
          return sight;
        },
        toError: (failure) => toCloudError(failure, contextOf(cluster, context.doing, instanceType)),
        clock,
        signal,
        onPoll,
      });
    },
  };
};

interface PollRequest {
  client: ContainerServiceClient;
  wire: Wire;
  state: string;
  kind: StartedOperation['kind'];
  signal: AbortSignal | undefined;
  unreadable: (error: unknown, wire: Wire) => Unreadable;
}

/** The SDK's poller is restored for each look: after a look that failed it would call the operation failed for ever. */
const pollOnce = async ({ client, wire, state, kind, signal, unreadable }: PollRequest): Promise<Poll> => {
  const { restorePoller } = await import('@azure/arm-containerservice');
  const restore = () => (kind === 'create' ? restorePoller(client, state, client.agentPools.createOrUpdate) : restorePoller(client, state, client.agentPools.delete));
  let poller: ReturnType<typeof restore>;
  try {
    poller = restore();
  } catch (error) {
    // Written by another version of the SDK, or by hand.
    return { ...unreadable(error, wire), isForGood: true };
  }
  try {
    await poller.poll(signal ? { abortSignal: signal } : {});
  } catch (error) {
    const status = poller.operationState?.status;
    if (status === 'canceled') return { outcome: 'canceled' };
    // Of an operation that failed the SDK makes a plain Error; an answer that it could not read is a RestError.
    const isVerdict = status === 'failed' && !(error instanceof Error && error.name === 'RestError');
    if (!isVerdict) return unreadable(error, wire);
    return { outcome: 'failed', failure: parseFailure(wire.last?.body ?? '') ?? { message: error instanceof Error ? error.message : String(error) } };
  }
  if (poller.isDone) return poller.result ? { outcome: 'succeeded', pool: toAgentPool(poller.result) } : { outcome: 'succeeded' };
  const retryAfterMs = wire.last?.retryAfterMs;
  return {
    outcome: 'running',
    state: await poller.serialize(),
    word: parseState(wire.last?.body ?? '') ?? 'InProgress',
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
};

const contextOf = (cluster: ManagedCluster, doing: string, instanceType?: string): FailureContext => ({
  doing,
  cluster,
  location: cluster.location,
  subscriptionId: cluster.subscriptionId,
  ...(instanceType === undefined ? {} : { instanceType }),
});

const requestOptions = ({ signal }: CloudCall): { abortSignal?: AbortSignal } => (signal ? { abortSignal: signal } : {});

/** AKS answers 404 for a pool that is gone, and Azure Resource Manager for a cluster that is: both mean no pool. */
const isAbsent = (failure: CloudFailure | undefined): boolean => failure?.statusCode === 404 && failure.code !== 'SubscriptionNotFound';

/** The environment says what the command line does not. */
const withSettings = (hint: ManagedClusterHint, { subscriptionId, resourceGroup, clusterName }: AzureSettings): ManagedClusterHint => ({
  ...(subscriptionId === undefined ? {} : { subscriptionId }),
  ...(resourceGroup === undefined ? {} : { resourceGroup }),
  ...(clusterName === undefined ? {} : { name: clusterName }),
  ...hint,
});

const checkSubscription = (subscriptionId: string | undefined): string => {
  if (subscriptionId !== undefined && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(subscriptionId)) return subscriptionId;
  const what = subscriptionId === undefined ? 'It is not known which Azure subscription is meant.' : `${JSON.stringify(subscriptionId)} is not the id of an Azure subscription.`;
  throw new UsageError(what, { reason: 'SubscriptionUnknown', hints: ['Name it: --subscription <id>, or AZURE_SUBSCRIPTION_ID', 'az account list --output table'] });
};

/** A stopped cluster accepts nothing but being started or deleted: https://learn.microsoft.com/azure/aks/start-stop-cluster */
const checkRunning = (cluster: ManagedCluster): void => {
  if (cluster.powerState !== 'Stopped') return;
  throw new PreflightError(`AKS cluster ${cluster.name} is stopped.`, { reason: 'ClusterStopped', fact: `powerState ${cluster.powerState}`, hints: [startCommand(cluster)] });
};

/** A file replaces what Node trusts by itself, so that is added to it. */
const readTlsOptions = async (file: string | undefined): Promise<{ tlsOptions?: { ca: string[] } }> => {
  if (file === undefined) return {};
  try {
    return { tlsOptions: { ca: [...getCACertificates('default'), await readFile(file, 'utf8')] } };
  } catch (error) {
    throw new UsageError(`The certificate file that SSL_CERT_FILE names cannot be read: ${file}.`, { fact: error instanceof Error ? error.message : String(error), cause: error });
  }
};
