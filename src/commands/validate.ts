import { defineCommand, type Context } from '../cli/command.ts';
import { choice, text, texts, toggle } from '../cli/options.ts';
import { AccessError, exitCodes, UsageError } from '../domain/errors.ts';
import { clouds, nodeProvisioners, type Environment } from '../validation/environment.ts';
import { createFacts, factKinds, type FactKind } from '../validation/facts.ts';
import type { JsonMap } from '../validation/json.ts';
import type { Verdict } from '../validation/problem.ts';

export default defineCommand({
  summary: 'Judge Workspace files without touching anything: what KAITO would refuse, and what would fail later',
  description: [
    'Every problem is told at once, with its line, KAITO’s own words where KAITO has the rule, and what to write instead. ConfigMaps, Secrets, Nodes and StorageClasses in the same files are taken as facts; with --cluster-facts the cluster is asked for them.',
    'Exit code 2 when a document is refused; warnings alone are 0.',
  ].join('\n\n'),
  usesCluster: true,
  arguments: [],
  options: {
    filename: texts('-f, --filename <file>', 'a file, a directory, or - for stdin; may be repeated'),
    against: text('--against <file>', 'the stored Workspaces that these would replace: the rules of an update are asked'),
    cloud: choice('--cloud <name>', 'cloud of the operator', clouds, 'azure'),
    nodeProvisioner: choice('--node-provisioner <name>', 'how the operator gets nodes', nodeProvisioners),
    featureGates: texts('--feature-gates <gate=true>', 'gates of the operator that differ from its defaults'),
    clusterFacts: toggle('--cluster-facts', 'read ConfigMaps, Secrets, Nodes and StorageClasses from the cluster'),
  },
  examples: ['validate -f workspace.yaml', 'validate -f - -o ndjson', 'validate -f new.yaml --against stored.yaml', 'validate -f workspaces/ -o github', 'validate -f workspaces/ --node-provisioner byo --cluster-facts'],
  async *run({ options }, context) {
    if (options.filename.length === 0) throw new UsageError('Say what to judge.', { reason: 'MissingOption', hints: ['kaito-ts validate -f <file, directory or ->'] });
    const [{ readWorkspaceFiles }, { openFiles }, { identityOf, isJudged, judge }, { renderVerdict, summarise, toRemarks }, presets] = await Promise.all([
      import('../validation/files.ts'),
      import('../validation/open-files.ts'),
      import('../validation/judge.ts'),
      import('../validation/verdict-text.ts'),
      context.presets(),
    ]);
    const readers = openFiles(() => context.terminal.readAll(context.signal));
    const documents = await readWorkspaceFiles(options.filename, readers);
    const judged = documents.filter(isJudged);
    if (judged.length === 0) throw new UsageError(`There is no Workspace in ${options.filename.join(', ')}.`, { reason: 'NothingToJudge', hints: ['A Workspace has apiVersion: kaito.sh/v1beta1 and kind: Workspace.'] });

    const environment = await toEnvironment(options, context);
    const stored = options.against === undefined ? [] : await readStored(await readWorkspaceFiles([options.against], readers), options.against);
    const storedByIdentity = new Map(stored.map((content) => [identityKey(identityOf(content, environment)), content]));
    const contents = judged.flatMap(({ content }) => (content ? [content] : []));
    const fromCluster = options.clusterFacts ? await readClusterFacts(contents, environment, context) : { objects: [], complete: [] };
    const given = documents.flatMap(({ content }) => (content ? [content] : []));
    // What is in the files is what will be applied, and counts before what is there.
    const facts = createFacts({ presets, objects: [...fromCluster.objects, ...given], complete: fromCluster.complete, namespace: environment.namespace });

    const verdicts: Verdict[] = [];
    for (const document of judged) {
      const verdict = judge(document, environment, facts, document.content && storedByIdentity.get(identityKey(identityOf(document.content, environment))));
      verdicts.push(verdict);
      yield { type: 'item', item: verdict, text: renderVerdict(verdict), remarks: toRemarks(verdict) };
    }
    const { result, line } = summarise(verdicts);
    yield { type: 'result', result, summary: [line] };
    if (result.invalid > 0) yield { type: 'exit', exitCode: exitCodes.usage };
  },
});

const identityKey = ({ name, namespace }: { name: string; namespace: string }): string => `${namespace}/${name}`;

interface EnvironmentOptions {
  cloud: Environment['cloud'];
  nodeProvisioner: Environment['nodeProvisioner'] | undefined;
  featureGates: string[];
  clusterFacts: boolean;
}

const toEnvironment = async ({ cloud, nodeProvisioner, featureGates, clusterFacts }: EnvironmentOptions, context: Context): Promise<Environment> => {
  const gates = Object.fromEntries(
    featureGates.map((gate) => {
      const [, name = '', value = ''] = /^(\w+)=(true|false)$/.exec(gate) ?? [];
      if (name === '') throw new UsageError(`--feature-gates takes <gate>=true or <gate>=false, and was given ${JSON.stringify(gate)}.`, { hints: ['For example: --feature-gates enableMIG=true'] });
      return [name, value === 'true'] as const;
    }),
  );
  const namespace = context.globals.namespace ?? (clusterFacts ? (await context.cluster()).target.namespace : 'default');
  // The flag goes before the gate, as in the operator.
  return { cloud, nodeProvisioner: nodeProvisioner ?? (gates['disableNodeAutoProvisioning'] ? 'byo' : 'azure-gpu-provisioner'), featureGates: gates, namespace, isForOperator: true };
};

const readStored = async (documents: readonly { content?: JsonMap; broken: readonly { message: string }[] }[], file: string): Promise<JsonMap[]> => {
  const [problem] = documents.flatMap(({ broken }) => broken);
  if (problem) throw new UsageError(`${file} cannot be read.`, { reason: 'UnreadableFile', fact: problem.message });
  const workspaces = documents.flatMap(({ content }) => (content?.['kind'] === 'Workspace' ? [content] : []));
  if (workspaces.length === 0) throw new UsageError(`There is no Workspace in ${file}.`, { reason: 'NothingToJudge', hints: ['kubectl get workspaces -o yaml > stored.yaml'] });
  return workspaces;
};

/** What the documents may name, in their namespaces. What may not be read stays unknown. */
const readClusterFacts = async (contents: readonly JsonMap[], environment: Environment, context: Context): Promise<{ objects: JsonMap[]; complete: FactKind[] }> => {
  const [{ identityOf }, { isGateOpen }, { namedSecrets }] = await Promise.all([import('../validation/judge.ts'), import('../validation/environment.ts'), import('../validation/rules/references.ts')]);
  const cluster = await context.cluster();
  const { signal } = context;
  const namespaces = [...new Set(contents.map((content) => identityOf(content, environment).namespace))];
  const secrets = contents.flatMap((content) => namedSecrets(content).map((name) => ({ name, namespace: identityOf(content, environment).namespace })));
  const readings: Partial<Record<FactKind, Promise<object[]>>> = {
    ConfigMap: Promise.all(namespaces.map((namespace) => cluster.list('ConfigMap', { namespace, signal }))).then((lists) => lists.flat()),
    Secret: Promise.all(secrets.map(({ name, namespace }) => cluster.get('Secret', name, { namespace, signal }))).then((found) => found.filter((secret) => secret !== undefined)),
    Node: cluster.list('Node', { signal }),
    StorageClass: cluster.list('StorageClass', { signal }),
    // Nothing else asks for it.
    ...(isGateOpen(environment, 'ModelStreaming') ? { CSIDriver: cluster.list('CSIDriver', { signal }) } : {}),
  };
  const read = await Promise.all(Object.entries(readings).map(async ([kind, reading]) => ({ kind, objects: await readable(reading) })));
  return {
    objects: read.flatMap(({ kind, objects }) => (objects ?? []).map((object) => ({ ...object, kind }))),
    complete: factKinds.filter((kind) => read.some((one) => one.kind === kind && one.objects !== undefined)),
  };
};

const readable = async (reading: Promise<object[]>): Promise<object[] | undefined> => {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof AccessError) return undefined;
    throw error;
  }
};
