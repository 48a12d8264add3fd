import { defineCommand } from '../cli/command.ts';
import { besideFile } from '../cli/file-fields.ts';
import { hasFlagOfItsOwn } from '../cli/given-flags.ts';
import { choice, text, toggle } from '../cli/options.ts';
import { exitCodes, KaitoError, UsageError } from '../domain/errors.ts';
import type { Preset } from '../domain/preset.ts';
import type { PodsWorkspace, Workspace, WorkspaceKind } from '../domain/workspace.ts';
import type { ManifestDocument } from '../manifests/manifest-text.ts';
import type { Parallelism } from '../plan/parallelism.ts';
import type { OpenedWorkspace } from '../validation/open-workspace.ts';
import serve from './serve.ts';
import tune from './tune.ts';

export default defineCommand({
  summary: 'Print the Kubernetes objects that tune and serve would write, without asking a cluster or Azure',
  description: [
    'Takes the flags of tune and serve, or Workspace files, with the ConfigMaps and Nodes that they mean: what is printed is what kubectl apply takes. GPU nodes are not part of it. Machines are chosen by list price; whether there is quota, and whether Secrets exist, is not known.',
    'With -o ndjson one line is printed for each Workspace, also for those that are refused: then the exit code is 2.',
  ].join('\n\n'),
  usesCluster: false,
  arguments: [{ usage: '[name]', description: 'name of the workspace; of several in files, the one to render' }],
  options: {
    ...serve.options,
    ...tune.options,
    config: text('--config <name>', 'ConfigMap with your own training_config.yaml or inference_config.yaml'),
    as: choice('--as <form>', "objects for kubectl, a Workspace for KAITO's operator, or a kustomization in a directory", ['objects', 'workspace', 'kustomize'], 'objects'),
    out: text('--out <directory>', 'write one file for each object, and a kustomization.yaml', { defaultText: 'with --as kustomize, the name of the workspace' }),
    force: toggle('--force', 'replace files in that directory that render did not write'),
    region: text('--region <name>', 'Azure region whose list prices count', { defaultText: 'eastus' }),
    namespace: text('-n, --namespace <name>', 'namespace of the workspace', { defaultText: 'that of the file, else default' }),
    // Taken and of no effect, so that a command line of tune or serve can be rendered as it is.
    dryRun: { ...tune.options.dryRun, isHidden: true },
    noWait: { ...tune.options.noWait, isHidden: true },
    keepNodes: { ...tune.options.keepNodes, isHidden: true },
    nodeTimeout: { ...tune.options.nodeTimeout, isHidden: true },
    timeout: { ...serve.options.timeout, isHidden: true },
  },
  examples: ['render --preset phi-3-mini --method qlora', 'render --preset phi-4-mini-instruct | kubectl apply --dry-run=server -f -', 'render -f workspace.yaml --as workspace', 'render -f workspaces/ --as kustomize --out manifests', 'render -f workspaces/ -o ndjson'],
  async *run({ arguments: [name], options: given, origins }, context) {
    const [{ openWorkspaces, InvalidWorkspaceError }, { planUnseen }, { toTuningFlags }, { servingOverrides, tuningOverrides }, { planManifests, podsComments, workspaceComments }, { toWorkspaceDocument }, { operatorRefusals }, { parallelismOf }, { planPods }, { knownModels }] = await Promise.all([
      import('../validation/open-workspace.ts'),
      import('../plan/plan-unseen.ts'),
      import('../plan/tuning-request.ts'),
      import('../plan/basis.ts'),
      import('../flow/plan-manifests.ts'),
      import('../plan/workspace-document.ts'),
      import('../validation/operator-refusals.ts'),
      import('../plan/parallelism.ts'),
      import('../plan/plan-pods.ts'),
      import('../cli/known-models.ts'),
    ]);
    const options = besideFile(given, origins);
    const flags = { ...options, ...toTuningFlags(options, name), name, readinessTimeoutMs: options.timeout };
    const namespaceFlag = origins.namespace.from === 'flag' ? options.namespace : undefined;
    const overrides = { tuning: tuningOverrides(flags), inference: servingOverrides(flags) };
    // Without a file, a flag that only tune has means a tuning.
    const wishes: Wish[] =
      options.filename.length === 0
        ? [{ kind: hasFlagOfItsOwn(tune.options, serve.options, origins) ? 'tuning' : 'inference', name: name ?? '', namespace: undefined, presetName: undefined }]
        : await openWorkspaces(options.filename, { name, readStdin: () => context.terminal.readAll(context.signal), namespaceFlag, provisioner: options.provisioner, overrides: (kind) => overrides[kind] });

    const templates = await context.templates(options.templates);
    const isWorkspace = options.as === 'workspace';
    const renderModel = (kind: WorkspaceKind, written: ReturnType<OpenedWorkspace['read']> | undefined, namespace: string, catalogue: readonly Preset[]): Rendered => {
      const { plan, preset, objects } = planUnseen({ kind, flags, basis: written?.basis, namespace, catalogue, region: options.region ?? 'eastus', templates });
      const document = toWorkspaceDocument(plan.workspace, preset);
      return {
        summary: summaryOf(plan.workspace, plan.nodes.count, plan.nodes.instanceType),
        parallelism: parallelismOf(plan, preset),
        documents: isWorkspace ? [{ comments: workspaceComments(plan), object: document }, ...objects.map((object) => ({ comments: [], object }))] : planManifests(plan),
        warnings: [...(written?.warnings ?? []), ...plan.warnings, ...(isWorkspace ? operatorRefusals(document, catalogue) : [])],
      };
    };
    const renderPods = ({ workspace, warnings }: { workspace: PodsWorkspace; warnings: string[] }, catalogue: readonly Preset[]): Rendered => {
      const { nodeCount, objects } = planPods(workspace, templates);
      return {
        summary: summaryOf(workspace, nodeCount, workspace.resource.instanceType),
        parallelism: { tensor: 1, pipeline: 1, data: 1 },
        documents: isWorkspace ? [{ comments: [], object: workspace }] : objects.map(({ object }, index) => ({ comments: index === 0 ? podsComments(workspace) : [], object })),
        warnings: [...warnings, ...(isWorkspace ? operatorRefusals(workspace, catalogue) : [])],
      };
    };
    const isStream = context.globals.output === 'ndjson';
    const documents: ManifestDocument[] = [];
    const names: string[] = [];
    const refusals: KaitoError[] = [];
    for (const wish of wishes) {
      const namespace = namespaceFlag ?? wish.namespace ?? options.namespace ?? 'default';
      try {
        const models = knownModels(context, options.preset ?? wish.presetName);
        // A stream has nothing but its items.
        const catalogue = isStream ? await drain(models) : yield* models;
        const rendered = wish.readPods ? renderPods(wish.readPods(catalogue, namespace), catalogue) : renderModel(wish.kind, wish.read?.(catalogue, namespace), namespace, catalogue);
        documents.push(...rendered.documents);
        names.push(rendered.summary.name);
        if (isStream) yield { type: 'item', item: { ...rendered.summary, parallelism: rendered.parallelism, objects: rendered.documents.map(({ object }) => object), ...(rendered.warnings.length === 0 ? {} : { warnings: rendered.warnings }) }, text: '' };
        else for (const message of rendered.warnings) yield { type: 'warning', message };
      } catch (error) {
        if (!(error instanceof KaitoError)) throw error;
        refusals.push(error);
        if (isStream) yield { type: 'item', item: { name: name ?? wish.name, namespace, problems: error instanceof InvalidWorkspaceError ? error.problems : [toProblem(error)] }, text: '' };
      }
    }
    if (isStream) {
      if (refusals.length > 0) yield { type: 'exit', exitCode: exitCodes.usage };
      return;
    }
    if (refusals.length > 0) throw join(refusals, wishes.length);
    const out = options.out ?? (options.as === 'kustomize' ? (names.length === 1 ? names[0] : 'workspaces') : undefined);
    if (out !== undefined) {
      const [{ toKustomization }, { writeFolder }] = await Promise.all([import('../manifests/kustomization.ts'), import('../manifests/write-folder.ts')]);
      const files = toKustomization(documents);
      await writeFolder(out, files, { force: options.force });
      yield { type: 'result', result: { directory: out, files: files.map((file) => file.name) }, summary: files.map((file) => `${out}/${file.name}`), hints: [`kubectl apply -k ${out}`] };
      return;
    }
    const { toManifests } = await import('../manifests/manifest-text.ts');
    yield { type: 'note', message: 'Nobody was asked: whether there is quota, and whether what is named is there, is not known.' };
    yield { type: 'text', text: toManifests(documents) };
    yield { type: 'result', result: { apiVersion: 'v1', kind: 'List', items: documents.map(({ object }) => object) }, summary: [] };
  },
});

/** A Workspace of a file, or what flags alone say. */
type Wish = Pick<OpenedWorkspace, 'kind' | 'name' | 'namespace' | 'presetName'> & Partial<Pick<OpenedWorkspace, 'read' | 'readPods'>>;

/** What becomes of one Workspace. */
interface Rendered {
  summary: { name: string; namespace: string; nodeCount: number; instanceType?: string };
  parallelism: Parallelism;
  documents: ManifestDocument[];
  warnings: string[];
}

const summaryOf = ({ metadata }: Pick<Workspace, 'metadata'>, nodeCount: number, instanceType: string | undefined): Rendered['summary'] => ({ name: metadata.name, namespace: metadata.namespace, nodeCount, ...(instanceType === undefined ? {} : { instanceType }) });

const toProblem = ({ reason, message, fact, hints }: KaitoError) => ({ code: reason, severity: 'error', message: [message, fact].filter(Boolean).join('\n'), fix: hints.join('\n') });

/** All that is wrong with all of them. */
const join = (refusals: readonly KaitoError[], count: number): KaitoError => {
  const [first] = refusals;
  if (first && refusals.length === 1) return first;
  return new UsageError(`${refusals.length} of ${count} Workspaces cannot be rendered.`, {
    reason: 'InvalidWorkspace',
    fact: refusals.map(({ message, fact }) => [message, fact].filter(Boolean).join('\n')).join('\n'),
    hints: [...new Set(refusals.flatMap(({ hints }) => hints))],
    remarks: refusals.flatMap(({ remarks }) => remarks),
  });
};

const drain = async <T>(events: AsyncGenerator<unknown, T>): Promise<T> => {
  for (;;) {
    const next = await events.next();
    if (next.done) return next.value;
  }
};
