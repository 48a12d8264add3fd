/**
 * Annotations and labels that mean something. KAITO's keep their names and values, so that a Workspace written for the
 * operator means the same here: https://github.com/kaito-project/kaito/blob/056b8280/api/v1beta1/labels.go
 */
export const kaitoAnnotation = {
  /** `vllm` or `transformers`. */
  runtime: 'kaito.sh/runtime',
  /** Exactly `True`: the Service gets a public address. */
  enableLoadBalancer: 'kaito.sh/enablelb',
  /** Its presence alone lets a model through that is too large for the GPUs. */
  bypassResourceChecks: 'kaito.sh/bypass-resource-checks',
  /** `balanced`, `interactivity` or `throughput`. */
  performanceMode: 'kaito.sh/performance-mode',
  /** Exactly `true`: the weights are on the nodes already, in a folder named after the preset. */
  useLocalWeights: 'kaito.sh/use-local-weights',
  /** `ubuntu` or `azurelinux`, in any letter case: the system of nodes that are added. */
  nodeImageFamily: 'kaito.sh/node-image-family',
  /** Counts up with each change of the Workspace; on every object. */
  revision: 'workspace.kaito.io/revision',
} as const;

export const ownAnnotation = {
  /** On a Workspace: the training settings that were given, as a JSON map. */
  training: 'kaito-ts/training',
  /** On a Workspace: the commit of a Hugging Face model that is not of the catalogue, so that a second run serves the same. */
  modelCommit: 'kaito-ts/model-commit',
} as const;

export const label = {
  workspace: 'kaito.sh/workspace',
  managedBy: 'app.kubernetes.io/managed-by',
} as const;

export const managedBy = 'kaito-ts';

/** What the nodes that are added for a workspace carry. */
export const nodeLabels = (workspace: { name: string; namespace: string }): Record<string, string> => ({ [label.workspace]: workspace.name, 'kaito.sh/workspacenamespace': workspace.namespace });

/** What every object of a workspace is found by. */
export const workspaceLabels = (workspaceName: string): Record<string, string> => ({ [label.workspace]: workspaceName, [label.managedBy]: managedBy });
