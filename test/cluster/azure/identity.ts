import type { NodePlace } from '../../../src/sandbox/controllers/node-object.ts';

/** Who and where the Azure of a real cluster is. */
export const identity = {
  subscriptionId: '00000000-5a0d-4b0c-8000-000000000011',
  tenantId: '00000000-5a0d-4b0c-8000-000000000012',
  clientId: '00000000-5a0d-4b0c-8000-000000000013',
  location: 'eastus',
  resourceGroup: 'real',
  clusterName: 'real',
} as const;

export const nodePlace: NodePlace = {
  subscriptionId: identity.subscriptionId,
  location: identity.location,
  nodeResourceGroup: `MC_${identity.resourceGroup}_${identity.clusterName}_${identity.location}`,
};
