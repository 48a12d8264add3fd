/** Labels that the operator puts on nodes itself. In a selector it passes over them: https://github.com/kaito-project/kaito/blob/056b8280/api/v1beta1/labels.go#L218 */
export const isReservedLabel = (key: string): boolean => reservedLabels.has(key);

const reservedLabels = new Set([
  'kaito.sh/workspace',
  'kaito.sh/ragengine',
  'kaito.sh/workspacenamespace',
  'kaito.sh/ragenginenamespace',
  'karpenter.kaito.sh/workspace-name',
  'karpenter.kaito.sh/workspace-namespace',
  'karpenter.kaito.sh/inferenceset',
  'karpenter.kaito.sh/inferenceset-namespace',
]);
