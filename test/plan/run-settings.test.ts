import { describe, expect, it } from 'vitest';
import { chooseNodes, parseInstanceType, splitInstanceTypes, type NodeFlags } from '../../src/plan/run-settings.ts';
import { record, tuningWorkspace } from '../flow/support.ts';

const onNewNodes = record();
const onExisting = record({ workspace: tuningWorkspace({ resource: { labelSelector: { matchLabels: { pool: 'gpu' } } } }) });

describe('where the nodes come from', () => {
  it.each<[string, NodeFlags, typeof onNewNodes | undefined, object]>([
    ['a new agent pool when nothing is said', {}, undefined, { provisioner: 'aks', why: 'default' }],
    ['existing nodes when they are named', { nodes: 'accelerator=nvidia,pool=gpu' }, undefined, { provisioner: 'byo', why: '--nodes', selector: { accelerator: 'nvidia', pool: 'gpu' } }],
    ['what --provisioner says', { provisioner: 'AKS' }, undefined, { provisioner: 'aks', why: '--provisioner' }],
    ['existing nodes when both say so', { provisioner: 'byo', nodes: 'pool==gpu' }, undefined, { provisioner: 'byo', why: '--provisioner', selector: { pool: 'gpu' } }],
    ['the instance type that is named, in its own letter case', { instanceType: 'standard_nc24ads_a100_v4' }, undefined, { provisioner: 'aks', instanceType: 'Standard_NC24ads_A100_v4', instanceTypeWhy: '--instance-type' }],
    ['the instance type of before', {}, onNewNodes, { provisioner: 'aks', instanceType: 'Standard_NV36ads_A10_v5', instanceTypeWhy: 'as before' }],
    ['the existing nodes of before', {}, onExisting, { provisioner: 'byo', why: 'as before', selector: { pool: 'gpu' } }],
    ['the existing nodes of before, when byo is named again', { provisioner: 'byo' }, onExisting, { provisioner: 'byo', selector: { pool: 'gpu' } }],
    ['other existing nodes than before', { nodes: 'pool=other' }, onExisting, { provisioner: 'byo', selector: { pool: 'other' } }],
    ['new nodes after existing ones, when they are named', { instanceType: 'Standard_NC24ads_A100_v4' }, onExisting, { provisioner: 'aks', instanceType: 'Standard_NC24ads_A100_v4' }],
  ])('is %s', (_, flags, stored, expected) => {
    expect(chooseNodes(flags, stored)).toMatchObject(expected);
  });

  it.each<[NodeFlags, RegExp]>([
    [{ provisioner: 'gcp' }, /^There is no provisioner "gcp"\.$/],
    [{ provisioner: 'byo' }, /needs to know which/],
    [{ provisioner: 'aks', nodes: 'a=b' }, /^--nodes names existing nodes, and --provisioner aks makes new ones\.$/],
    [{ nodes: 'a=b', instanceType: 'Standard_NC24ads_A100_v4' }, /^--instance-type names new nodes, and existing ones are to be used\.$/],
    [{ nodes: 'gpu' }, /^--nodes takes labels as key=value, and was given "gpu"\.$/],
    [{ nodes: 'a!=b' }, /^--nodes takes labels/],
    [{ nodes: '' }, /^--nodes takes labels/],
    [{ nodes: 'a=b,' }, /^--nodes takes labels/],
  ])('is refused: %j', (flags, message) => {
    expect(() => chooseNodes(flags, undefined)).toThrow(expect.objectContaining({ name: 'UsageError', message: expect.stringMatching(message), hints: [expect.any(String)] }));
  });
});

describe('an instance type', () => {
  it.each<[string, object]>([
    ['Standard_NC6s_v3', { reason: 'UnknownInstanceType', fact: expect.stringMatching(/^Standard_NC6s_v3 has V100 GPUs/), hints: ['Use --instance-type Standard_NV36ads_A10_v5.', 'kaito-ts instance-types'] }],
    ['Standard_NG32ads_V620_v1', { reason: 'UnsupportedInstanceType', message: 'Standard_NG32ads_V620_v1 has AMD Radeon PRO V620 GPUs, and the images need NVIDIA\'s.' }],
    ['Standard_NC24ads_A100', { reason: 'UnknownInstanceType', hints: [expect.stringMatching(/--instance-type Standard_NC24ads_A100_v4/), 'kaito-ts instance-types'] }],
    ['nonsense', { reason: 'UnknownInstanceType', hints: ['kaito-ts instance-types'] }],
  ])('that cannot be used is answered with one that can: %s', (text, expected) => {
    expect(() => parseInstanceType(text)).toThrow(expect.objectContaining({ name: 'UsageError', ...expected }));
  });

  it('may be one of several to be tried in order', () => {
    expect(splitInstanceTypes('A, B')).toEqual(['A', 'B']);
    expect(splitInstanceTypes(undefined)).toEqual([undefined]);
  });
});
