import { findMachinePrice, instanceTypesOf, type CloudName } from '../domain/clouds.ts';
import type { GpuMachine } from '../domain/instance-type.ts';
import type { Preset, TuningSettings } from '../domain/preset.ts';
import type { TuningMethod } from '../domain/workspace.ts';
import { estimateNodes } from './estimate-nodes.ts';
import { estimateTuningMemory, judgeTuningMemory } from './estimate-tuning-memory.ts';

export interface RankRequest {
  cloud: CloudName;
  region: string;
  purpose: Purpose;
  /** Only these; absent: all of the cloud. */
  machines?: readonly GpuMachine[];
}

export type Purpose =
  /** The server is sized for such contexts; absent: KAITO's 2048. */
  | { kind: 'serving'; preset: Preset; contextLengthTokens?: number }
  /** Examples are cut to that length; absent: the trainer's 1024. */
  | { kind: 'tuning'; tuning: TuningSettings; method: TuningMethod; contextLengthTokens?: number };

export interface RankedInstanceType {
  machine: GpuMachine;
  /** Tight: it may run out of memory with an unlucky dataset. */
  verdict: 'fits' | 'tight' | 'no';
  nodeCount?: number;
  /** Serving: of all GPUs together. Tuning: of the one GPU that trains. Absent when that depends on what does not fit. */
  neededGiB?: number;
  /** For all nodes; absent when no price is known. */
  perHourUsd?: number;
  /** As the end of a sentence about the machine, when it does not fit or only just. */
  reason?: string;
}

/** What fits, the cheapest first and what has no price last; then the rest, each with the reason, in the order of the table. */
export const rankInstanceTypes = ({ cloud, region, purpose, machines = instanceTypesOf[cloud] }: RankRequest): RankedInstanceType[] => {
  const ranked = machines.map((machine): RankedInstanceType => {
    const fit = judge(machine, purpose);
    const price = findMachinePrice(cloud, machine.name, region);
    return { machine, ...fit, ...(price === undefined || fit.nodeCount === undefined ? {} : { perHourUsd: price.usdPerHour * fit.nodeCount }) };
  });
  const rest = ranked.filter(({ verdict }) => verdict === 'no');
  return [...ranked.filter(({ verdict }) => verdict !== 'no').sort(byPrice), ...rest];
};

const judge = (machine: GpuMachine, purpose: Purpose): Omit<RankedInstanceType, 'machine' | 'perHourUsd'> => {
  if (machine.gpuVendor !== 'NVIDIA') return { verdict: 'no', reason: `has ${machine.gpuModel}, and the images need NVIDIA's GPUs` };
  return purpose.kind === 'serving' ? judgeServing(machine, purpose) : judgeTuning(machine, purpose);
};

const judgeServing = ({ gpuCount, gpuMemoryGiB }: GpuMachine, { preset, contextLengthTokens }: Purpose & { kind: 'serving' }): ReturnType<typeof judge> => {
  const estimate = estimateNodes({ preset, gpuCount, gpuMemoryGiB: gpuMemoryGiB / gpuCount, ...(contextLengthTokens === undefined ? {} : { contextLengthTokens }) });
  return 'refusal' in estimate ? { verdict: 'no', reason: estimate.refusal } : { verdict: 'fits', nodeCount: estimate.nodeCount, neededGiB: estimate.neededGiB };
};

const judgeTuning = ({ gpuCount, gpuMemoryGiB }: GpuMachine, { tuning, method, contextLengthTokens }: Purpose & { kind: 'tuning' }): ReturnType<typeof judge> => {
  const memory = estimateTuningMemory({ tuning, method, overrides: contextLengthTokens === undefined ? {} : { max_length: contextLengthTokens } });
  const { verdict, message } = judgeTuningMemory(memory, gpuMemoryGiB / gpuCount);
  if (verdict === 'too large') return { verdict: 'no', neededGiB: memory.gib, reason: message };
  return { verdict, nodeCount: 1, neededGiB: memory.gib, ...(verdict === 'tight' ? { reason: `${message}: it may run out of memory` } : {}) };
};

/** Among those of one price, or of none, the fewest nodes and the least hardware. */
const byPrice = (left: RankedInstanceType, right: RankedInstanceType): number =>
  compare(left.perHourUsd ?? Number.POSITIVE_INFINITY, right.perHourUsd ?? Number.POSITIVE_INFINITY) ||
  compare(left.nodeCount ?? 0, right.nodeCount ?? 0) ||
  compare(memoryOf(left), memoryOf(right)) ||
  left.machine.name.localeCompare(right.machine.name, 'en', { numeric: true });

const memoryOf = ({ machine, nodeCount = 1 }: RankedInstanceType): number => machine.gpuMemoryGiB * nodeCount;

const compare = (left: number, right: number): number => (left === right ? 0 : left - right);
