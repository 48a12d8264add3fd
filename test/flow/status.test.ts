import { describe, expect, it } from 'vitest';
import type { Kinds } from '../../src/cluster/kinds.ts';
import type { OwnerRecord } from '../../src/domain/record.ts';
import { computeStatus, type WorkspaceObjects } from '../../src/flow/status.ts';
import { ended, job, jobCondition, node, nodePool, pod, record, running, servingWorkspace, waiting } from './support.ts';

const status = (owner: OwnerRecord, objects: Partial<WorkspaceObjects> = {}) => computeStatus({ record: owner, pods: [], events: [], nodes: [], ...objects });

const shown = (owner: OwnerRecord, objects: Partial<WorkspaceObjects> = {}) => {
  const { state, conditions } = status(owner, objects);
  return { state, ...Object.fromEntries(conditions.map(({ type, status: value, reason, message }) => [type, `${value} ${reason} "${message}"`])) };
};

const deployment = (readyReplicas: number, { wasAvailable = false } = {}): Kinds['Deployment'] => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'served', namespace: 'default' },
  spec: { replicas: 1, selector: {}, template: {} },
  status: { readyReplicas, ...(wasAvailable ? { conditions: [{ type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' }] } : {}) },
});

const serving = record({ workspace: servingWorkspace(), nodePool: nodePool() });
const tuning = record({ nodePool: nodePool() });

/** https://github.com/kaito-project/kaito/blob/056b8280/pkg/workspace/controllers/workspace_controller.go#L705 */
describe('the conditions of nodes', () => {
  const ready = { NodesReady: 'True NodesReady "Enough Nodes are ready"', ResourceReady: 'True workspaceResourceStatusSuccess "workspace resource is ready"' };
  const missing = { NodesReady: 'False NodeNotReady "Not enough Nodes are ready"', ResourceReady: 'False NodeNotReady "Not enough Nodes are ready"' };
  const plugins = { NodesReady: 'False NodePluginsNotReady "waiting all node plugins to be ready"', ResourceReady: 'False NodePluginsNotReady "waiting all node plugins to be ready"' };
  const sliced = record({ workspace: servingWorkspace({ resource: { labelSelector: { matchLabels: {} }, partition: { mode: 'mig', profile: '3g.40gb' } } }) });
  const sliceNode: Kinds['Node'] = { ...node('a'), status: { ...node('a').status, allocatable: { 'nvidia.com/gpu': '0', 'nvidia.com/mig-3g.40gb': '1' } } };
  const two = record({ workspace: servingWorkspace(), nodePool: nodePool({ count: 2 }) });

  it.each<[string, OwnerRecord, Kinds['Node'][], object]>([
    ['no node yet', serving, [], missing],
    ['a node that is not Ready', serving, [node('a', { isReady: false })], missing],
    ['a node without its GPU', serving, [node('a', { gpus: 0 })], plugins],
    ['a node with its GPU', serving, [node('a')], ready],
    ['one of two nodes', two, [node('a')], missing],
    ['two nodes, one without its GPU', two, [node('a'), node('b', { gpus: 0 })], plugins],
    ['two nodes', two, [node('a'), node('b')], ready],
    ['a node with a slice of a GPU, where that is wanted', sliced, [sliceNode], ready],
    ['a node with a slice of a GPU, where a whole one is wanted', serving, [sliceNode], plugins],
    ['a tuning that is over and has given its node back', record({ result: { outcome: 'Succeeded', finishedAt: '2026-01-01T00:00:00Z' } }), [], ready],
  ])('are the operator\'s: %s', (_, owner, nodes, expected) => {
    expect(shown(owner, { nodes })).toMatchObject(expected);
  });
});

describe('the conditions of a served workspace', () => {
  const pending = { WorkspaceSucceeded: 'False workspacePending "workspace is waiting for inference workload readiness"' };
  const nodes = [node('a')];

  it.each<[string, Partial<WorkspaceObjects>, object]>([
    ['both ready', { nodes, workload: deployment(1) }, { state: 'Ready', InferenceReady: 'True WorkspaceInferenceStatusSuccess "Inference has been deployed successfully"', WorkspaceSucceeded: 'True workspaceSucceeded "workspace succeeds"' }],
    ['no workload yet', { nodes }, { state: 'Pending', InferenceReady: 'False WorkspaceInferenceStatusPending "Inference workload is not ready"', ...pending }],
    ['a workload that was never ready', { nodes, workload: deployment(0) }, { state: 'Pending', ...pending }],
    ['a workload that was ready before', { nodes, workload: deployment(0, { wasAvailable: true }) }, { state: 'NotReady', ...pending }],
    ['a workload without its nodes', { workload: deployment(1) }, { state: 'Pending', ...pending }],
    ['a pod with a reason', { nodes, workload: deployment(0), pods: [pod({ containers: [waiting('served', 'ErrImagePull', 'no such image')] })] }, { state: 'Pending', InferenceReady: 'False ImagePullError "container "served" image pull failed (ErrImagePull): no such image"', ...pending }],
  ])('are the operator\'s: %s', (_, objects, expected) => {
    expect(shown(serving, objects)).toMatchObject(expected);
  });

  it('have no JobStarted', () => {
    expect(shown(serving, { nodes, workload: deployment(1) })).not.toHaveProperty('JobStarted');
  });
});

describe('the conditions of a tuning', () => {
  const started = 'True WorkspaceTuningJobStatusStarted "Tuning job has started"';
  const failed = { state: 'Failed', JobStarted: 'False WorkspaceTuningJobStatusFailed "tuning job failed"', WorkspaceSucceeded: 'False workspaceFailed "tuning job failed"' };
  const succeeded = { state: 'Succeeded', JobStarted: started, WorkspaceSucceeded: 'True workspaceSucceeded "workspace succeeds"' };

  it.each<[string, OwnerRecord, Partial<WorkspaceObjects>, object]>([
    ['no Job yet', tuning, {}, { state: 'Pending', JobStarted: 'False WorkspaceTuningJobStatusPending "Tuning job has not started"', WorkspaceSucceeded: 'False workspacePending "workspace is initializing, tuning job has not started"' }],
    ['a Job with nothing active', tuning, { job: job({}) }, { state: 'Pending' }],
    ['an active Job', tuning, { job: job({ active: 1 }) }, { state: 'Running', JobStarted: started, WorkspaceSucceeded: 'False workspacePending "workspace has not completed yet, tuning job is running"' }],
    ['a complete Job', tuning, { job: job(jobCondition('Complete')) }, succeeded],
    ['a failed Job', tuning, { job: job(jobCondition('Failed')) }, failed],
    ['a Job that is long gone and had succeeded', record({ result: { outcome: 'Succeeded', finishedAt: '2026-01-01T00:00:00Z' } }), {}, succeeded],
    ['a Job that is long gone and had failed', record({ result: { outcome: 'Failed', finishedAt: '2026-01-01T00:00:00Z' } }), {}, failed],
  ])('are the operator\'s: %s', (_, owner, objects, expected) => {
    expect(shown(owner, objects)).toMatchObject(expected);
  });

  it('have no InferenceReady', () => {
    expect(shown(tuning, { job: job({ active: 1 }) })).not.toHaveProperty('InferenceReady');
  });
});

describe('why and what next', () => {
  const done = (changes: Partial<OwnerRecord> = {}) =>
    record({ nodePool: nodePool({ releasedAt: '2026-01-01T00:00:00Z' }), result: { outcome: 'Succeeded', finishedAt: '2026-01-01T00:00:00Z', steps: 12, finalLoss: 0.75, adapter: { kind: 'image', reference: 'registry.example/tuned:1', digest: 'sha256:abc' } }, ...changes });

  it.each<[string, OwnerRecord, Partial<WorkspaceObjects>, { why: string | RegExp; next: string }]>([
    ['a finished tuning', done(), {}, { why: 'Tuned in 12 steps, last loss 0.75; the adapter is registry.example/tuned:1@sha256:abc.', next: 'kaito-ts serve --preset phi-3-mini-128k-instruct --adapter tuned' }],
    ['one whose nodes were not given back', done({ nodePool: nodePool() }), {}, { why: /Agent pool kpool is still there and costs about \$3\.20 an hour\.$/, next: 'kaito-ts serve --preset phi-3-mini-128k-instruct --adapter tuned' }],
    ['one that succeeded while nobody looked', tuning, { job: job(jobCondition('Complete')) }, { why: 'The Job has succeeded, and nobody has taken note of its adapter yet. Agent pool kpool is still there and costs about $3.20 an hour.', next: 'kaito-ts tune tuned' }],
    ['a failed tuning', record({ result: { outcome: 'Failed', finishedAt: '', reason: 'TrainingFailed', message: 'ValueError: no' } }), {}, { why: 'TrainingFailed: ValueError: no.', next: 'kaito-ts logs tuned' }],
    ['one that ran out of time, and left no log', record({ result: { outcome: 'Failed', finishedAt: '', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' } }), {}, { why: 'Tuning reached its time limit and was stopped.', next: 'kaito-ts tune tuned --time-limit <duration>' }],
    ['a failed one whose nodes cost money still', record({ nodePool: nodePool(), result: { outcome: 'Failed', finishedAt: '', reason: 'TrainingFailed' } }), {}, { why: 'TrainingFailed. Agent pool kpool is still there and costs about $3.20 an hour.', next: 'kaito-ts delete tuned' }],
    ['a running tuning', tuning, { job: job({ active: 1 }), pods: [pod({ init: [running('tuner')] })] }, { why: 'The tuning Job runs.', next: 'kaito-ts logs tuned -f' }],
    ['a server that answers', serving, { nodes: [node('a')], workload: deployment(1) }, { why: 'The model server answers.', next: 'kaito-ts chat served "Hello"' }],
    ['nodes on their way', serving, { workload: deployment(0) }, { why: 'Waiting for nodes: 0 of 1 nodes joined.', next: 'kaito-ts serve served' }],
    ['a run that was interrupted before it submitted', serving, { nodes: [node('a')] }, { why: /^Nothing was submitted yet: an earlier run was interrupted\.( Agent pool kpool is still there and costs about \$3\.20 an hour\.)?$/, next: 'kaito-ts serve served' }],
    ['a starting pod', serving, { nodes: [node('a')], workload: deployment(0) }, { why: 'The pod is starting.', next: 'kaito-ts logs served -f' }],
  ])('are told: %s', (_, owner, objects, { why, next }) => {
    const told = status(owner, objects);
    expect(told.why).toEqual(typeof why === 'string' ? why : expect.stringMatching(why));
    expect(told.next).toBe(next);
  });

  it('are the pod\'s, when it says why it does not run', () => {
    const told = status(serving, { nodes: [node('a')], workload: deployment(0), pods: [pod({ containers: [ended('served', 137, { reason: 'OOMKilled' })] })] });
    expect(told.why).toMatch(/^container "served" was OOMKilled/);
    expect(told.next).toBe('kaito-ts instance-types');
  });

  it('are not those of a pod in whose place another runs', () => {
    const evicted = pod({ phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' });
    const told = (pods: Kinds['Pod'][]) => status(tuning, { job: job({ active: 1 }), pods }).why;
    expect(told([evicted])).toMatch(/^pod "pod" evicted/);
    expect(told([evicted, pod({ name: 'other', init: [running('tuner')] })])).toBe('The tuning Job runs.');
  });
});

describe('a workspace whose node is lost', () => {
  const silent = node('node-a', { isReady: false, message: 'Kubelet stopped posting node status.', since: '2026-01-01T00:01:00Z' });
  const objects = (clusterNodes: Kinds['Node'][]) => ({ nodes: clusterNodes, pods: [pod({ init: [running('tuner')] })], clusterNodes: new Map(clusterNodes.map((one) => [one.metadata.name, one])) });

  it('is told to wait for a node that does not answer', () => {
    const expected = { why: 'node node-a is NotReady since 2026-01-01T00:01:00Z: Kubelet stopped posting node status', next: 'kubectl describe node node-a' };
    expect(status(tuning, { job: job({ active: 1 }), ...objects([silent]) })).toMatchObject({ state: 'Running', ...expected });
    expect(status(serving, { workload: deployment(0, { wasAvailable: true }), ...objects([silent]) })).toMatchObject({ state: 'NotReady', ...expected });
  });

  it('is told that the node is gone', () => {
    expect(status(tuning, { job: job({ active: 1 }), ...objects([node('node-b')]) })).toMatchObject({ why: expect.stringMatching(/^node node-a is gone, and pod "pod" is lost with it/), next: 'kubectl get nodes' });
  });

  it('is not told of the node of a pod on its way out, in whose place another runs', () => {
    const leaving = pod();
    const found = objects([silent, node('node-b')]);
    const pods = [{ ...leaving, metadata: { ...leaving.metadata, deletionTimestamp: '2026-01-01T00:06:00Z' } }];
    expect(status(tuning, { job: job({ active: 1 }), ...found, pods }).why).toMatch(/pod "pod" is to end, which it can when the node is back or deleted$/);
    expect(status(tuning, { job: job({ active: 1 }), ...found, pods: [...pods, pod({ name: 'other', nodeName: 'node-b' })] }).why).toBe('The tuning Job runs.');
  });

  it('is not told of nodes while its pod is well, nor of those of pods that are over', () => {
    expect(status(tuning, { job: job({ active: 1 }), ...objects([node('node-a')]) }).why).toBe('The tuning Job runs.');
    expect(status(tuning, { job: job({ active: 1 }), ...objects([]), pods: [pod({ phase: 'Succeeded' })] }).why).toBe('The tuning Job runs.');
  });
});

describe('what else is told of a workspace', () => {
  it('counts nodes from the pool, else from the workload, else one', () => {
    expect(status(record({ workspace: servingWorkspace(), nodePool: nodePool({ count: 3 }) })).targetNodeCount).toBe(3);
    expect(status(record({ workspace: servingWorkspace() }), { workload: { ...deployment(0), spec: { replicas: 2, selector: {}, template: {} } } }).targetNodeCount).toBe(2);
    expect(status(record()).targetNodeCount).toBe(1);
  });

  it.each([
    [nodePool(), 'Present'],
    [nodePool({ operation: { kind: 'create', state: 's' } }), 'Creating'],
    [nodePool({ operation: { kind: 'delete', state: 's' } }), 'Deleting'],
    [nodePool({ releasedAt: '2026-01-01T00:00:00Z' }), 'Removed'],
  ])('says how the agent pool stands: %j', (pool, state) => {
    expect(status(record({ nodePool: pool })).nodePool).toEqual({ name: 'kpool', state, pricePerHourUsd: 3.2 });
  });

  it('names the address of a server, and the nodes in order', () => {
    expect(status(serving, { nodes: [node('b'), node('a')] })).toMatchObject({ endpoint: 'http://served.default.svc.cluster.local/v1', workerNodes: ['a', 'b'], kind: 'inference' });
    expect(status(tuning).endpoint).toBeUndefined();
  });
});
