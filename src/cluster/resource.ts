import { NotFoundError } from '../domain/errors.ts';
import type { Call } from './cluster.ts';
import { type ApiResource, apiResources } from './kinds.ts';
import type { Question } from './question.ts';
import { isRecord } from './object.ts';
import type { Transport } from './transport.ts';

/** Where objects of a kind live: known beforehand for the usual ones, asked of the server for any other, such as a NodePool. */
export const findResource = async (transport: Transport, apiVersion: string, kind: string, call: Call): Promise<ApiResource> => {
  const known = Object.entries<ApiResource>(apiResources).find(([name, resource]) => name === kind && resource.apiVersion === apiVersion)?.[1];
  if (known !== undefined) return known;

  const question: Question = { verb: 'get', kind, resource: { apiVersion, plural: kind, namespaced: false } };
  const path = `${apiVersion.includes('/') ? '/apis' : '/api'}/${apiVersion}`;
  const { body } = await transport.ask({ question, path, method: 'GET', ...call });
  const resources = isRecord(body) && Array.isArray(body['resources']) ? body['resources'].filter(isRecord) : [];
  // Subresources carry the kind as well: `nodepools/status`.
  const found = resources.find((resource) => resource['kind'] === kind && typeof resource['name'] === 'string' && !resource['name'].includes('/'));
  if (found === undefined) {
    throw new NotFoundError(`The cluster does not know the kind ${kind} in ${apiVersion}.`, { reason: 'UnknownResource', hints: ['kubectl api-resources'] });
  }
  return { apiVersion, plural: String(found['name']), namespaced: found['namespaced'] === true };
};
