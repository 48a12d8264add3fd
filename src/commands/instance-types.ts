import { defineCommand } from '../cli/command.ts';
import { choice, count, text } from '../cli/options.ts';
import type { Event } from '../domain/event.ts';
import type { GpuMachine } from '../domain/instance-type.ts';
import type { Preset } from '../domain/preset.ts';
import type { RankedInstanceType } from '../plan/rank-instance-types.ts';

export default defineCommand({
  summary: 'List the GPU machines that can be rented, or rank them by what a model would cost on them',
  description:
    'With --preset, what serves the model comes first, the cheapest first, each with the number of nodes it takes; with --method too, what tunes it, on one GPU. The rest follows with the reason why not. Prices are list prices of Azure: an estimate, and never a bill.',
  usesCluster: false,
  arguments: [{ usage: '[name]', description: 'one of them, or one that is out of use to see what took its place' }],
  options: {
    preset: text('--preset <name>', 'rank for this model: a preset, an alias or any Hugging Face id'),
    method: choice('--method <method>', 'rank for tuning instead of serving', ['lora', 'qlora']),
    contextLength: count('--context-length <tokens>', 'longest context to serve, or longest training example', { defaultText: '2048, or 1024' }),
    cloud: choice('--cloud <name>', 'whose machines', ['azure', 'aws', 'arc']),
    region: text('--region <name>', 'region of the prices', { defaultText: 'eastus' }),
  },
  examples: ['instance-types', 'instance-types --preset llama-3.3-70b-instruct --context-length 32768', 'instance-types --preset phi-4 --method qlora', 'instance-types Standard_NC6s_v3', 'instance-types --region westeurope -o json'],
  async *run({ arguments: [name], options, origins }, context): AsyncGenerator<Event, void> {
    const [{ findMachinePrice, instanceTypesOf }, { foldRegion, pricedRegions }, { lookUpInstanceType }] = await Promise.all([import('../domain/clouds.ts'), import('../domain/azure-prices.ts'), import('../plan/look-up-instance-type.ts')]);
    const { region = 'eastus', preset: wanted, method, contextLength: contextLengthTokens } = options;
    const found = name === undefined ? undefined : lookUpInstanceType(name, options.cloud);
    const cloud = found?.cloud ?? options.cloud ?? 'azure';
    const machines = found ? [found.machine] : instanceTypesOf[cloud];
    const replaces = found?.replaces;
    // Last, so that a stream of rows begins with a row.
    const warnings: Event[] = [
      ...(replaces ? [{ type: 'warning' as const, message: `${replaces.name} ${replaces.reason}. Take ${machines[0]?.name ?? ''} instead.` }] : []),
      ...(cloud === 'azure' && !pricedRegions().includes(foldRegion(region)) ? [{ type: 'warning' as const, ...(await aboutRegion(region)) }] : []),
    ];
    const price = (machine: GpuMachine) => findMachinePrice(cloud, machine.name, region);
    if (wanted === undefined) {
      // Settings that are there for other commands are no mistake here.
      if (origins.method.from === 'flag' || origins.contextLength.from === 'flag') await refuseWithoutPreset();
      yield list(machines.map((machine) => ({ ...machine, price: price(machine) })), { cloud, region, isOne: found !== undefined, ...(replaces ? { replaces } : {}) });
      yield* warnings;
      return;
    }
    const [{ rankInstanceTypes }, { resolvePreset }, { knownModels }, { cannotBeTuned, tuningSettingsOf }, { isHubModel }] = await Promise.all([
      import('../plan/rank-instance-types.ts'),
      import('../plan/resolve-preset.ts'),
      import('../cli/known-models.ts'),
      import('../plan/plan-tuning.ts'),
      import('../domain/preset-catalogue.ts'),
    ]);
    const catalogue = await context.presets();
    // No model of the hub can be tuned, so none is asked for.
    if (method !== undefined && isHubModel(catalogue, wanted)) throw cannotBeTuned(wanted, catalogue);
    const { preset } = resolvePreset(yield* knownModels(context, wanted), wanted);
    if (method === undefined && contextLengthTokens !== undefined && contextLengthTokens > preset.contextLengthTokens) await refuseLength(preset, contextLengthTokens);
    const length = contextLengthTokens === undefined ? {} : { contextLengthTokens };
    const purpose = method === undefined ? { kind: 'serving' as const, preset, ...length } : { kind: 'tuning' as const, tuning: tuningSettingsOf(preset, catalogue), method, ...length };
    yield rankTable(rankInstanceTypes({ cloud, region, purpose, machines }), { cloud, region, preset: preset.huggingFaceId, ...(method === undefined ? {} : { method }), ...length, ...(replaces ? { replaces } : {}) });
    yield* warnings;
  },
});

/** Azure has more regions than these, so a name is not refused. */
const aboutRegion = async (region: string): Promise<{ message: string; hints: string[] }> => {
  const [{ closest, distance }, { foldRegion, pricedRegions, priceListDay }] = await Promise.all([import('fastest-levenshtein'), import('../domain/azure-prices.ts')]);
  const regions = pricedRegions();
  const nearest = closest(foldRegion(region), regions);
  return {
    message: `No list prices are known in a region ${JSON.stringify(region)}.`,
    hints: [...(distance(foldRegion(region), nearest) <= 3 ? [`Did you mean --region ${nearest}?`] : []), `Azure's price list of ${priceListDay} has GPU machines in: ${regions.join(', ')}.`],
  };
};

const refuseWithoutPreset = async (): Promise<never> => {
  const { UsageError } = await import('../domain/errors.ts');
  throw new UsageError('--method and --context-length rank machines for a model, and need to know which.', { reason: 'MissingOption', hints: ['Add --preset <name>.', 'kaito-ts presets'] });
};

const refuseLength = async ({ name, contextLengthTokens }: Preset, wanted: number): Promise<never> => {
  const { UsageError } = await import('../domain/errors.ts');
  throw new UsageError(`${name} has a context of ${contextLengthTokens} tokens, and ${wanted} were asked for.`, { reason: 'ContextTooLong', hints: [`--context-length ${contextLengthTokens}`] });
};

type PricedMachine = GpuMachine & { price: { usdPerHour: number } | undefined; vCpuCount?: number; quotaFamily?: string };

const list = (items: readonly PricedMachine[], { cloud, region, isOne, replaces }: { cloud: string; region: string; isOne: boolean; replaces?: object }): Event => {
  const isAzure = cloud === 'azure';
  return {
    type: 'table',
    columns: ['NAME', 'GPUS', 'GPU', 'GPU MEMORY', ...(isAzure ? ['VCPUS', 'QUOTA FAMILY', `$/HOUR IN ${region.toUpperCase()}`] : [])],
    rows: items.map(({ name, gpuCount, gpuModel, gpuMemoryGiB, vCpuCount, quotaFamily, price }) => [
      name,
      String(gpuCount),
      gpuModel,
      `${gpuMemoryGiB} GiB`,
      ...(isAzure ? [String(vCpuCount ?? ''), quotaFamily ?? '', price ? price.usdPerHour.toFixed(2) : 'unknown'] : []),
    ]),
    data: isOne ? { ...items[0], cloud, region, ...(replaces ? { replaces } : {}) } : { items, cloud, region },
    each: items.map((item) => ({ ...item, cloud, region, ...(replaces ? { replaces } : {}) })),
  };
};

const rankTable = (ranked: readonly RankedInstanceType[], about: { cloud: string; region: string } & Record<string, unknown>): Event => {
  const items = ranked.map(({ machine, nodeCount, verdict, ...figures }) => ({ ...machine, fits: verdict !== 'no', verdict, ...(nodeCount === undefined ? {} : { nodes: nodeCount }), ...figures }));
  return {
    type: 'table',
    columns: ['NAME', 'NODES', 'GPUS', 'GPU MEMORY', 'NEED', `$/HOUR${about.cloud === 'azure' ? ` IN ${about.region.toUpperCase()}` : ''}`, 'FITS'],
    rows: ranked.map(({ machine: { name, gpuCount, gpuMemoryGiB }, verdict, nodeCount, neededGiB, perHourUsd, reason }) => [
      name,
      nodeCount === undefined ? '-' : String(nodeCount),
      String(gpuCount * (nodeCount ?? 1)),
      gpuCount * (nodeCount ?? 1) === 1 ? `${gpuMemoryGiB} GiB` : `${gpuCount * (nodeCount ?? 1)} x ${gpuMemoryGiB / gpuCount} GiB`,
      neededGiB === undefined ? '-' : `${neededGiB.toFixed(1)} GiB`,
      nodeCount === undefined ? '-' : perHourUsd === undefined ? 'unknown' : perHourUsd.toFixed(2),
      { fits: 'yes', tight: `tight: ${reason ?? ''}`, no: `no: ${reason ?? ''}` }[verdict],
    ]),
    data: { ...about, items },
    each: items.map((item) => ({ ...item, ...about })),
  };
};
