import { distance } from 'fastest-levenshtein';
import { arcInstanceTypes } from './arc-instance-types.ts';
import { awsInstanceTypes } from './aws-instance-types.ts';
import { azureInstanceTypes } from './azure-instance-types.ts';
import { findPrice, type Price } from './azure-prices.ts';
import type { GpuMachine } from './instance-type.ts';

export const cloudNames = ['azure', 'aws', 'arc'] as const;
/** Where KAITO knows machines by name. */
export type CloudName = (typeof cloudNames)[number];

export const instanceTypesOf: Readonly<Record<CloudName, readonly GpuMachine[]>> = { azure: azureInstanceTypes, aws: awsInstanceTypes, arc: arcInstanceTypes };

/** In any letter case. */
export const findMachine = (name: string, clouds: readonly CloudName[] = cloudNames): { cloud: CloudName; machine: GpuMachine } | undefined => {
  const wanted = name.trim().toLowerCase();
  for (const cloud of clouds) {
    const machine = instanceTypesOf[cloud].find((candidate) => candidate.name.toLowerCase() === wanted);
    if (machine) return { cloud, machine };
  }
  return undefined;
};

/** Known for Azure alone: AWS sells in other ways, and an Arc machine is one's own. */
export const findMachinePrice = (cloud: CloudName, name: string, region: string): Price | undefined => (cloud === 'azure' ? findPrice(name, region) : undefined);

/** For "did you mean": at most three, nearest first. */
export const suggestMachines = (name: string, clouds: readonly CloudName[] = cloudNames): string[] => {
  const wanted = name.trim().toLowerCase();
  return clouds
    .flatMap((cloud) => instanceTypesOf[cloud].map((machine) => ({ name: machine.name, edits: distance(wanted, machine.name.toLowerCase()) })))
    .filter(({ edits }) => edits <= Math.max(2, wanted.length / 4))
    .sort((left, right) => left.edits - right.edits || left.name.localeCompare(right.name))
    .slice(0, 3)
    .map((found) => found.name);
};
