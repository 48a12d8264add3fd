import { containerServiceVersions } from './providers.ts';
import { toManagedCluster } from './resources.ts';
import type { Route } from './route.ts';
import { clustersInGroup, findCluster, type World } from './world.ts';

const provider = 'providers/Microsoft.ContainerService/managedClusters';
const readOnly = { method: 'GET', apiVersions: containerServiceVersions, action: 'Microsoft.ContainerService/managedClusters/read' } as const;

/** https://learn.microsoft.com/rest/api/aks/managed-clusters */
export const managedClusterRoutes = (world: World): Route[] => [
  {
    ...readOnly,
    path: `/subscriptions/{subscription}/${provider}`,
    answer: () => ({ status: 200, body: { value: world.clusters.map((cluster) => toManagedCluster(world, cluster)) } }),
  },
  {
    ...readOnly,
    path: `/subscriptions/{subscription}/resourceGroups/{group}/${provider}`,
    answer: ({ params }) => ({
      status: 200,
      body: { value: clustersInGroup(world, params['group'] ?? '').map((cluster) => toManagedCluster(world, cluster)) },
    }),
  },
  {
    ...readOnly,
    path: `/subscriptions/{subscription}/resourceGroups/{group}/${provider}/{cluster}`,
    answer: ({ params }) => ({ status: 200, body: toManagedCluster(world, findCluster(world, params)) }),
  },
];
