import { describe, expect, it } from 'vitest';
import type { NodeFacts } from '../../src/domain/facts.ts';
import type { DevicePlugin } from '../../src/domain/requirement.ts';
import { judgeAccess, judgeDevicePlugins, judgeGpuNodes, judgeGpuProvisioner, judgeGpuQuota, judgeKubernetesVersion, judgeManagedCluster, judgeNodeAutoProvisioning, judgeRegistry, judgeStorageClasses } from '../../src/flow/judge-requirements.ts';
import { managedCluster } from '../support/fakes.ts';

const nodeOf = (changes: Partial<NodeFacts> = {}): NodeFacts => ({ name: 'gpu', isReady: true, labels: {}, taints: [], gpuCount: 1, ...changes });
const pluginOf = (changes: Partial<DevicePlugin> = {}): DevicePlugin => ({ name: 'plugin', namespace: 'kube-system', image: 'k8s-device-plugin:1', toleratesGpuTaint: true, hasTolerations: true, readyCount: 1, nodeCount: 1, ...changes });

describe('the version of Kubernetes', () => {
  it.each([
    ['v1.33.5', 'passed'],
    ['v1.29.0', 'passed'],
    ['v1.28.15', 'refused'],
    ['v1.31.4+k3s1', 'passed'],
    ['1.30.2-gke.100', 'passed'],
    ['unknown', 'unknown'],
  ])('%s is %s', (version, verdict) => expect(judgeKubernetesVersion(version, 'https://x')).toMatchObject({ verdict, fact: expect.stringContaining('https://x') }));
});

describe('permissions', () => {
  it('are named when they are missing, with why and how to ask again', () => {
    const answer = judgeAccess([{ what: 'patch configmaps', isAllowed: true }, { what: 'patch jobs.batch', isAllowed: false, reason: 'no RBAC policy matched' }], 'team');
    expect(answer).toMatchObject({ verdict: 'refused', fact: 'in namespace team: patch jobs.batch: no (no RBAC policy matched)', remedy: expect.stringContaining('kubectl auth can-i patch jobs.batch -n team') });
  });
});

describe('a StorageClass', () => {
  const fast = { name: 'fast', isDefault: false };
  it('is needed as the default', () => expect(judgeStorageClasses([fast], undefined)).toMatchObject({ verdict: 'refused', fact: expect.stringContaining('fast'), remedy: expect.stringContaining('--storage-class') }));
  it('is there when one is the default', () => expect(judgeStorageClasses([fast, { name: 'slow', isDefault: true }], undefined)).toEqual({ verdict: 'passed', fact: 'slow is the default' }));
  it('is not needed where adapters are pushed', () => expect(judgeStorageClasses([], 'r.example/a')).toMatchObject({ verdict: 'passed' }));
});

describe('a device plugin', () => {
  it.each<[string, DevicePlugin[], NodeFacts[], 'aks' | 'byo', string]>([
    ['that tolerates GPU nodes is enough', [pluginOf()], [], 'aks', 'passed'],
    ['that tolerates none stays off them', [pluginOf({ toleratesGpuTaint: false })], [nodeOf()], 'aks', 'refused'],
    ['that tolerates none is enough where existing nodes have their GPUs', [pluginOf({ toleratesGpuTaint: false })], [nodeOf()], 'byo', 'passed'],
    ['that tolerates none is not where they have not', [pluginOf({ toleratesGpuTaint: false })], [nodeOf({ gpuCount: 0 })], 'byo', 'refused'],
    ['beside a useless one is enough', [pluginOf({ toleratesGpuTaint: false }), pluginOf()], [], 'aks', 'passed'],
    ['is not missed where AKS manages the GPUs', [], [nodeOf()], 'aks', 'passed'],
    ['is missed where nothing shows GPUs', [], [nodeOf({ gpuCount: 0 })], 'aks', 'refused'],
  ])('%s', (_title, plugins, nodes, provisioner, verdict) => expect(judgeDevicePlugins(plugins, nodes, provisioner).verdict).toBe(verdict));

  it('is offered when there is none', () => expect(judgeDevicePlugins([], [], 'aks').remedy).toBe('kaito-ts doctor --install-device-plugin'));

  it.each([
    [true, '[{"op":"add","path":"/spec/template/spec/tolerations/-","value":{"key":"sku","operator":"Equal","value":"gpu","effect":"NoSchedule"}}]'],
    [false, '[{"op":"add","path":"/spec/template/spec/tolerations","value":[{"key":"sku","operator":"Equal","value":"gpu","effect":"NoSchedule"}]}]'],
  ])('is mended by a patch that fits what is there (has tolerations: %s)', (hasTolerations, patch) => {
    expect(judgeDevicePlugins([pluginOf({ toleratesGpuTaint: false, hasTolerations })], [], 'aks').remedy).toBe(`kubectl patch daemonset plugin -n kube-system --type=json -p '${patch}'`);
  });
});

describe('GPU nodes', () => {
  it('may come later in AKS', () => expect(judgeGpuNodes([], 'aks').verdict).toBe('passed'));
  it('may be slices of GPUs', () => expect(judgeGpuNodes([nodeOf({ gpuCount: 0, slices: { '3g.40gb': 2, '1g.10gb': 0 } })], 'byo')).toMatchObject({ verdict: 'passed', fact: expect.stringContaining('2 x nvidia.com/mig-3g.40gb') }));
  it('must be there where none is added', () => expect(judgeGpuNodes([nodeOf({ gpuCount: 0 }), nodeOf({ isReady: false })], 'byo')).toMatchObject({ verdict: 'refused', fact: expect.stringContaining('none of 2 nodes') }));
  it('are named', () => expect(judgeGpuNodes([nodeOf({ gpuCount: 4 })], 'byo').fact).toBe('gpu (4 x nvidia.com/gpu)'));
});

describe('gpu-provisioner', () => {
  it('is told what it means when it runs', () => expect(judgeGpuProvisioner(['kaito/gpu-provisioner'])).toMatchObject({ verdict: 'passed', fact: expect.stringMatching(/^kaito\/gpu-provisioner runs: .*karpenter\.sh\/nodepool/) }));
  it('is not missed', () => expect(judgeGpuProvisioner([])).toEqual({ verdict: 'passed', fact: 'does not run' }));
});

describe('the AKS cluster', () => {
  it('must run', () => expect(judgeManagedCluster(managedCluster({ powerState: 'Stopped' }))).toMatchObject({ verdict: 'refused', remedy: 'az aks start --resource-group group --name test' }));
  it('may be busy', () => expect(judgeManagedCluster(managedCluster({ provisioningState: 'Updating' }))).toMatchObject({ verdict: 'unknown', fact: expect.stringContaining('Updating') }));
  it('is well', () => expect(judgeManagedCluster(managedCluster())).toEqual({ verdict: 'passed', fact: 'test in group (eastus) is Running' }));
  it('may make nodes by itself', () => expect(judgeNodeAutoProvisioning(managedCluster({ hasNodeAutoProvisioning: true })).fact).toMatch(/^is on/));
});

describe('GPU quota', () => {
  const usage = (family: string, used: number, limit: number) => ({ family, displayName: family, used, limit });
  it('is missing when every family has 0', () =>
    expect(judgeGpuQuota([usage('standardNVADSA10v5Family', 0, 0), usage('standardDSv3Family', 0, 100)], 'eastus')).toMatchObject({ verdict: 'refused', remedy: expect.stringContaining('https://learn.microsoft.com/azure/quotas') }));
  it('names the families that have some, in whatever letter case Azure writes them', () =>
    expect(judgeGpuQuota([usage('standardNVADSA10v5Family', 36, 72), usage('StandardNCADSA100v4Family', 0, 0), usage('cores', 40, 100)], 'eastus')).toEqual({ verdict: 'passed', fact: 'StandardNVADSA10v5Family 36 of 72, all of eastus 40 of 100 vCPUs used' }));
  it('is unknown when Azure names no GPU family', () => expect(judgeGpuQuota([usage('standardDSv3Family', 0, 100)], 'eastus')).toMatchObject({ verdict: 'unknown', remedy: 'az vm list-usage --location eastus --output table' }));
});

describe('a registry', () => {
  it('accepts a push', () => expect(judgeRegistry('r.example/a', { canPush: true }, 's').verdict).toBe('passed'));
  it('refuses one, which the Secret may mend', () => expect(judgeRegistry('r.example/a', { canPush: false, reason: 'refused', fact: '403' }, 's')).toMatchObject({ verdict: 'refused', fact: 'r.example/a refuses a push: 403', remedy: expect.stringContaining('Secret s') }));
  it('refuses one for lack of a Secret', () => expect(judgeRegistry('r.example/a', { canPush: false, reason: 'refused', fact: '401' }, undefined).remedy).toMatch(/KAITO_OUTPUT_IMAGE_SECRET/));
  it('out of reach from here may be well in the cluster', () => expect(judgeRegistry('r.example/a', { canPush: false, reason: 'unreachable', fact: 'timeout' }, 's').verdict).toBe('unknown'));
});
