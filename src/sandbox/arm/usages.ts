import { computeVersions } from './providers.ts';
import { countQuotas } from './quota.ts';
import type { Route } from './route.ts';
import type { World } from './world.ts';

/** https://learn.microsoft.com/rest/api/compute/usage/list */
export const usageRoutes = (world: World): Route[] => [
  {
    method: 'GET',
    path: '/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}/usages',
    apiVersions: computeVersions,
    action: 'Microsoft.Compute/locations/usages/read',
    answer: ({ params }) => ({
      status: 200,
      body: {
        // Another region is as empty as a region can be.
        value: params['location']?.toLowerCase() === world.location ? countQuotas(world).map(toUsage) : [],
      },
    }),
  },
];

const toUsage = ({ name, used, limit }: ReturnType<typeof countQuotas>[number]): Record<string, unknown> => ({
  currentValue: used,
  limit,
  unit: 'Count',
  // Compute writes a family's name in another case here than in its list of sizes.
  name: { value: name.replace(/^Standard/, 'standard'), localizedValue: displayNames[name] ?? `${name.replace(/^standard/i, 'Standard ').replace(/Family$/, ' Family')} vCPUs` },
});

const displayNames: Record<string, string> = { cores: 'Total Regional vCPUs', lowPriorityCores: 'Total Regional Low-priority vCPUs' };
