import { azureInstanceTypes } from '../../domain/azure-instance-types.ts';
import type { CloudName } from '../environment.ts';

/** Memory of all GPUs of a machine, in GiB, by its name in KAITO's letter case. */
export type Machines = ReadonlyMap<string, { name: string; gpuMemoryGiB: number }>;

const toMachines = (entries: Iterable<readonly [string, number]>): Machines => new Map([...entries].map(([name, gpuMemoryGiB]) => [name.toLowerCase(), { name, gpuMemoryGiB }]));

/** Sizes of a family that have the same memory: `family: [size...]`. */
const family = (name: string, sizesByGiB: Readonly<Record<number, string>>): (readonly [string, number])[] =>
  Object.entries(sizesByGiB).flatMap(([gib, sizes]) => sizes.split(' ').map((size) => [`${name}.${size}`, Number(gib)] as const));

/** https://github.com/kaito-project/kaito/blob/056b8280/pkg/sku/aws_sku_handler.go */
const aws = toMachines([
  ...family('p4d', { 320: '24xlarge' }),
  ...family('p4de', { 640: '24xlarge' }),
  ...family('p5', { 640: '48xlarge' }),
  ...family('p5e', { 1128: '48xlarge' }),
  ...family('p5en', { 1128: '48xlarge' }),
  ...family('g6', { 24: 'xlarge 2xlarge 4xlarge 8xlarge 16xlarge', 96: '12xlarge 24xlarge', 192: '48xlarge' }),
  ...family('gr6', { 24: '4xlarge 8xlarge' }),
  ...family('g5', { 24: 'xlarge 2xlarge 4xlarge 8xlarge 16xlarge', 96: '12xlarge 24xlarge', 192: '48xlarge' }),
  ...family('g4ad', { 8: 'xlarge 2xlarge 4xlarge', 16: '8xlarge', 32: '16xlarge' }),
  ...family('trn1', { 32: '2xlarge', 512: '32xlarge' }),
  ...family('trn1n', { 512: '32xlarge' }),
  ...family('inf2', { 32: 'xlarge 8xlarge', 192: '24xlarge', 384: '48xlarge' }),
]);

/** https://github.com/kaito-project/kaito/blob/056b8280/pkg/sku/arc_sku_handker.go */
const arc = toMachines(['A2', 'A16'].flatMap((gpu) => [4, 8, 16, 32].map((cpus) => [`Standard_NC${cpus}_${gpu}`, cpus < 16 ? 16 : 32] as const)));

const azure = toMachines(azureInstanceTypes.map(({ name, gpuMemoryGiB }) => [name, gpuMemoryGiB]));

export const machinesOf: Readonly<Record<CloudName, Machines>> = { azure, aws, arc };

/** What the webhook lets through unseen: the prefixes of Azure's GPU and general machines. */
export const isAzurePrefix = (name: string): boolean => /^standard_[nd]/i.test(name);
