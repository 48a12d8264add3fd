import { armError } from './errors.ts';
import type { Route } from './route.ts';
import type { World } from './world.ts';

/** Those of the AKS SDK. */
export const containerServiceVersions = ['2025-10-01', '2026-01-01', '2026-02-01', '2026-03-01', '2026-04-01', '2026-05-01', '2026-06-01'];
export const computeVersions = ['2024-07-01', '2024-11-01', '2025-04-01', '2026-04-01'];
export const skuVersions = ['2019-04-01', '2021-07-01'];
export const resourceVersions = ['2020-01-01', '2021-01-01', '2021-04-01', '2022-09-01', '2022-12-01', '2025-04-01'];

/** What each resource provider has here: types with their api-versions. */
const providers: Record<string, Record<string, readonly string[]>> = {
  'Microsoft.ContainerService': {
    managedClusters: containerServiceVersions,
    'managedClusters/agentPools': containerServiceVersions,
    'locations/operations': containerServiceVersions,
    'locations/operationresults': containerServiceVersions,
  },
  'Microsoft.Compute': { skus: skuVersions, 'locations/usages': computeVersions },
};

/** https://learn.microsoft.com/rest/api/resources/providers/get */
export const providerRoutes = ({ subscriptionId, location }: World): Route[] => [
  {
    method: 'GET',
    path: '/subscriptions/{subscription}/providers/{namespace}',
    apiVersions: resourceVersions,
    action: 'Microsoft.Resources/subscriptions/providers/read',
    answer({ params }) {
      const found = findProvider(params['namespace'] ?? '');
      if (found === undefined) throw unknownNamespace(params['namespace'] ?? '');
      const resourceTypes = Object.entries(found.types).map(([resourceType, apiVersions]) => ({ resourceType, locations: [location], apiVersions }));
      return {
        status: 200,
        body: {
          id: `/subscriptions/${subscriptionId}/providers/${found.namespace}`,
          namespace: found.namespace,
          registrationPolicy: 'RegistrationRequired',
          registrationState: 'Registered',
          resourceTypes,
        },
      };
    },
  },
];

export const findProvider = (namespace: string): { namespace: string; types: Record<string, readonly string[]> } | undefined => {
  const found = Object.entries(providers).find(([name]) => name.toLowerCase() === namespace.toLowerCase());
  return found && { namespace: found[0], types: found[1] };
};

export const unknownNamespace = (namespace: string): Error => armError(404, 'InvalidResourceNamespace', `The resource namespace '${namespace}' is invalid.`);
