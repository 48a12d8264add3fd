import type { AgentPool } from '@azure/arm-containerservice';
import { describe, expect, it } from 'vitest';
import { clusterName, gpuPool, group, sandboxArm, subscriptionId } from './sandbox-arm.ts';

const path = (pool: string): string =>
  `/subscriptions/${subscriptionId}/resourceGroups/${group}/providers/Microsoft.ContainerService/managedClusters/${clusterName}/agentPools/${pool}?api-version=2026-06-01`;
const properties = { count: 1, vmSize: 'Standard_NC24ads_A100_v4' };

describe('a pool is refused', () => {
  it.each(['GPU', '1gpu', 'my-gpu', 'thirteenchars', 'gpu_1'])('when its name is %s', async (name) => {
    const { ask } = await sandboxArm();
    expect(await ask('PUT', path(name), { properties })).toMatchObject({
      status: 400,
      body: { code: 'InvalidParameter', target: 'agentPoolProfile.name', message: expect.stringContaining('The value of parameter agentPoolProfile.name is invalid.') },
    });
  });

  it.each([
    ['has no count', { vmSize: properties.vmSize }, 'InvalidParameter', 'Required parameter properties.count is missing (null).'],
    ['has a count of null', { ...properties, count: null }, 'InvalidParameter', 'Required parameter properties.count is missing (null).'],
    ['has no size', { count: 1 }, 'InvalidParameter', 'Required parameter properties.vmSize is missing (null).'],
    ['has a property nobody knows', { ...properties, vmsize: 'x' }, 'UnmarshalError', 'json: unknown field "vmsize"'],
    ['has an unknown property deep inside', { ...properties, gpuProfile: { driverType: 'CUDA' } }, 'UnmarshalError', 'json: unknown field "driverType"'],
    ['counts in text', { ...properties, count: '1' }, 'UnmarshalError', 'json: cannot unmarshal string into Go struct field properties.count of type number'],
    ['counts in fractions', { ...properties, count: 1.5 }, 'UnmarshalError', 'properties.count'],
    ['has taints as objects', { ...properties, nodeTaints: [{ key: 'sku' }] }, 'UnmarshalError', 'properties.nodeTaints.0'],
    ['has labels that are no text', { ...properties, nodeLabels: { a: 1 } }, 'UnmarshalError', 'properties.nodeLabels.a'],
    ['numbers its zones', { ...properties, availabilityZones: [1] }, 'UnmarshalError', 'properties.availabilityZones.0'],
    ['has too many machines', { ...properties, count: 1001 }, 'InvalidParameter', 'agentPoolProfile.count'],
    ['has a disk that does not exist', { ...properties, osDiskSizeGB: 9000 }, 'InvalidParameter', 'agentPoolProfile.osDiskSizeGB'],
    ['writes its mode in lower case', { ...properties, mode: 'user' }, 'InvalidParameter', 'agentPoolProfile.mode'],
    ['names a subnet that is no id', { ...properties, vnetSubnetID: 'nodes' }, 'InvalidParameter', 'agentPoolProfile.vnetSubnetID'],
  ])('when it %s', async (_, asked, code, message) => {
    const { ask } = await sandboxArm();
    expect(await ask('PUT', path('gpu'), { properties: asked })).toMatchObject({ status: 400, body: { code, message: expect.stringContaining(message), details: null, subcode: '' } });
  });

  it.each<[string, AgentPool, string, string]>([
    ['asks for a size that nobody has', { vmSize: 'Standard_NC6_v9' }, 'VMSizeNotSupported', "'Standard_NC6_v9' is not supported for subscription"],
    ['asks for a size that this subscription may not use', { vmSize: 'Standard_NG32ads_V620_v1' }, 'VMSizeNotSupported', 'Standard_NG32ads_V620_v1'],
    ['asks for a zone without that size', { vmSize: 'Standard_ND96isr_H100_v5', availabilityZones: ['1', '2'] }, 'AvailabilityZoneNotSupported', "The zone(s) '2' for resource 'gpu' is not supported. The supported zones for location 'eastus' are '1'"],
    ['asks for a zone that this subscription may not use', { vmSize: 'Standard_ND96isr_H200_v5', availabilityZones: ['3'] }, 'AvailabilityZoneNotSupported', "are '1'"],
    ['slices a GPU that cannot be sliced', { vmSize: 'Standard_NV36ads_A10_v5', gpuInstanceProfile: 'MIG1g' }, 'BadRequest', 'MIG1g'],
    ['scales by itself without bounds', { enableAutoScaling: true }, 'InvalidParameter', 'Required parameter properties.minCount is missing'],
    ['scales by itself without an upper bound', { enableAutoScaling: true, minCount: 0 }, 'InvalidParameter', 'Required parameter properties.maxCount is missing'],
    ['starts outside its bounds', { enableAutoScaling: true, minCount: 2, maxCount: 3 }, 'InvalidParameter', 'agentPoolProfile.count'],
    ['has its bounds the wrong way round', { enableAutoScaling: true, minCount: 3, maxCount: 1 }, 'InvalidParameter', 'agentPoolProfile.minCount'],
    ['has bounds and does not scale', { minCount: 0 }, 'InvalidParameter', 'agentPoolProfile.minCount'],
    ['is a system pool that may become empty', { mode: 'System', enableAutoScaling: true, minCount: 0, maxCount: 1 }, 'InvalidParameter', 'agentPoolProfile.minCount'],
    ['is an empty system pool', { mode: 'System', count: 0 }, 'InvalidParameter', 'agentPoolProfile.count'],
    ['is a system pool of Spot machines', { mode: 'System', scaleSetPriority: 'Spot' }, 'BadRequest', 'Spot'],
    ['offers nothing for Spot machines', { scaleSetPriority: 'Spot', spotMaxPrice: 0 }, 'InvalidParameter', 'agentPoolProfile.spotMaxPrice'],
    ['offers a price in tiny fractions', { scaleSetPriority: 'Spot', spotMaxPrice: 0.123456 }, 'InvalidParameter', 'agentPoolProfile.spotMaxPrice'],
    ['says how to evict what cannot be evicted', { scaleSetEvictionPolicy: 'Delete' }, 'InvalidParameter', 'agentPoolProfile.scaleSetEvictionPolicy'],
    ['takes a label of AKS', { nodeLabels: { 'kubernetes.azure.com/mode': 'user' } }, 'BadRequest', "The 'kubernetes.azure.com' prefix is preserved by aks system labels"],
    ['takes the Spot label without being Spot', { nodeLabels: { 'kubernetes.azure.com/scalesetpriority': 'spot' } }, 'BadRequest', 'preserved by aks system labels'],
    ['takes a label of Kubernetes', { nodeLabels: { 'node-role.kubernetes.io/gpu': '' } }, 'BadRequest', "must begin with an allowed prefix (kubelet.kubernetes.io, node.kubernetes.io)"],
    ['takes a bare label of AKS', { nodeLabels: { accelerator: 'nvidia' } }, 'BadRequest', 'accelerator'],
    ['has a label that is none', { nodeLabels: { 'kaito.sh/workspace': 'no spaces' } }, 'InvalidParameter', 'agentPoolProfile.nodeLabels'],
    ['has a taint without an effect', { nodeTaints: ['sku=gpu'] }, 'InvalidParameter', 'agentPoolProfile.nodeTaints'],
    ['has a tag with a slash', { tags: { 'kaito.sh/workspace': 'phi' } }, 'InvalidTagNameCharacters', "The tag names 'kaito.sh/workspace' have reserved characters"],
    ['has a tag that is a letter', { tags: { a: 'x'.repeat(257) } }, 'InvalidTagValueLength', 'maximum length of 256'],
    ['is of a kind that the sandbox does not have', { typePropertiesType: 'VirtualMachines' }, 'BadRequest', 'The sandbox only has'],
  ])('when it %s', async (_, change, code, message) => {
    const { create, created } = await sandboxArm();
    await expect(create('gpu', { ...gpuPool, ...change }).submitted()).rejects.toMatchObject({ statusCode: 400, code, message: expect.stringContaining(message) });
    expect(created).toEqual([]);
  });

  it('when its body is not JSON, by ARM itself', async () => {
    const { ask } = await sandboxArm();
    expect(await ask('PUT', path('gpu'), '{"properties":')).toMatchObject({ status: 400, body: { error: { code: 'InvalidRequestContent' } } });
  });
});

describe('a pool is accepted', () => {
  it.each<[string, AgentPool]>([
    ['empty', { count: 0 }],
    ['able to become empty', { enableAutoScaling: true, minCount: 0, maxCount: 2 }],
    ['in the zones of its size', { availabilityZones: ['1', '3'] }],
    ['sliced', { gpuInstanceProfile: 'MIG3g' }],
    ['of Spot machines with a price', { scaleSetPriority: 'Spot', scaleSetEvictionPolicy: 'Deallocate', spotMaxPrice: 1.25 }],
    ['with labels of its own and those the kubelet may have', { nodeLabels: { 'kaito.sh/workspace': 'phi-4', team: '', 'node.kubernetes.io/pool': 'gpu' } }],
    ['without a driver', { gpuProfile: { driver: 'None' } }],
  ])('%s', async (_, change) => {
    const { create } = await sandboxArm();
    expect(await create('gpu', { ...gpuPool, ...change })).toMatchObject({ ...change, provisioningState: 'Succeeded' });
  });
});
