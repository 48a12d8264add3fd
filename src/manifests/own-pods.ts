import { kaitoAnnotation } from '../domain/annotations.ts';
import type { PodsWorkspace } from '../domain/workspace.ts';
import type { Templates } from './files.ts';
import { isJsonMap, toJsonMap, type Json } from './json.ts';
import { renderObject, type RenderedObject } from './rendered-object.ts';
import type { Values } from './template.ts';

export interface OwnPodsRendering {
  workspace: PodsWorkspace;
  nodeCount: number;
  /** Labels of the nodes that the pods may run on. */
  nodeSelector: Record<string, string>;
}

/**
 * Pods of the user's own. KAITO makes a StatefulSet of them, of which its Service reaches the first pod alone, and takes
 * their affinity away; here the Service reaches all of them, and what they say stays.
 */
export const renderOwnPods = ({ workspace, nodeCount, nodeSelector }: OwnPodsRendering, templates: Templates): RenderedObject[] => {
  const { name, namespace, annotations = {} } = workspace.metadata;
  const values: Values = {
    workspace: { name, namespace },
    nodes: { count: nodeCount, labels: nodeSelector },
    pods: { template: onNodes(toJsonMap(workspace.inference.template), nodeSelector) },
    service: { type: annotations[kaitoAnnotation.enableLoadBalancer] === 'True' ? 'LoadBalancer' : 'ClusterIP', selector: { 'kaito.sh/workspace': name } },
  };
  const identity = { workspace, revision: 1 };
  return [
    { object: renderObject(templates.template('inference/service'), values, { apiVersion: 'v1', kind: 'Service', name }, identity), owned: true },
    { object: renderObject(templates.template('inference/own-pods'), values, { apiVersion: 'apps/v1', kind: 'Deployment', name }, identity), owned: true },
  ];
};

const onNodes = (template: { [key: string]: Json }, nodeSelector: Record<string, string>): Json => {
  const spec = isJsonMap(template['spec']) ? template['spec'] : {};
  return {
    ...template,
    spec: {
      ...spec,
      nodeSelector: { ...(isJsonMap(spec['nodeSelector']) ? spec['nodeSelector'] : {}), ...nodeSelector },
      tolerations: [...(Array.isArray(spec['tolerations']) ? spec['tolerations'] : []), ...tolerations],
    },
  };
};

/** https://github.com/kaito-project/kaito/blob/056b8280/pkg/workspace/inference/preset_inferences.go#L111 */
const tolerations = [
  { key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'sku', operator: 'Equal', value: 'gpu', effect: 'NoSchedule' },
  { key: 'kubernetes.azure.com/scalesetpriority', operator: 'Equal', value: 'spot', effect: 'NoSchedule' },
];
