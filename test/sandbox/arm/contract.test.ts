import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PipelinePolicy } from '@azure/core-rest-pipeline';
import { describe, expect, it } from 'vitest';
import { type AgentPoolProperties, parseAgentPool } from '../../../src/sandbox/arm/agent-pool-schema.ts';
import { ArmError } from '../../../src/sandbox/arm/errors.ts';
import type { AgentPoolResource } from '../../../src/sandbox/arm/world.ts';
import { clusterName, gpuPool, group, sandboxArm } from './sandbox-arm.ts';
import { type Exchange, hasSwagger, openSwagger, swaggerFolder } from './swagger.ts';

type Swagger = ReturnType<typeof openSwagger>;

describe.skipIf(!hasSwagger)('against the AKS specification 2026-06-01 (needs ../shared/data/swagger)', () => {
  it('every request of the SDK and every answer of the sandbox is in the specification, but for the flat errors of AKS', async () => {
    const { client, create, remove, get } = await sandboxArm({ onPool: { created: neverThree, deleted: async () => undefined } });
    const exchanges: Exchange[] = [];
    client.pipeline.addPolicy(recorder(exchanges));

    await create('gpu', { ...gpuPool, scaleSetPriority: 'Spot', availabilityZones: ['1', '2'], tags: { owner: 'kaito-ts' } });
    await create('gpu', { ...(await get('gpu')), count: 2 });
    await Array.fromAsync(client.agentPools.list(group, clusterName));
    await Array.fromAsync(client.managedClusters.list());
    await Array.fromAsync(client.managedClusters.listByResourceGroup(group));
    await client.managedClusters.get(group, clusterName);
    const update = create('gpu', { ...(await get('gpu')), count: 3 });
    await update.submitted();
    await client.agentPools.abortLatestOperation(group, clusterName, 'gpu', { updateIntervalInMs: 10 });
    await expect(update.pollUntilDone()).rejects.toThrow('canceled');
    await remove('gpu');
    await remove('gpu');
    await expect(client.managedClusters.get(group, 'other')).rejects.toThrow();
    await expect(get('gpu')).rejects.toThrow();

    const swagger = openSwagger();
    const complaints = exchanges.map((exchange) => swagger.checkExchange(exchange));
    expect(complaints.filter((lines) => lines !== undefined).length).toBeGreaterThanOrEqual(14);
    expect(complaints.flatMap((lines) => lines ?? [])).toEqual(
      ['code', 'details', 'message', 'subcode'].map((name) => `AgentPools_Get 404 response.${name}: is not in the specification`),
    );
  });

  it('a Failed pool and its operation are in the specification too', async () => {
    const { client, create, get } = await sandboxArm({ faults: ['capacity'] });
    const exchanges: Exchange[] = [];
    client.pipeline.addPolicy(recorder(exchanges));
    await expect(create('gpu')).rejects.toThrow('AllocationFailed');
    await get('gpu');
    const swagger = openSwagger();
    expect(exchanges.flatMap((exchange) => swagger.checkExchange(exchange) ?? [])).toEqual([]);
    const status = exchanges.find(({ url }) => url.pathname.includes('/operations/'));
    const operationStatus = swagger.follow({ ...swagger.definition('AgentPool'), value: { $ref: '../../../../../../common-types/resource-management/v6/types.json#/definitions/OperationStatusResult' } });
    expect(swagger.check(status?.responseBody, operationStatus, 'response', 'status')).toEqual([]);
  });

  it('the sandbox reads every property that may be written, in its type and in no other', () => {
    const swagger = openSwagger();
    const properties = swagger.propertiesOf(swagger.definition('ManagedClusterAgentPoolProfileProperties'));
    const writable = [...properties].filter(([name, { value }]) => value.readOnly !== true && name !== 'status');
    expect(writable.length).toBeGreaterThan(50);
    for (const [name, schema] of writable) {
      const value = sampleOf(swagger, schema);
      expect(parse({ [name]: value }), name).toEqual({ [name]: value });
      expect(() => parse({ [name]: typeof value === 'string' ? 7 : 'seven' }), name).toThrow(ArmError);
      if (swagger.follow(schema).value.enum !== undefined) expect(() => parse({ [name]: 'Other' }), name).toThrow(ArmError);
    }
    for (const [name, { value }] of properties) if (value.readOnly === true) expect(parse({ [name]: 'read before' })).toEqual({});
  });

  it('the pools of the official examples are understood', () => {
    const folder = join(swaggerFolder, 'examples');
    const bodies = readdirSync(folder).flatMap((file) => {
      const { parameters }: { parameters: { parameters?: unknown } } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
      return parameters.parameters === undefined ? [] : [parameters.parameters];
    });
    expect(bodies.length).toBeGreaterThanOrEqual(3);
    for (const body of bodies) expect(parseAgentPool(JSON.stringify(body))).toHaveProperty('osType', 'Linux');
  });
});

/** Three machines never come, so that there is something to abort. */
const neverThree = (pool: AgentPoolResource): Promise<void> => (pool.properties.count === 3 ? new Promise(() => undefined) : Promise.resolve());

const parse = (properties: Record<string, unknown>): AgentPoolProperties => parseAgentPool(JSON.stringify({ properties }));

/** A value of that schema, with all that it can have. */
const sampleOf = (swagger: Swagger, placed: Parameters<Swagger['follow']>[0]): unknown => {
  const { value: schema, file } = swagger.follow(placed);
  if (schema.enum !== undefined) return schema.enum[0];
  switch (schema.type) {
    case 'string':
      return schema.format === 'arm-id' ? '/subscriptions/s/resourceGroups/g/providers/Microsoft.X/y/z' : 'text';
    case 'integer':
    case 'number':
      return schema.minimum ?? 30;
    case 'boolean':
      return true;
    case 'array':
      return [sampleOf(swagger, { value: schema.items ?? {}, file })];
    case 'object':
    case undefined:
      break;
  }
  if (typeof schema.additionalProperties === 'object') return { key: sampleOf(swagger, { value: schema.additionalProperties, file }) };
  const writable = [...swagger.propertiesOf({ value: schema, file })].filter(([, { value }]) => value.readOnly !== true);
  return Object.fromEntries(writable.map(([name, property]) => [name, sampleOf(swagger, property)]));
};

const recorder = (exchanges: Exchange[]): PipelinePolicy => ({
  name: 'recorder',
  async sendRequest(request, next) {
    const response = await next(request);
    exchanges.push({
      method: request.method,
      url: new URL(request.url),
      requestBody: typeof request.body === 'string' ? JSON.parse(request.body) : undefined,
      status: response.status,
      responseHeaders: response.headers.toJSON(),
      responseBody: response.bodyAsText ? JSON.parse(response.bodyAsText) : undefined,
    });
    return response;
  },
});
