export const clouds = ['azure', 'aws', 'arc'] as const;
export type CloudName = (typeof clouds)[number];

/** KAITO's own names: ours for the first is `aks`. */
export const nodeProvisioners = ['azure-gpu-provisioner', 'karpenter', 'byo'] as const;
export type NodeProvisionerName = (typeof nodeProvisioners)[number];

/** Under which the operator would judge: its settings, as data. */
export interface Environment {
  cloud: CloudName;
  nodeProvisioner: NodeProvisionerName;
  /** Only those that differ from the default. */
  featureGates: Readonly<Record<string, boolean>>;
  /** Of documents that name none. */
  namespace: string;
  /** Where the operator's default ConfigMaps are; absent: they are taken to be there. */
  releaseNamespace?: string;
  /** The documents are meant for KAITO's operator too; otherwise only this program will run them. */
  isForOperator: boolean;
}

export const defaultEnvironment: Environment = { cloud: 'azure', nodeProvisioner: 'azure-gpu-provisioner', featureGates: {}, namespace: 'default', isForOperator: true };

/** Nodes are bought for a Workspace, rather than found by their labels. */
export const isAutoProvisioning = ({ nodeProvisioner }: Environment): boolean => nodeProvisioner !== 'byo';

export const isGateOpen = ({ featureGates }: Environment, name: string): boolean => featureGates[name] === true;
