import type { GlobalValues } from './globals.ts';

/** How the flags name the AKS cluster, as far as they do. */
export const azureHint = ({ subscription, resourceGroup, cluster }: GlobalValues): { subscriptionId?: string; resourceGroup?: string; name?: string } => ({
  ...(subscription === undefined ? {} : { subscriptionId: subscription }),
  ...(resourceGroup === undefined ? {} : { resourceGroup }),
  ...(cluster === undefined ? {} : { name: cluster }),
});
