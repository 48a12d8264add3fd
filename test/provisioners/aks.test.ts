import { describe, expect, it } from 'vitest';
import { azureInstanceTypes } from '../../src/domain/azure-instance-types.ts';
import type { AgentPool } from '../../src/domain/azure.ts';
import type { Facts } from '../../src/domain/facts.ts';
import type { CreateAgentPoolStep, Step } from '../../src/domain/plan.ts';
import type { NodePoolRecord } from '../../src/domain/record.ts';
import { agentPoolName } from '../../src/provisioners/agent-pool-name.ts';
import { aks } from '../../src/provisioners/aks.ts';
import type { Fit, Machine, NodesRequest } from '../../src/provisioners/provisioner.ts';
import { nodePool, record, servingWorkspace } from '../flow/support.ts';
import { azureFacts, facts, quota } from '../plan/support.ts';
import { agentPool, managedCluster } from '../support/fakes.ts';

const a10 = 'Standard_NV36ads_A10_v5';
const a100 = 'Standard_NC24ads_A100_v4';
const workspace = (instanceType?: string) => servingWorkspace({ resource: { ...(instanceType === undefined ? {} : { instanceType }), labelSelector: { matchLabels: { apps: 'served' } } } });

const request = (changes: Partial<NodesRequest> = {}): NodesRequest => ({
  workspace: workspace(),
  fit: () => ({ nodeCount: 1, why: 'it fits' }),
  diskGiB: 100,
  spot: false,
  endsByItself: false,
  keepNodes: false,
  nodeTimeoutMs: 45 * 60_000,
  ...changes,
});

const provision = (changes: Partial<NodesRequest> = {}, observed: Facts = facts()) => aks.provision(request(changes), observed);
const needing = (gib: number): ((machine: Machine) => Fit) => ({ gpuMemoryGiB }) => (gpuMemoryGiB >= gib ? { nodeCount: 1, why: 'it fits' } : { refusal: `needs ${gib} of ${gpuMemoryGiB} GiB` });
const creation = (steps: Step[]): CreateAgentPoolStep | undefined => steps.find((step) => step.kind === 'create-agent-pool');
const withPools = (agentPools: AgentPool[], recorded?: NodePoolRecord): Facts =>
  facts({ azure: azureFacts({ agentPools }), ...(recorded ? { record: { uid: 'uid-1', record: record({ workspace: workspace(), nodePool: recorded }) } } : {}) });
const tags = { 'managed-by': 'kaito-ts', 'kaito-workspace': 'served', 'kaito-namespace': 'default' };
const poolName = agentPoolName(workspace(), a10);

describe('the choice of an instance type', () => {
  it('is the cheapest that fits', () => {
    expect(provision().nodes).toEqual({ provisioner: 'aks', count: 1, gpusPerNode: 1, gpuMemoryGiB: 24, instanceType: a10 });
    expect(provision({ fit: needing(40) }).nodes.instanceType).toBe(a100);
  });

  it('counts all nodes in the price', () => {
    const twoSmallOrOneLarge = ({ gpuMemoryGiB }: Machine): Fit => ({ nodeCount: gpuMemoryGiB < 80 ? 2 : 1, why: 'it fits' });
    // Two A10 machines at 3.20 cost more than one A100 machine at 3.67.
    expect(provision({ fit: twoSmallOrOneLarge }).nodes).toMatchObject({ instanceType: a100, count: 1 });
  });

  it('passes over what has no quota, and says so', () => {
    const { nodes, choices } = provision({}, facts({ azure: azureFacts({ usages: quota({ StandardNVADSA10v5Family: 35 }) }) }));
    expect(nodes.instanceType).toBe(a100);
    expect(choices[0]).toEqual({ what: 'instance-type', value: `1 x ${a100}`, why: expect.stringMatching(/^cheapest that fits and has quota \(none left for Standard_NV36ads_A10_v5.*\): it fits$/) });
  });

  it('takes a quota that is just enough', () => {
    expect(provision({}, facts({ azure: azureFacts({ usages: quota({ StandardNVADSA10v5Family: 36, cores: 36 }) }) })).nodes.instanceType).toBe(a10);
  });

  it('counts the region\'s total beside the family\'s limit', () => {
    expect(() => provision({}, facts({ azure: azureFacts({ usages: quota({ cores: 10 }) }) }))).toThrow(expect.objectContaining({ name: 'QuotaError', fact: expect.stringMatching(/cores: 990 of 1000 vCPUs used, 36 needed/) }));
  });

  it('asks Spot machines of their own limit alone', () => {
    const usages = quota({ StandardNVADSA10v5Family: 0, cores: 0 });
    expect(provision({ spot: true }, facts({ azure: azureFacts({ usages }) })).nodes.instanceType).toBe(a10);
    expect(() => provision({ spot: true }, facts({ azure: azureFacts({ usages: quota({ lowPriorityCores: 1 }) }) }))).toThrow(expect.objectContaining({ name: 'QuotaError' }));
  });

  it('does not take a machine of unknown quota or of a far higher price unasked', () => {
    expect(() => provision({}, facts({ azure: azureFacts({ usages: [] }) }))).toThrow(expect.objectContaining({ name: 'QuotaError' }));
    const onlyDear = quota({ StandardNVADSA10v5Family: 0, StandardNCADSA100v4Family: 0 });
    const fitsSmallAndHuge = ({ gpuCount, name }: Machine): Fit => (name === a10 || gpuCount === 8 ? { nodeCount: 1, why: 'it fits' } : { refusal: 'no' });
    expect(() => provision({ fit: fitsSmallAndHuge }, facts({ azure: azureFacts({ usages: onlyDear }) }))).toThrow(expect.objectContaining({ name: 'QuotaError' }));
  });

  it('takes what was asked for by name although its quota is unknown, and says that it is', () => {
    const { nodes, checks } = provision({ workspace: workspace(a10) }, facts({ azure: azureFacts({ usages: [] }) }));
    expect(nodes.instanceType).toBe(a10);
    expect(checks).toContainEqual({ what: 'quota', verdict: 'unknown', fact: 'StandardNVADSA10v5Family: unknown; cores: unknown' });
  });

  it('refuses what was asked for by name when its quota is short, with a way out', () => {
    expect(() => provision({ workspace: workspace(a10) }, facts({ azure: azureFacts({ usages: quota({ StandardNVADSA10v5Family: 0 }) }) }))).toThrow(
      expect.objectContaining({ name: 'QuotaError', message: `The subscription has no quota left for ${a10} in eastus.`, hints: expect.arrayContaining(['Leave out --instance-type to take the cheapest that has quota.']) }),
    );
  });

  it('knows what the region does not offer to this subscription', () => {
    const skus = azureInstanceTypes.map(({ name, quotaFamily }) => ({ name, family: quotaFamily, vCpuCount: 1, gpuCount: 1, zones: [] }));
    const restricted = skus.map((sku) => (sku.name === a10 ? { ...sku, restriction: 'NotAvailableForSubscription' } : sku));
    expect(provision({}, facts({ azure: azureFacts({ skus: restricted }) })).nodes.instanceType).toBe(a100);
    expect(() => provision({ workspace: workspace(a10) }, facts({ azure: azureFacts({ skus: restricted }) }))).toThrow(expect.objectContaining({ name: 'PreflightError', fact: `${a10}: NotAvailableForSubscription in eastus` }));
    expect(() => provision({ workspace: workspace(a10) }, facts({ azure: azureFacts({ skus: skus.filter(({ name }) => name !== a10) }) }))).toThrow(expect.objectContaining({ fact: `${a10}: not offered in eastus` }));
  });

  it('says of each machine why it does not fit', () => {
    expect(() => provision({ fit: needing(1000) })).toThrow(expect.objectContaining({ name: 'PreflightError', reason: 'DoesNotFit', message: 'No instance type in eastus can do this.', fact: expect.stringMatching(/^Standard_NV36ads_A10_v5: needs 1000 of 24 GiB\n/) }));
  });

  it('has the system that the Workspace asks for, in any letter case, and Ubuntu otherwise', () => {
    const systemOf = (family: string) => creation(provision({ workspace: servingWorkspace({ metadata: { name: 'served', namespace: 'default', annotations: { 'kaito.sh/node-image-family': family } } }) }).before)?.pool.operatingSystem;
    expect([systemOf(' AzureLinux '), systemOf('ubuntu'), creation(provision().before)?.pool.operatingSystem]).toEqual(['AzureLinux', undefined, undefined]);
  });

  it('takes no AMD machine unasked', () => {
    const { nodes } = provision({ fit: ({ gpuMemoryGiB }) => (gpuMemoryGiB === 32 ? { nodeCount: 1, why: 'V620' } : gpuMemoryGiB === 80 ? { nodeCount: 1, why: 'A100' } : { refusal: 'no' }) });
    expect(nodes.instanceType).toBe(a100);
  });

  it('refuses a cluster that is stopped, with the command that starts it', () => {
    expect(() => provision({}, facts({ azure: azureFacts({ cluster: managedCluster({ powerState: 'Stopped' }) }) }))).toThrow(expect.objectContaining({ name: 'PreflightError', reason: 'ClusterStopped', message: 'AKS cluster test is stopped.', hints: ['az aks start --resource-group group --name test'] }));
  });

  it('cannot do without Azure', () => {
    const { azure: _, ...rest } = facts();
    expect(() => provision({}, rest)).toThrow(expect.objectContaining({ name: 'PreflightError' }));
  });
});

describe('the costs', () => {
  it('are the list price of all nodes, without an end for a server', () => {
    expect(provision({ fit: () => ({ nodeCount: 2, why: 'two' }), workspace: workspace(a10) }).cost).toEqual({ perHourUsd: 6.4, source: 'list price in eastus of 2026-06-18' });
  });

  it('end with the time limit and the time that nodes may take to come', () => {
    expect(provision({ endsByItself: true, timeLimitMs: 3 * 3_600_000, nodeTimeoutMs: 3_600_000 }).cost).toMatchObject({ perHourUsd: 3.2, limitUsd: 12.8 });
  });

  it('have no end when the nodes are kept', () => {
    expect(provision({ endsByItself: true, keepNodes: true, timeLimitMs: 3_600_000 }).cost).not.toHaveProperty('limitUsd');
  });

  it('are unknown where there is no list price', () => {
    expect(provision({ workspace: workspace(a10) }, facts({ azure: azureFacts({ cluster: managedCluster({ location: 'nowhere' }) }) })).cost).toBeUndefined();
  });
});

describe('the agent pool', () => {
  it('is new: tagged, tainted, labelled, with room on its disk, in the cluster\'s own subnet', () => {
    const { before, nodeSelector, after, nodePool: recorded } = provision({ diskGiB: 300.5 }, facts({ azure: azureFacts({ cluster: managedCluster({ subnetId: '/subnet' }) }) }));
    expect(before.map(({ kind }) => kind)).toEqual(['create-agent-pool', 'await-nodes']);
    expect(creation(before)?.pool).toEqual({
      name: poolName,
      instanceType: a10,
      count: 1,
      osDiskGiB: 301,
      labels: { ...nodeSelector, apps: 'served' },
      taints: ['sku=gpu:NoSchedule'],
      tags,
      spot: false,
      subnetId: '/subnet',
    });
    expect(nodeSelector).toEqual({ 'kaito.sh/workspace': 'served', 'kaito.sh/workspacenamespace': 'default' });
    expect(after).toEqual([]);
    expect(recorded).toEqual({ ...nodePool({ name: poolName, requestedAt: '' }) });
  });

  it('is refused when a longer context needs more nodes than it has, and taken when they were added', () => {
    const before = nodePool({ name: poolName });
    const wish = { workspace: workspace(a10), fit: () => ({ nodeCount: 5, why: 'a long context' }) };
    expect(() => provision(wish, withPools([agentPool({ name: poolName, tags })], before))).toThrow(
      expect.objectContaining({ name: 'PreflightError', reason: 'AgentPoolTooSmall', message: `5 x ${a10} are needed, and agent pool ${poolName} has 1.`, fact: 'a long context', hints: expect.arrayContaining([expect.stringMatching(/^az aks nodepool scale .* --node-count 5$/)]) }),
    );
    expect(provision(wish, withPools([agentPool({ name: poolName, tags, count: 5 })], before)).nodePool).toEqual({ ...before, count: 5 });
    expect(provision({ workspace: workspace(a10) }, withPools([agentPool({ name: poolName, tags, count: 0, autoscale: { minCount: 0, maxCount: 1 } })], before)).nodePool).toBe(before);
  });

  it('has a name that AKS takes, the same on every run, and another for every workspace and instance type', () => {
    const names = [agentPoolName(workspace(), a10), agentPoolName(workspace(), a100), agentPoolName({ ...workspace(), metadata: { name: 'served', namespace: 'other' } }, a10), agentPoolName({ ...workspace(), metadata: { name: '1-very-long-name-of-a-workspace', namespace: 'default' } }, a10)];
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9]{0,11}$/);
    expect(agentPoolName(workspace(), a10.toLowerCase())).toBe(names[0]);
  });

  it('goes to zero by itself and is removed at the end where the work ends by itself', () => {
    const { before, after } = provision({ endsByItself: true });
    expect(creation(before)?.pool.autoscale).toEqual({ minCount: 0, maxCount: 1 });
    expect(after.map(({ kind }) => kind)).toEqual(['delete-agent-pool']);
  });

  it('stays when it is to be kept', () => {
    const { before, after } = provision({ endsByItself: true, keepNodes: true });
    expect(creation(before)?.pool).not.toHaveProperty('autoscale');
    expect(after).toEqual([]);
  });

  it('is used when it is there already, without asking for quota', () => {
    const { before, checks } = provision({}, facts({ azure: azureFacts({ agentPools: [agentPool({ name: poolName, tags })], usages: quota({ StandardNVADSA10v5Family: 0 }) }) }));
    expect(before.map(({ kind }) => kind)).toEqual(['await-nodes']);
    expect(checks).toContainEqual({ what: 'quota', verdict: 'passed', fact: `agent pool ${poolName} is there already` });
  });

  it('of somebody else is not used', () => {
    expect(() => provision({ workspace: workspace(a10) }, withPools([agentPool({ name: poolName, tags: { team: 'search' } })]))).toThrow(expect.objectContaining({ name: 'ConflictError', reason: 'AgentPoolNotOurs', fact: 'Its tags are {"team":"search"}.' }));
  });

  it('spares no other instance type the question of quota', () => {
    const recorded = nodePool({ name: poolName });
    const observed = facts({ azure: azureFacts({ agentPools: [agentPool({ name: poolName, tags })], usages: quota({ StandardNCADSA100v4Family: 0 }) }), record: { uid: 'uid-1', record: record({ workspace: workspace(), nodePool: recorded }) } });
    expect(() => provision({ workspace: workspace(a100) }, observed)).toThrow(expect.objectContaining({ name: 'QuotaError' }));
  });
});

describe('a later run', () => {
  const recorded = (changes: Partial<NodePoolRecord> = {}) => nodePool({ name: poolName, ...changes });
  const create = { kind: 'create' as const, state: 'saved' };
  const remove = { kind: 'delete' as const, state: 'saved' };

  it.each<[string, AgentPool[], NodePoolRecord, string[], object]>([
    ['uses the pool that came', [agentPool({ name: poolName, tags })], recorded(), ['await-nodes'], {}],
    ['takes up the operation that made it', [agentPool({ name: poolName, tags, provisioningState: 'Creating' })], recorded({ operation: create }), ['create-agent-pool', 'await-nodes'], { title: `Take up agent pool ${poolName} (1 x ${a10})`, resume: create }],
    ['hears the end of an operation whose pool is there', [agentPool({ name: poolName, tags })], recorded({ operation: create }), ['create-agent-pool', 'await-nodes'], { resume: create }],
    ['takes up a pool whose operation was never recorded', [agentPool({ name: poolName, tags, provisioningState: 'Creating' })], recorded(), ['create-agent-pool', 'await-nodes'], { title: `Take up agent pool ${poolName} (1 x ${a10})` }],
    ['takes up the deletion before it makes the pool anew', [agentPool({ name: poolName, tags, provisioningState: 'Deleting' })], recorded({ operation: remove }), ['create-agent-pool', 'await-nodes'], { resume: remove }],
    ['asks for the pool that was recorded and never came', [], recorded(), ['create-agent-pool', 'await-nodes'], { title: `Add agent pool ${poolName} (1 x ${a10})` }],
    ['asks again for a pool that was given back', [], recorded({ releasedAt: '2026-01-01T00:00:00Z' }), ['create-agent-pool', 'await-nodes'], { title: `Add agent pool ${poolName} (1 x ${a10})` }],
  ])('%s', (_, pools, before, kinds, step) => {
    const planned = provision({ workspace: workspace(a10) }, withPools(pools, before));
    expect(planned.before.map(({ kind }) => kind)).toEqual(kinds);
    expect(planned.before[0]).toMatchObject(step);
    expect(planned.leftovers).toEqual([]);
  });

  it('keeps the record of a pool that is there, and writes a new one for a pool that is asked for anew', () => {
    const before = recorded({ spot: true, requestedAt: '2025-01-01T00:00:00Z' });
    expect(provision({ workspace: workspace(a10) }, withPools([agentPool({ name: poolName, tags })], before)).nodePool).toBe(before);
    expect(provision({ workspace: workspace(a10) }, withPools([], before)).nodePool).toMatchObject({ spot: false, requestedAt: '' });
  });

  it('waits for no new quota while its own pool goes away', () => {
    const observed = facts({ azure: azureFacts({ agentPools: [agentPool({ name: poolName, tags, provisioningState: 'Deleting' })], usages: quota({ StandardNVADSA10v5Family: 0 }) }), record: { uid: 'uid-1', record: record({ nodePool: recorded({ operation: remove }) }) } });
    expect(provision({ workspace: workspace(a10) }, observed).checks).toContainEqual({ what: 'quota', verdict: 'passed', fact: `agent pool ${poolName} is there already, and frees its vCPUs when it has gone` });
  });

  it('removes the pool of another instance type, which nobody else would remember', () => {
    const { leftovers, nodePool: wanted } = provision({ workspace: workspace(a100) }, withPools([agentPool({ name: poolName, tags })], recorded()));
    expect(leftovers).toEqual([{ kind: 'delete-agent-pool', title: `Remove agent pool ${poolName} (1 x ${a10}) of an earlier attempt`, name: poolName, timeoutMs: 45 * 60_000 }]);
    expect(wanted).toMatchObject({ instanceType: a100, name: agentPoolName(workspace(), a100) });
  });

  it('removes no pool of another instance type that was given back', () => {
    expect(provision({ workspace: workspace(a100) }, withPools([], recorded({ releasedAt: '2026-01-01T00:00:00Z' }))).leftovers).toEqual([]);
  });
});
