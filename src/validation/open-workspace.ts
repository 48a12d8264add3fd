import type { Preset } from '../domain/preset.ts';
import type { WorkspaceKind } from '../domain/workspace.ts';
import type { Basis } from '../plan/basis.ts';
import { readWorkspaceFiles } from './files.ts';
import { isMap, text } from './json.ts';
import { openFiles } from './open-files.ts';
import { chooseWorkspace, invalidWorkspace, namespaceOf, readWorkspace, type ReadingSettings } from './workspace-file.ts';

/** A Workspace that was found in files, and not judged yet. */
export interface OpenedWorkspace {
  /** As it is written, for looking up what model that is. */
  presetName: string | undefined;
  /** Undefined where it names none. */
  namespace: string | undefined;
  /** UsageError with everything that is wrong, at once. */
  read(presets: readonly Preset[], namespace: string): { basis: Basis; warnings: string[] };
}

/** The one Workspace of this kind in files, directories and stdin (`-`). NotFoundError and UsageError say what is there instead. */
export const openWorkspace = async (sources: readonly string[], { kind, name, readStdin, ...settings }: { kind: WorkspaceKind; name: string | undefined; readStdin: () => Promise<string> } & Pick<ReadingSettings, 'overrides' | 'namespaceFlag' | 'provisioner'>): Promise<OpenedWorkspace> => {
  const documents = await readWorkspaceFiles(sources, openFiles(readStdin));
  const document = chooseWorkspace(documents, kind, name, sources);
  const work = document.content?.[kind];
  const preset = isMap(work) && isMap(work['preset']) ? text(work['preset']['name']) : '';
  return {
    presetName: preset === '' ? undefined : preset,
    namespace: namespaceOf(document),
    read(presets, namespace) {
      const reading = readWorkspace(document, documents, { ...settings, presets, namespace });
      if (reading.kind === 'refused') throw invalidWorkspace([{ document, problems: reading.problems }]);
      return { basis: reading.basis, warnings: reading.warnings.map(({ line, column, message, fix }) => `${document.source}:${line}:${column}: ${message} ${fix}`) };
    },
  };
};
