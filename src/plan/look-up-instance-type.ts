import { findRetiredInstanceType } from '../domain/azure-instance-types.ts';
import { cloudNames, findMachine, suggestMachines, type CloudName } from '../domain/clouds.ts';
import { NotFoundError } from '../domain/errors.ts';
import type { GpuMachine } from '../domain/instance-type.ts';

export interface FoundInstanceType {
  cloud: CloudName;
  machine: GpuMachine;
  /** What was asked for, when this is what to take in its place. */
  replaces?: { name: string; reason: string };
}

/** By a name in any letter case; a size that is of no use any more is answered with the one to take instead. */
export const lookUpInstanceType = (name: string, cloud: CloudName | undefined): FoundInstanceType => {
  const clouds = cloud === undefined ? cloudNames : [cloud];
  const found = findMachine(name, clouds);
  if (found) return found;
  const retired = clouds.includes('azure') ? findRetiredInstanceType(name) : undefined;
  const replacement = retired && findMachine(retired.replacement, ['azure']);
  if (retired && replacement) return { ...replacement, replaces: { name: name.trim(), reason: retired.reason } };
  const nearest = suggestMachines(name, clouds);
  throw new NotFoundError(`There is no instance type ${JSON.stringify(name)}${cloud === undefined ? '' : ` in the list of ${cloud}`}.`, {
    reason: 'UnknownInstanceType',
    hints: [...(nearest.length > 0 ? [`Nearest: ${nearest.join(', ')}.`] : []), `kaito-ts instance-types${cloud === undefined ? '' : ` --cloud ${cloud}`}`],
  });
};
