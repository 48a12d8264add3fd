import type { Preset } from '../domain/preset.ts';
import type { Workspace } from '../domain/workspace.ts';
import type { SourceDocument } from './documents.ts';
import { defaultEnvironment } from './environment.ts';
import { createFacts } from './facts.ts';
import { judge } from './judge.ts';

/** What KAITO's operator would say against a Workspace that this program has written: it asks for more in some places. */
export const operatorRefusals = (workspace: Omit<Workspace, 'inference' | 'tuning'>, presets: readonly Preset[]): string[] => {
  const document: SourceDocument = { source: '', index: 0, content: { ...workspace }, broken: [], locate: () => ({ line: 1, column: 1 }) };
  const nodeProvisioner = workspace.resource.instanceType === undefined ? 'byo' : 'azure-gpu-provisioner';
  return judge(document, { ...defaultEnvironment, nodeProvisioner }, createFacts({ presets, objects: [], namespace: workspace.metadata.namespace }))
    .problems.filter(({ severity, source }) => severity === 'error' && source === 'kaito')
    .map(({ path, message, fix }) => `KAITO's operator would refuse ${path}: ${message}. ${fix}`);
};
