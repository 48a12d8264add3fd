import { resourceVersions } from './providers.ts';
import type { Route } from './route.ts';
import type { World } from './world.ts';

/** https://learn.microsoft.com/rest/api/resources/subscriptions */
export const subscriptionRoutes = ({ subscriptionId, tenantId }: World): Route[] => {
  const subscription = {
    id: `/subscriptions/${subscriptionId}`,
    subscriptionId,
    tenantId,
    displayName: 'Sandbox',
    state: 'Enabled',
    authorizationSource: 'RoleBased',
    managedByTenants: [],
    subscriptionPolicies: { locationPlacementId: 'Public_2014-09-01', quotaId: 'PayAsYouGo_2014-09-01', spendingLimit: 'Off' },
  };
  return [
    {
      method: 'GET',
      path: '/subscriptions',
      apiVersions: resourceVersions,
      action: 'Microsoft.Resources/subscriptions/read',
      answer: () => ({ status: 200, body: { value: [subscription], count: { type: 'Total', value: 1 } } }),
    },
    {
      method: 'GET',
      path: '/subscriptions/{subscription}',
      apiVersions: resourceVersions,
      action: 'Microsoft.Resources/subscriptions/read',
      answer: () => ({ status: 200, body: subscription }),
    },
  ];
};
