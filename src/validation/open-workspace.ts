import { NotFoundError, UsageError } from '../domain/errors.ts';
import type { Preset } from '../domain/preset.ts';
import type { PodsWorkspace, WorkspaceKind } from '../domain/workspace.ts';
import type { Basis, Override } from '../plan/basis.ts';
import { parsePodsWorkspace } from '../plan/parse-workspace.ts';
import type { SourceDocument } from './documents.ts';
import { readWorkspaceFiles } from './files.ts';
import { isJudged } from './judge.ts';
import { isMap, text } from './json.ts';
import { openFiles } from './open-files.ts';
import { surroundingsOf, type Surroundings } from './surroundings.ts';
import { chooseWorkspace, InvalidWorkspaceError, kindOf, nameOf, namespaceOf, readWorkspace, type ReadingSettings } from './workspace-file.ts';

export { InvalidWorkspaceError };

/** A Workspace that was found in files, and not judged yet. */
export interface OpenedWorkspace {
  /** Of what says neither, or both, either: it is refused when it is read. */
  kind: WorkspaceKind;
  name: string;
  /** As it is written, for looking up what model that is. */
  presetName: string | undefined;
  /** Undefined where it names none. */
  namespace: string | undefined;
  /** InvalidWorkspaceError with everything that is wrong, at once. */
  read(presets: readonly Preset[], namespace: string): { basis: Basis; warnings: string[] };
  /** The same of one with pods of the user's own; absent where it has none. */
  readPods?(presets: readonly Preset[], namespace: string): { workspace: PodsWorkspace; warnings: string[] };
}

export interface OpeningSettings extends Pick<ReadingSettings, 'namespaceFlag' | 'provisioner'> {
  /** Which one of several; of a single one, its new name. */
  name: string | undefined;
  readStdin: () => Promise<string>;
  overrides: (kind: WorkspaceKind) => readonly Override[];
}

/** The one Workspace of this kind in files, directories and stdin (`-`). UsageError says what is there instead. */
export const openWorkspace = async (sources: readonly string[], kind: WorkspaceKind, settings: OpeningSettings): Promise<OpenedWorkspace> => {
  const documents = await readWorkspaceFiles(sources, openFiles(settings.readStdin));
  return open(chooseWorkspace(documents, kind, settings.name, sources), kind, surroundingsOf(documents), settings);
};

/** All Workspaces, or those of a name where there are several. */
export const openWorkspaces = async (sources: readonly string[], settings: OpeningSettings): Promise<OpenedWorkspace[]> => {
  const documents = await readWorkspaceFiles(sources, openFiles(settings.readStdin));
  const workspaces = documents.filter(isJudged);
  if (workspaces.length === 0) throw new UsageError(`There is no Workspace in ${sources.join(', ')}.`, { reason: 'NoWorkspace', hints: ['A Workspace has apiVersion: kaito.sh/v1beta1 and kind: Workspace.'] });
  const chosen = workspaces.length > 1 && settings.name !== undefined ? workspaces.filter((document) => nameOf(document) === settings.name) : workspaces;
  if (chosen.length === 0) throw new NotFoundError(`There is no Workspace ${settings.name ?? ''} in ${sources.join(', ')}.`, { reason: 'WorkspaceNotFound', fact: `There are: ${workspaces.map(nameOf).join(', ')}.` });
  const surroundings = surroundingsOf(documents);
  return chosen.map((document) => open(document, kindOf(document) ?? 'inference', surroundings, settings));
};

const open = (document: SourceDocument, kind: WorkspaceKind, surroundings: Surroundings, { overrides, namespaceFlag, provisioner }: OpeningSettings): OpenedWorkspace => {
  const work = document.content?.[kind];
  const preset = isMap(work) && isMap(work['preset']) ? text(work['preset']['name']) : '';
  const read = (presets: readonly Preset[], namespace: string, takesPods: boolean) => {
    const reading = readWorkspace(document, surroundings, { overrides: overrides(kind), namespaceFlag, provisioner, presets, namespace, takesPods });
    if (reading.kind === 'refused') throw new InvalidWorkspaceError([{ document, problems: reading.problems }]);
    return { ...reading, warnings: reading.warnings.map(({ line, column, message, fix }) => `${document.source}:${line}:${column}: ${message} ${fix}`) };
  };
  return {
    kind,
    name: nameOf(document),
    presetName: preset === '' ? undefined : preset,
    namespace: namespaceOf(document),
    read: (presets, namespace) => read(presets, namespace, false),
    ...(isMap(work) && isMap(work['template'])
      ? {
          readPods: (presets: readonly Preset[], namespace: string) => {
            const { content, warnings } = read(presets, namespace, true);
            return { workspace: parsePodsWorkspace(content, namespace), warnings };
          },
        }
      : {}),
  };
};
