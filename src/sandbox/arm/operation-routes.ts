import { setTimeout as delay } from 'node:timers/promises';
import type { HttpsResponse } from '../https.ts';
import { armError } from './errors.ts';
import type { Operation } from './operations.ts';
import { containerServiceVersions } from './providers.ts';
import type { ArmCall, Route } from './route.ts';
import type { World } from './world.ts';

const operationVersion = '2017-08-31';
const apiVersions = [operationVersion, ...containerServiceVersions];
const location = '/subscriptions/{subscription}/providers/Microsoft.ContainerService/locations/{location}';

/**
 * Seconds until the next look, and the least that clients take notice of: with 0 the SDK goes back to an interval of its
 * own, which is longer.
 */
const retryAfter = { 'Retry-After': '1' };
/** A look is answered late when the end is near, so that clients hear of it when it happens and not a second after. */
const holdMs = 500;

/** Where an operation can be followed: its status, and its result for the verbs whose answer is not a resource. */
export const operationLinks = ({ subscriptionId, location }: World, { origin }: ArmCall, { id }: Operation, result?: 'with result'): Record<string, string> => {
  const base = `${origin}/subscriptions/${subscriptionId}/providers/Microsoft.ContainerService/locations/${location}`;
  return {
    'Azure-AsyncOperation': `${base}/operations/${id}?api-version=${operationVersion}`,
    ...(result === undefined ? {} : { Location: `${base}/operationresults/${id}?api-version=${operationVersion}` }),
    ...retryAfter,
  };
};

/** https://github.com/Azure/azure-resource-manager-rpc/blob/master/v1.0/async-api-reference.md */
export const operationRoutes = (world: World): Route[] => [
  {
    method: 'GET',
    path: `${location}/operations/{operation}`,
    apiVersions,
    action: 'Microsoft.ContainerService/locations/operations/read',
    async answer(call) {
      const operation = await findOperation(world, call);
      const { outcome } = operation;
      const body = { name: operation.id, startTime: operation.startTime.toISOString() };
      if (outcome === undefined) return { status: 200, headers: retryAfter, body: { ...body, status: 'InProgress' } };
      const error = outcome.status === 'Failed' ? { error: outcome.error } : {};
      return { status: 200, body: { ...body, status: outcome.status, endTime: outcome.endTime.toISOString(), ...error } };
    },
  },
  {
    method: 'GET',
    path: `${location}/operationresults/{operation}`,
    apiVersions,
    action: 'Microsoft.ContainerService/locations/operationresults/read',
    async answer(call): Promise<HttpsResponse> {
      const operation = await findOperation(world, call);
      if (operation.outcome === undefined) return { status: 202, headers: operationLinks(world, call, operation, 'with result') };
      if (operation.outcome.status === 'Failed') return { status: 400, body: operation.outcome.error };
      return { status: 204 };
    },
  },
];

const findOperation = async (world: World, { params }: ArmCall): Promise<Operation> => {
  const operation = world.operations.find(params['operation'] ?? '');
  if (operation === undefined) throw armError(404, 'NotFound', `The operation '${params['operation']}' was not found.`);
  const enough = new AbortController();
  await Promise.race([operation.settled, delay(holdMs, undefined, { signal: enough.signal }).catch(() => undefined)]);
  enough.abort();
  return operation;
};
