import { createHash } from 'node:crypto';
import type { JsonRecord } from './json.ts';
import { findGroupPath, groupPath, groupVersions, type Resource, resources } from './resources.ts';

/** `/openapi/v3`: where the documents of each group are. Their address changes with their content, so that clients may keep them. */
export const openApiIndex = (): JsonRecord => ({
  paths: Object.fromEntries(
    groupVersions.map((group) => {
      const hash = createHash('sha256').update(JSON.stringify(toDocument(group))).digest('hex').slice(0, 32).toUpperCase();
      return [groupPath(group).slice(1), { serverRelativeURL: `/openapi/v3${groupPath(group)}?hash=${hash}` }];
    }),
  ),
});

/**
 * `/openapi/v3/apis/apps/v1`: the operations on objects and what parameters they take, which is what kubectl asks to
 * learn that fields are validated here and not by itself. No schemas: nothing here knows all fields, so all are accepted.
 */
export const openApiDocument = (path: string): JsonRecord | undefined => {
  const group = findGroupPath(path);
  return group && toDocument(group);
};

const toDocument = ({ group, version }: { group: string; version: string }): JsonRecord => ({
  openapi: '3.0.0',
  info: { title: 'Kubernetes', version },
  paths: Object.fromEntries(
    resources
      .filter((resource) => resource.group === group && !resource.isQuestion)
      .map((resource) => [objectPath(resource), { patch: toOperation(resource) }]),
  ),
  components: { schemas: {} },
});

const objectPath = (resource: Resource): string => `${groupPath(resource)}/${resource.namespaced ? 'namespaces/{namespace}/' : ''}${resource.plural}/{name}`;

const toOperation = ({ group, version, kind }: Resource): JsonRecord => ({
  'x-kubernetes-action': 'patch',
  'x-kubernetes-group-version-kind': { group, version, kind },
  parameters: ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map((name) => ({
    name,
    in: 'query',
    schema: { type: name === 'force' ? 'boolean' : 'string', uniqueItems: true },
  })),
  responses: { 200: { description: 'OK' } },
});
