import type { AgentPool, AgentPoolRequest, ManagedCluster, Sku, StartedOperation, Usage } from '../domain/azure.ts';

/**
 * What this program asks of Azure. The real one is `azure.ts`; every failure is one of `domain/errors.ts`, translated
 * by the table in `errors.ts`. Nothing here is cached between commands.
 */
export interface Cloud {
  /** Which login is used, for sentences: `service principal 1234… (environment)`. Throws AccessError when there is none. */
  login(options?: CloudCall): Promise<Login>;

  /** Finds the AKS cluster that a kubeconfig points at; NotFoundError lists what was looked at. */
  findManagedCluster(hint: ManagedClusterHint, options?: CloudCall): Promise<ManagedCluster>;

  /** vCPU usage and limits of the region: `cores` is the regional total, `lowPriorityCores` all Spot, others are families. */
  listUsages(cluster: ManagedCluster, options?: CloudCall): Promise<Usage[]>;

  /** VM sizes offered to this subscription in the region, with what restricts them. */
  listSkus(cluster: ManagedCluster, options?: CloudCall): Promise<Sku[]>;

  listAgentPools(cluster: ManagedCluster, options?: CloudCall): Promise<AgentPool[]>;
  getAgentPool(cluster: ManagedCluster, name: string, options?: CloudCall): Promise<AgentPool | undefined>;

  /**
   * Asks for a new pool with `if-none-match: *`. Returns as soon as Azure has accepted it: `operation` is what
   * `awaitOperation` needs, in this process or a later one. ConflictError when a pool of that name is there already.
   */
  createAgentPool(cluster: ManagedCluster, pool: AgentPoolRequest, options?: CloudCall): Promise<StartedOperation>;

  /** Undefined when there is no such pool any more. */
  deleteAgentPool(cluster: ManagedCluster, name: string, options?: CloudCall): Promise<StartedOperation | undefined>;

  /**
   * Polls until the operation has ended. Its failure is thrown as QuotaError, CapacityError, ... with Azure's code as
   * `reason` and Azure's text as `fact`, taken from the operation and the pool's `provisioningError`. Failing to *read*
   * the operation is not its failure: the pool itself is looked at before anything is called failed.
   */
  awaitOperation(cluster: ManagedCluster, operation: StartedOperation, options: CloudCall & { onPoll?: (state: string) => void }): Promise<AgentPool | undefined>;
}

export interface CloudCall {
  signal?: AbortSignal;
  /** Told each time a call is put off: `Azure is asked too often: trying again in 30 s`. */
  onWait?: (why: string) => void;
}

interface Login {
  description: string;
}

export interface ManagedClusterHint {
  subscriptionId?: string;
  resourceGroup?: string;
  name?: string;
  /** `MC_<group>_<cluster>_<location>`: from the nodes' providerID. */
  nodeResourceGroup?: string;
  /** The API server in the kubeconfig. */
  fqdn?: string;
}
