import { describe, expect, it } from 'vitest';
import type { NodeFacts } from '../../src/domain/facts.ts';
import { byo } from '../../src/provisioners/byo.ts';
import type { Partition } from '../../src/domain/workspace.ts';
import type { Machine, NodesRequest } from '../../src/provisioners/provisioner.ts';
import { servingWorkspace } from '../flow/support.ts';
import { facts } from '../plan/support.ts';

const gpuNode = (name: string, changes: Partial<NodeFacts> = {}): NodeFacts => ({
  name,
  isReady: true,
  labels: { pool: 'gpu', 'nvidia.com/gpu.product': 'NVIDIA-A10', 'node.kubernetes.io/instance-type': 'Standard_NV36ads_A10_v5', ...changes.labels },
  taints: [],
  gpuCount: 1,
  gpuMemoryGiB: 24,
  ...Object.fromEntries(Object.entries(changes).filter(([key]) => key !== 'labels')),
});
const { gpuMemoryGiB: _, ...unlabelled } = gpuNode('a');

const request: NodesRequest = {
  workspace: servingWorkspace({ resource: { labelSelector: { matchLabels: { pool: 'gpu' } } } }),
  fit: () => ({ nodeCount: 1, why: 'it fits' }),
  diskGiB: 100,
  spot: false,
  endsByItself: true,
  keepNodes: false,
  nodeTimeoutMs: 60_000,
};
const provision = (nodes: NodeFacts[], changes: Partial<NodesRequest> = {}) => byo.provision({ ...request, ...changes }, facts({ nodes }));

describe('existing nodes', () => {
  it('are found by their labels, and nothing is made or removed', () => {
    expect(provision([gpuNode('a'), gpuNode('other', { labels: { pool: 'cpu' } })])).toMatchObject({
      nodes: { provisioner: 'byo', count: 1, gpusPerNode: 1 },
      machine: { name: 'Standard_NV36ads_A10_v5', gpuCount: 1, gpuModel: 'NVIDIA A10', gpuMemoryGiB: 24 },
      nodeSelector: { pool: 'gpu' },
      choices: [{ what: 'nodes', value: '1 existing with pool=gpu', why: 'it fits' }],
      checks: [{ what: 'nodes', verdict: 'passed', fact: 'a: Ready, 1 x nvidia.com/gpu allocatable' }],
      warnings: [],
      before: [{ kind: 'await-nodes', labelSelector: 'pool=gpu', count: 1, gpusPerNode: 1, timeoutMs: 60_000 }],
      after: [],
      leftovers: [],
    });
    expect(provision([gpuNode('a')]).cost).toBeUndefined();
  });

  it('need no Azure', () => {
    expect(byo.usesAzure).toBe(false);
  });

  it('must carry all the labels', () => {
    const workspace = servingWorkspace({ resource: { labelSelector: { matchLabels: { pool: 'gpu', zone: '1' } } } });
    expect(provision([gpuNode('a'), gpuNode('b', { labels: { zone: '1' } })], { workspace }).choices[0]?.value).toBe('1 existing with pool=gpu,zone=1');
  });

  it.each<[string, NodeFacts[], object]>([
    ['with these labels', [gpuNode('a', { labels: { pool: 'cpu' } })], { reason: 'NoMatchingNodes', message: 'No Ready node with labels pool=gpu has a GPU to allocate.', fact: '1 nodes are in the cluster, none with these labels.' }],
    ['that are Ready', [gpuNode('a', { isReady: false })], { fact: 'a: not Ready, 1 x nvidia.com/gpu' }],
    ['with a GPU', [gpuNode('a', { gpuCount: 0 })], { fact: 'a: Ready, 0 x nvidia.com/gpu' }],
  ])('are refused when there are none %s', (_what, nodes, expected) => {
    expect(() => provision(nodes)).toThrow(expect.objectContaining({ name: 'PreflightError', ...expected }));
  });

  it('are refused when they are too small', () => {
    expect(() => provision([gpuNode('a')], { fit: ({ gpuMemoryGiB }) => ({ refusal: `needs 40 of ${gpuMemoryGiB} GiB` }) })).toThrow(expect.objectContaining({ reason: 'DoesNotFit', fact: 'needs 40 of 24 GiB' }));
  });

  it('are refused when they are too few', () => {
    const fit = () => ({ nodeCount: 2, why: 'two are needed' });
    expect(() => provision([gpuNode('a'), gpuNode('b', { isReady: false })], { fit })).toThrow(expect.objectContaining({ reason: 'NotEnoughNodes', message: '2 nodes are needed and 1 with labels pool=gpu are Ready with GPUs.', fact: 'two are needed' }));
    expect(provision([gpuNode('a'), gpuNode('b')], { fit }).nodes.count).toBe(2);
  });

  it.each<[string, Partial<NodeFacts>]>([
    ['number', { gpuCount: 4 }],
    ['memory', { gpuMemoryGiB: 80 }],
    ['model', { labels: { 'nvidia.com/gpu.product': 'NVIDIA-A100-SXM4-80GB' } }],
  ])('are refused when their GPUs differ in %s, as the operator refuses them', (_what, changes) => {
    expect(() => provision([gpuNode('a'), gpuNode('b', changes)])).toThrow(expect.objectContaining({ name: 'PreflightError', reason: 'NodesDiffer', fact: expect.stringMatching(/^a: 1 x NVIDIA-A10 of 24 GiB; b: /) }));
  });

  it('are taken at their word when they do not say how much memory they have, and that is told', () => {
    const { warnings, choices } = provision([unlabelled], { fit: () => ({ refusal: 'too small' }) });
    expect(warnings).toEqual(['The nodes do not say how much GPU memory they have (no label nvidia.com/gpu.memory), so nothing was checked against it.']);
    expect(choices[0]?.why).toBe('GPU memory unknown');
  });

  it('that nobody has looked at may be fewer than are needed, and that is told', () => {
    const fit = () => ({ nodeCount: 2, why: 'two are needed' });
    const assumed = byo.provision({ ...request, fit }, facts({ nodes: [gpuNode('a')], isAssumed: true }));
    expect(assumed).toMatchObject({ nodes: { count: 2 }, warnings: ['2 nodes are needed (two are needed), and 1 with labels pool=gpu is known.'] });
  });

  it('pass on a warning about a tight fit', () => {
    expect(provision([gpuNode('a')], { fit: () => ({ nodeCount: 1, why: 'just', warning: 'It is close.' }) }).warnings).toEqual(['It is close.']);
  });
});

describe('a part of existing nodes', () => {
  const parted = (partition: Partition): Partial<NodesRequest> => ({ workspace: servingWorkspace({ resource: { labelSelector: { matchLabels: { pool: 'gpu' } }, partition } }) });
  const slice = parted({ mode: 'mig', profile: '3g.40gb' });

  it('is one MIG slice, however many a node has, and as large as its profile says', () => {
    const seen: Machine[] = [];
    const fit = (machine: Machine) => {
      seen.push(machine);
      return { nodeCount: 1, why: 'it fits' };
    };
    expect(provision([gpuNode('a', { gpuCount: 0, slices: { '3g.40gb': 2, '1g.10gb': 1 } })], { ...slice, fit })).toMatchObject({
      nodes: { provisioner: 'byo', count: 1, gpusPerNode: 1, gpuResource: 'nvidia.com/mig-3g.40gb', gpuMemoryGiB: 40 },
      checks: [{ fact: 'a: Ready, 2 x nvidia.com/mig-3g.40gb allocatable' }],
      before: [{ kind: 'await-nodes', gpusPerNode: 1, gpuResource: 'nvidia.com/mig-3g.40gb' }],
    });
    expect(seen).toEqual([expect.objectContaining({ gpuCount: 1, gpuMemoryGiB: 40, isSliced: true })]);
  });

  it('is found on nodes that are cut differently otherwise', () => {
    const nodes = [gpuNode('a', { gpuCount: 0, slices: { '3g.40gb': 2 } }), gpuNode('b', { gpuCount: 3, slices: { '3g.40gb': 1 }, labels: { 'nvidia.com/gpu.product': 'NVIDIA-H100' } })];
    expect(provision(nodes, slice).choices[0]?.value).toBe('2 existing with pool=gpu');
  });

  it('is refused where no node has such a slice, and it is said when slices are announced as whole GPUs', () => {
    const single = gpuNode('a', { gpuCount: 2, labels: { 'nvidia.com/mig.config': 'all-3g.40gb', 'nvidia.com/mig.config.state': 'success' } });
    const hint = 'These nodes announce their slices as whole GPUs (MIG strategy single): leave partition out.';
    const refusal = { name: 'PreflightError', reason: 'NoMatchingNodes', message: 'No Ready node with labels pool=gpu has a MIG slice 3g.40gb to allocate.', fact: 'a: Ready, 0 x nvidia.com/mig-3g.40gb' };
    expect(() => provision([single], slice)).toThrow(expect.objectContaining({ ...refusal, hints: expect.arrayContaining([hint]) }));
    expect(() => provision([gpuNode('a', { slices: { '1g.10gb': 7 } })], slice)).toThrow(expect.objectContaining({ ...refusal, hints: expect.not.arrayContaining([hint]) }));
  });

  it('may be there on nodes that nobody has looked at and that say nothing of slices, and that is told', () => {
    const { slices: _slices, ...silent } = gpuNode('a');
    const assumed = byo.provision({ ...request, ...slice }, facts({ nodes: [silent], isAssumed: true }));
    expect(assumed).toMatchObject({ nodes: { count: 1, gpuResource: 'nvidia.com/mig-3g.40gb' }, warnings: ['The nodes do not say what slices of GPUs they have, so whether nvidia.com/mig-3g.40gb is among them is not known.'] });
    expect(() => byo.provision({ ...request, ...slice }, facts({ nodes: [{ ...silent, slices: {} }], isAssumed: true }))).toThrow(expect.objectContaining({ reason: 'NoMatchingNodes' }));
  });

  it('is some of the GPUs of each node', () => {
    const some = parted({ mode: 'accelerator', count: 2 });
    expect(provision([gpuNode('a', { gpuCount: 8, gpuMemoryGiB: 80 }), gpuNode('b', { gpuCount: 4, gpuMemoryGiB: 80 })], some)).toMatchObject({ nodes: { gpusPerNode: 2, gpuMemoryGiB: 80 }, machine: { gpuCount: 2 }, before: [{ gpusPerNode: 2 }] });
    expect(() => provision([gpuNode('a')], some)).toThrow(expect.objectContaining({ reason: 'NotEnoughGpus', message: '2 GPUs of a node are wanted, and a has 1.' }));
  });
});
