import { nodeLabels } from '../domain/annotations.ts';
import type { PodsWorkspace } from '../domain/workspace.ts';
import type { Templates } from '../manifests/files.ts';
import { renderOwnPods } from '../manifests/own-pods.ts';
import type { RenderedObject } from '../manifests/rendered-object.ts';

/** Nothing is sized: as many nodes as the Workspace says, as in KAITO. */
export const planPods = (workspace: PodsWorkspace, templates: Templates): { nodeCount: number; objects: RenderedObject[] } => {
  const { resource, metadata } = workspace;
  const nodeCount = resource.count ?? 1;
  const nodeSelector = resource.instanceType === undefined ? resource.labelSelector.matchLabels : nodeLabels(metadata);
  return { nodeCount, objects: renderOwnPods({ workspace, nodeCount, nodeSelector }, templates) };
};
