import { kaitoPresetName } from '../domain/preset-catalogue.ts';
import type { Preset } from '../domain/preset.ts';
import { localWeightsFolder, type Workspace } from '../domain/workspace.ts';

/** A Workspace as KAITO's operator takes it: the preset by the name that KAITO knows. */
export const toWorkspaceDocument = (workspace: Workspace, preset: Preset): Workspace => {
  const reference = localWeightsFolder(workspace) !== undefined ? {} : { name: preset.isFromHub ? preset.huggingFaceId : kaitoPresetName(preset) };
  const { apiVersion, kind, metadata, resource, inference, tuning } = workspace;
  return {
    apiVersion,
    kind,
    metadata,
    resource,
    ...(inference ? { inference: { ...inference, preset: { ...inference.preset, ...reference } } } : {}),
    ...(tuning ? { tuning: { ...tuning, preset: { ...tuning.preset, ...reference } } } : {}),
  };
};
