import { findInstanceType, findRetiredInstanceType, suggestInstanceTypes } from '../domain/azure-instance-types.ts';
import { UsageError } from '../domain/errors.ts';
import { provisionerNames, type ProvisionerName } from '../provisioners/index.ts';
import { whyBasis, whyFlag, type Basis } from './basis.ts';

/** `key=value,key=value`, as the labels that nodes must carry. */
const parseNodeSelector = (text: string): Record<string, string> => {
  const labels: Record<string, string> = {};
  for (const part of text.split(',')) {
    const [, key, value] = /^([^=!]+)==?([^=]*)$/.exec(part.trim()) ?? [];
    if (!key || value === undefined) {
      throw new UsageError(`--nodes takes labels as key=value, and was given ${JSON.stringify(part)}.`, { reason: 'InvalidSelector', hints: ['For example: --nodes accelerator=nvidia,pool=gpu'] });
    }
    labels[key] = value;
  }
  return labels;
};

export interface NodeFlags {
  provisioner?: string | undefined;
  nodes?: string | undefined;
  instanceType?: string | undefined;
}

export interface NodeChoice {
  provisioner: ProvisionerName;
  why: string;
  /** Labels of existing nodes; absent for new ones. */
  selector?: Record<string, string>;
  instanceType?: string;
  instanceTypeWhy?: string;
}

/** Where the nodes come from: as the flags say, else as before, else new ones of the instance type that turns out best. */
export const chooseNodes = (flags: NodeFlags, stored: Basis | undefined): NodeChoice => {
  const given = flags.nodes === undefined ? undefined : parseNodeSelector(flags.nodes);
  const before = stored && stored.workspace.resource.instanceType === undefined && flags.instanceType === undefined ? stored.workspace.resource.labelSelector.matchLabels : undefined;
  const { name, why } = parseProvisioner(flags.provisioner, given !== undefined, before && stored ? whyBasis(stored) : undefined);
  if (name === 'byo') {
    if (flags.instanceType !== undefined) throw new UsageError('--instance-type names new nodes, and existing ones are to be used.', { hints: ['Leave out --instance-type, or --nodes.'] });
    const selector = given ?? before;
    if (!selector) throw new UsageError('--provisioner byo uses existing nodes, and needs to know which.', { hints: ['Add --nodes <key=value>.'] });
    return { provisioner: name, why, selector };
  }
  const instanceType = flags.instanceType === undefined ? (stored?.file ? canonicalInstanceType(stored.workspace.resource.instanceType) : stored?.workspace.resource.instanceType) : parseInstanceType(flags.instanceType);
  return { provisioner: name, why, ...(instanceType === undefined ? {} : { instanceType, instanceTypeWhy: flags.instanceType === undefined && stored ? whyBasis(stored) : whyFlag('--instance-type', stored) }) };
};

const parseProvisioner = (text: string | undefined, hasNodes: boolean, whyBefore: string | undefined): { name: ProvisionerName; why: string } => {
  if (text === undefined) {
    if (hasNodes) return { name: 'byo', why: '--nodes' };
    return whyBefore !== undefined ? { name: 'byo', why: whyBefore } : { name: 'aks', why: 'default' };
  }
  const name = provisionerNames.find((candidate) => candidate === text.toLowerCase());
  if (!name) throw new UsageError(`There is no provisioner ${JSON.stringify(text)}.`, { hints: [`Choose one of: ${provisionerNames.join(', ')}.`] });
  if (name === 'aks' && hasNodes) throw new UsageError('--nodes names existing nodes, and --provisioner aks makes new ones.', { hints: ['Leave one of them out.'] });
  return { name, why: '--provisioner' };
};

/** `A,B` are tried in that order; undefined leaves the choice open. */
export const splitInstanceTypes = (text: string | undefined): readonly (string | undefined)[] => (text === undefined ? [undefined] : text.split(',').map((name) => name.trim()));

/** In canonical case, because KAITO compares it exactly with the node's label. */
export const parseInstanceType = (text: string): string => {
  const found = findInstanceType(text);
  if (found?.gpuVendor === 'NVIDIA') return found.name;
  const retired = findRetiredInstanceType(text);
  if (found) throw new UsageError(`${found.name} has ${found.gpuModel} GPUs, and the images need NVIDIA's.`, { reason: 'UnsupportedInstanceType', hints: ['kaito-ts instance-types'] });
  throw new UsageError(`${JSON.stringify(text)} is no instance type that can be used.`, {
    reason: 'UnknownInstanceType',
    ...(retired ? { fact: `${text} ${retired.reason}.` } : {}),
    hints: [...nearest(text), 'kaito-ts instance-types'],
  });
};

const canonicalInstanceType = (text: string | undefined): string | undefined => (text === undefined ? undefined : parseInstanceType(text));

const nearest = (text: string): string[] => {
  const names = suggestInstanceTypes(text);
  return names.length === 0 ? [] : [`Use ${names.map((name) => `--instance-type ${name}`).join(' or ')}.`];
};
