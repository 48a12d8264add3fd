import { defineCommand } from '../cli/command.ts';
import { besideFile } from '../cli/file-fields.ts';
import { choice, count, decimal, duration, text, texts, toggle } from '../cli/options.ts';
import { namespaceFlag } from '../cli/globals.ts';
import { runOptions } from '../cli/run-options.ts';
import type { Event } from '../domain/event.ts';
import { describeAdapter, type OwnerRecord } from '../domain/record.ts';

export default defineCommand({
  summary: 'Fine-tune a model with LoRA or QLoRA, and give the GPUs back',
  description:
    'Shows what will happen and what it costs, checks login, quota, permissions and the registry, adds GPU nodes, submits the tuning Job, follows training, pushes the adapter and removes the nodes. Run again, it goes on where it stopped.',
  usesCluster: true,
  arguments: [{ usage: '[name]', description: 'name of the workspace; default: preset and method' }],
  options: {
    preset: text('--preset <name>', 'the model: a preset, an alias or a Hugging Face id of the catalogue'),
    method: choice('--method <method>', 'how to tune', ['lora', 'qlora']),
    inputUrl: texts('--input-url <url>', 'dataset to download, in csv, json, jsonl, parquet or arrow', { defaultText: 'a small public one', keepsCommas: true }),
    inputImage: text('--input-image <image>', 'image with the dataset in /data'),
    inputImageSecret: text('--input-image-secret <name>', 'Secret with the credentials to pull it'),
    inputClaim: text('--input-claim <name>', 'PersistentVolumeClaim with the dataset'),
    outputImage: text('--output-image <image>', 'where to push the adapter'),
    outputImageSecret: text('--output-image-secret <name>', 'Secret with the credentials to push it'),
    outputClaim: text('--output-claim <name>', 'PersistentVolumeClaim to write the adapter to', { defaultText: '<name>-adapter, when no registry is set' }),
    registry: text('--registry <prefix>', 'where adapters are pushed when --output-image does not say, such as myregistry.azurecr.io/adapters'),
    storageClass: text('--storage-class <name>', 'StorageClass of a new claim', { defaultText: "the cluster's" }),
    config: text('--config <name>', 'ConfigMap with your own training_config.yaml', { defaultText: 'one is written' }),
    epochs: decimal('--epochs <number>', 'passes over the dataset', { defaultText: '1' }),
    maxSteps: count('--max-steps <count>', 'optimizer steps, instead of epochs'),
    learningRate: decimal('--learning-rate <rate>', 'learning rate'),
    rank: count('--rank <r>', 'LoRA rank', { defaultText: '8' }),
    alpha: count('--alpha <alpha>', 'LoRA alpha', { defaultText: '8' }),
    maxLength: count('--max-length <tokens>', 'longest training example, longer ones are cut', { defaultText: '1024' }),
    targetModules: texts('--target-modules <names>', 'linear layers to train', { defaultText: 'those of the preset' }),
    gradientAccumulationSteps: count('--gradient-accumulation-steps <count>', 'examples for one optimizer step'),
    ...runOptions,
    keepNodes: toggle('--keep-nodes', 'leave the GPU nodes there when tuning is over'),
    timeLimit: duration('--time-limit <duration>', 'after this the Job is stopped', 4 * 3_600_000),
  },
  examples: [
    'tune --preset phi-3-mini --method qlora',
    'tune my-tuning --preset phi-4-mini-instruct --input-url https://example.com/train.jsonl --output-image myregistry.azurecr.io/my-tuning:1 --output-image-secret acr-push',
    'tune --preset phi-3-mini --dry-run -o yaml',
    'tune -f workspace.yaml --instance-type Standard_NC24ads_A100_v4',
  ],
  async *run({ arguments: [name], options: given, origins }, context) {
    const options = besideFile(given, origins);
    const [{ toTuningFlags, toTuningRequest }, { nothingRecorded, tuningOverrides }, { openWorkspace }, { splitInstanceTypes }, { newDatasetImages, planTuning }, { observe }, { readRecord }, { execute }, { tryInOrder }, { azureHint }, { askForImages, askRegistry }] = await Promise.all([
      import('../plan/tuning-request.ts'),
      import('../plan/basis.ts'),
      import('../validation/open-workspace.ts'),
      import('../plan/run-settings.ts'),
      import('../plan/plan-tuning.ts'),
      import('../flow/observe.ts'),
      import('../flow/read-record.ts'),
      import('../flow/execute.ts'),
      import('../flow/fall-back.ts'),
      import('../cli/azure-hint.ts'),
      import('../registry/ask.ts'),
    ]);
    const { signal, clock } = context;
    const flags = toTuningFlags(options, name);
    const file =
      options.filename.length === 0
        ? undefined
        : await openWorkspace(options.filename, 'tuning', { name, readStdin: () => context.terminal.readAll(signal), overrides: () => tuningOverrides(flags), namespaceFlag: namespaceFlag(context.globals), provisioner: options.provisioner });
    const catalogue = await context.presets();
    const instanceTypes = splitInstanceTypes(options.instanceType);
    // What is wrong with the command line is told before anything is asked of anybody.
    // A name alone may stand for everything that an earlier run has recorded.
    const isRecorded = name !== undefined && options.preset === undefined && file === undefined;
    const [draft] = isRecorded ? [] : instanceTypes.map((instanceType) => toTuningRequest({ ...flags, instanceType }, 'default', catalogue, file?.read(catalogue, 'default').basis));
    const cluster = await context.cluster(file?.namespace);
    const written = file?.read(catalogue, cluster.target.namespace);
    for (const message of written?.warnings ?? []) yield { type: 'warning', message };
    yield* tryInOrder(instanceTypes, async function* attempt(instanceType): AsyncGenerator<Event, void> {
      const workspaceName = draft?.workspace.metadata.name ?? name;
      const stored = workspaceName === undefined ? undefined : await readRecord(cluster, workspaceName, signal);
      if (isRecorded && stored === undefined) throw nothingRecorded(name, cluster.target.namespace);
      const request = toTuningRequest({ ...flags, instanceType }, cluster.target.namespace, catalogue, written?.basis ?? stored);
      const { output, input } = request.workspace.tuning ?? {};
      const facts = await observe(
        request.workspace,
        cluster,
        {
          kinds: ['Job', 'ConfigMap', 'PersistentVolumeClaim'],
          secrets: [output?.imagePushSecret, ...(input?.imagePullSecrets ?? [])].filter((secret) => secret !== undefined),
          ...(request.provisioner === 'aks' ? { azure: context.cloud, azureHint: azureHint(context.globals) } : {}),
          pulls: askForImages(newDatasetImages(request.workspace, stored), signal),
          ...(output?.image === undefined ? {} : { push: askRegistry(output.image, output.imagePushSecret, signal) }),
        },
        signal,
      );
      const plan = planTuning(request, facts, await context.templates(options.templates));
      yield { type: 'planned', plan, dryRun: options.dryRun };
      if (options.dryRun) return;
      if (plan.steps.length === 0) yield { type: 'note', message: 'Nothing to do: it is done already.' };
      const record = yield* execute(plan, facts.record, { cluster, ...(facts.azure ? { azure: { cloud: await context.cloud(), managedCluster: facts.azure.cluster } } : {}), clock, signal });
      yield tuned(record, options.noWait);
    });
  },
});

const tuned = (record: OwnerRecord, isLeft: boolean): Event => {
  const { workspace, result, nodePool } = record;
  const { name, namespace } = workspace.metadata;
  const adapter = result?.adapter;
  const serve = `kaito-ts serve --preset ${workspace.tuning?.preset.name ?? ''} --adapter ${name}`;
  const isNodeLeft = nodePool !== undefined && nodePool.releasedAt === undefined;
  return {
    type: 'result',
    result: { name, namespace, state: result?.outcome ?? 'Running', ...(adapter ? { adapter } : {}), ...(result?.steps === undefined ? {} : { steps: result.steps }), ...(result?.finalLoss === undefined ? {} : { finalLoss: result.finalLoss }), serve },
    summary: adapter ? [`adapter: ${describeAdapter(adapter)}`, `serve it: ${serve}`] : [`workspace ${name} is submitted`],
    hints: [...(isLeft ? [`kaito-ts status ${name}`] : []), ...(isNodeLeft && !isLeft ? [`Agent pool ${nodePool.name} was kept and costs money: kaito-ts delete ${name}`] : [])],
  };
};
