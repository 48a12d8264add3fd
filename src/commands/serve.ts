import { defineCommand } from '../cli/command.ts';
import { besideFile } from '../cli/file-fields.ts';
import { choice, duration, text, texts } from '../cli/options.ts';
import { namespaceFlag } from '../cli/globals.ts';
import { runOptions } from '../cli/run-options.ts';
import { ownAnnotation } from '../domain/annotations.ts';
import type { Event } from '../domain/event.ts';

export default defineCommand({
  summary: 'Serve a model, with adapters if you like, and wait until it answers',
  description:
    'Shows what will happen and what it costs, adds GPU nodes, submits the inference workload and its Service, and is done when /health answers through the cluster. The nodes cost money until the workspace is deleted. Run again, it changes what differs, or says that nothing does.',
  usesCluster: true,
  arguments: [{ usage: '[name]', description: 'name of the workspace; default: the preset' }],
  options: {
    preset: text('--preset <name>', 'the model: a preset, an alias or any Hugging Face id'),
    adapter: texts('--adapter <name|name=image>', 'a tuning of this namespace, or an adapter image under a name; may be repeated', { defaultText: 'those that are served already; none takes them away' }),
    adapterSecret: text('--adapter-secret <name>', 'Secret with the credentials to pull adapter images'),
    runtime: choice('--runtime <name>', 'what serves the model', ['vllm', 'transformers']),
    modelAccessSecret: text('--model-access-secret <name>', 'Secret with the key HF_TOKEN, for gated models'),
    config: text('--config <name>', 'ConfigMap with your own inference_config.yaml'),
    timeout: duration('--timeout <duration>', 'how long the server may take from weights to first answer'),
    ...runOptions,
  },
  examples: ['serve --preset phi-3-mini', 'serve --preset phi-3-mini --adapter phi-3-mini-128k-instruct-qlora', 'serve llama --preset llama-3.1-8b-instruct --model-access-secret hf-token --dry-run', 'serve -f workspace.yaml'],
  async *run({ arguments: [name], options: given, origins }, context) {
    const options = besideFile(given, origins);
    const [{ toServingRequest, servingName, parseAdapters }, { nothingRecorded, servingOverrides }, { openWorkspace }, { resolvePreset }, { newImages, planServing }, { observe }, { readRecord }, { readTunings }, { execute }, { tryInOrder }, { splitInstanceTypes }, { azureHint }, { knownModels }, { presetReference }, { askForImages }] = await Promise.all([
      import('../plan/serving-request.ts'),
      import('../plan/basis.ts'),
      import('../validation/open-workspace.ts'),
      import('../plan/resolve-preset.ts'),
      import('../plan/plan-serving.ts'),
      import('../flow/observe.ts'),
      import('../flow/read-record.ts'),
      import('../flow/read-tunings.ts'),
      import('../flow/execute.ts'),
      import('../flow/fall-back.ts'),
      import('../plan/run-settings.ts'),
      import('../cli/azure-hint.ts'),
      import('../cli/known-models.ts'),
      import('../domain/preset-catalogue.ts'),
      import('../registry/ask.ts'),
    ]);
    const { signal, clock } = context;
    const flags = { ...options, name, nodeTimeoutMs: options.nodeTimeout, readinessTimeoutMs: options.timeout, wait: !options.noWait };
    const file =
      options.filename.length === 0
        ? undefined
        : await openWorkspace(options.filename, 'inference', { name, readStdin: () => context.terminal.readAll(signal), overrides: () => servingOverrides(flags), namespaceFlag: namespaceFlag(context.globals), provisioner: options.provisioner });
    const wantedPreset = options.preset ?? file?.presetName;
    const catalogue = yield* knownModels(context, wantedPreset);
    // What is wrong with a file is told before anything else, for its preset may be what is wrong.
    const draft = file?.read(catalogue, 'default').basis;
    // What is wrong with the command line is told before anything is asked of anybody.
    const named = wantedPreset === undefined ? undefined : resolvePreset(catalogue, wantedPreset).preset;
    const tuningNames = parseAdapters(options.adapter).flatMap((adapter) => (adapter.kind === 'tuning' ? [adapter.name] : []));
    const instanceTypes = splitInstanceTypes(options.instanceType);
    for (const instanceType of instanceTypes) toServingRequest({ ...flags, instanceType, adapter: [], preset: wantedPreset ?? catalogue[0]?.name }, 'default', catalogue, draft, {});
    const cluster = await context.cluster(file?.namespace);
    const written = file?.read(catalogue, cluster.target.namespace);
    for (const message of written?.warnings ?? []) yield { type: 'warning', message };
    const workspaceName = name ?? written?.basis.workspace.metadata.name ?? (named && servingName({ name }, named));
    yield* tryInOrder(instanceTypes, async function* attempt(instanceType): AsyncGenerator<Event, void> {
      const stored = workspaceName === undefined ? undefined : await readRecord(cluster, workspaceName, signal);
      if (name !== undefined && wantedPreset === undefined && stored === undefined) throw nothingRecorded(name, cluster.target.namespace);
      const before = stored?.workspace.inference?.preset.name;
      // What is served already stays at its commit: only its owner moves it, by deleting it first.
      const isSame = before !== undefined && (named === undefined || presetReference(named) === before);
      const models = isSame ? yield* knownModels(context, before, stored?.workspace.metadata.annotations?.[ownAnnotation.modelCommit]) : catalogue;
      const keptNames = options.adapter.length > 0 ? [] : (stored?.workspace.inference?.adapters ?? []).flatMap(({ source }) => source.name ?? []);
      const tunings = await readTunings(cluster, [...tuningNames, ...keptNames], signal);
      const request = toServingRequest({ ...flags, instanceType }, cluster.target.namespace, models, written?.basis ?? stored, tunings);
      const { inference } = request.workspace;
      const secrets = [inference?.preset.presetOptions?.modelAccessSecret, ...request.adapters.flatMap(({ imagePullSecrets = [] }) => imagePullSecrets)].filter((secret) => secret !== undefined);
      const facts = await observe(
        request.workspace,
        cluster,
        {
          kinds: ['Deployment', 'StatefulSet', 'Service', 'ConfigMap'],
          secrets: [...new Set(secrets)],
          pulls: askForImages(newImages(request.workspace, stored?.workspace), signal),
          ...(request.provisioner === 'aks' ? { azure: context.cloud, azureHint: azureHint(context.globals) } : {}),
        },
        signal,
      );
      const plan = planServing(request, facts, await context.templates(options.templates));
      yield { type: 'planned', plan, dryRun: options.dryRun };
      if (options.dryRun) return;
      yield* execute(plan, facts.record, { cluster, ...(facts.azure ? { azure: { cloud: await context.cloud(), managedCluster: facts.azure.cluster } } : {}), clock, signal });
      const { name: servedName, namespace } = plan.workspace.metadata;
      const endpoint = `http://${servedName}.${namespace}.svc.cluster.local/v1`;
      const chat = `kaito-ts chat ${servedName}`;
      yield {
        type: 'result',
        result: { name: servedName, namespace, model: request.preset.name, adapters: request.adapters.map((adapter) => adapter.name), endpoint, chat, ready: !options.noWait },
        summary: [`endpoint: ${endpoint}`, `talk to it: ${chat}`],
        hints: plan.cost ? [`It costs $${plan.cost.perHourUsd.toFixed(2)} an hour until: kaito-ts delete ${servedName}`] : [],
      };
    });
  },
});
