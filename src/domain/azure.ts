/** Azure's things as plain data: what planning reads and what `cloud/` speaks. */

export interface ManagedCluster {
  subscriptionId: string;
  resourceGroup: string;
  name: string;
  location: string;
  kubernetesVersion: string;
  nodeResourceGroup: string;
  fqdn: string;
  /** `Running` or `Stopped`. */
  powerState: string;
  provisioningState: string;
  /** Node auto-provisioning (Karpenter) decides about nodes. */
  hasNodeAutoProvisioning: boolean;
  /** Subnet of the existing pools, to be reused. */
  subnetId?: string;
}

export interface Usage {
  family: string;
  displayName: string;
  used: number;
  limit: number;
}

export interface Sku {
  name: string;
  family: string;
  vCpuCount: number;
  gpuCount: number;
  zones: string[];
  /** Why this subscription may not use it in this region, such as `NotAvailableForSubscription`; absent: it may. */
  restriction?: string;
}

export interface AgentPoolRequest {
  /** `^[a-z][a-z0-9]{0,11}$` */
  name: string;
  instanceType: string;
  count: number;
  /** Present: the autoscaler may go between these. */
  autoscale?: { minCount: number; maxCount: number };
  osDiskGiB: number;
  labels: Record<string, string>;
  taints: string[];
  tags: Record<string, string>;
  spot: boolean;
  /** Absent: Ubuntu. */
  operatingSystem?: 'AzureLinux';
  subnetId?: string;
  zones?: string[];
}

export interface AgentPool {
  /** ARM id. */
  id: string;
  name: string;
  instanceType: string;
  count: number;
  autoscale?: { minCount: number; maxCount: number };
  /** `Creating`, `Succeeded`, `Failed`, `Canceled`, `Deleting`, ... */
  provisioningState: string;
  powerState: string;
  labels: Record<string, string>;
  taints: string[];
  tags: Record<string, string>;
  spot: boolean;
  eTag?: string;
  provisioningError?: { code: string; message: string };
}

/** A long-running operation of Azure as plain data: two URLs, no secret. */
export interface StartedOperation {
  kind: 'create' | 'delete';
  agentPool: string;
  /** The SDK's own serialisation of the poller, or `agent-pool` where its addresses are not known and the pool is followed. */
  state: string;
}
