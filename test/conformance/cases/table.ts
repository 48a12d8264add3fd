import { isRecord, valueAt } from '../../../src/sandbox/kube/json.ts';
import { type ConformanceCase, hasCondition, must, send, type TestServer, until } from '../server.ts';
import { claim, configMap, deployment, job, pod, service, statefulSet } from './objects.ts';

const asTable = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };

/** Columns without their long descriptions; ages are what they are. */
const table = async (server: TestServer, rest: string): Promise<unknown> => {
  const body = await must(send(server, 'GET', rest, undefined, asTable));
  const definitions = Array.isArray(body['columnDefinitions']) ? body['columnDefinitions'].filter(isRecord) : [];
  const ageAt = definitions.map(({ name }) => name === 'Age' || name === 'Duration' || name === 'Last Seen' || name === 'First Seen');
  const nodeAt = definitions.findIndex(({ name }) => name === 'Node');
  const rows = Array.isArray(body['rows']) ? body['rows'].filter(isRecord) : [];
  return {
    kind: body['kind'],
    apiVersion: body['apiVersion'],
    metadata: body['metadata'],
    columns: definitions.map(({ name, type, format, priority }) => ({ name, type, format, priority })),
    rows: rows.map(({ cells, object }) => ({
      cells: Array.isArray(cells) ? cells.map((cell, index) => (ageAt[index] && typeof cell === 'string' && /^\d/.test(cell) ? '<age>' : index === nodeAt && cell !== '<none>' ? '<node>' : cell)) : cells,
      object: { kind: valueAt(object, 'kind'), apiVersion: valueAt(object, 'apiVersion'), name: valueAt(object, 'metadata', 'name'), spec: valueAt(object, 'spec') !== undefined },
    })),
  };
};

export const tableCases: readonly ConformanceCase[] = [
  {
    title: 'ConfigMaps, Secrets, Services and claims are laid out as rows',
    async observe(server) {
      await must(send(server, 'POST', 'configmaps', configMap('a', { one: '1', two: '2' })));
      await must(send(server, 'POST', 'secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, stringData: { key: 'value' } }));
      await must(send(server, 'POST', 'services', service('a', { ports: [{ name: 'http', port: 80 }, { name: 'dns', port: 53, protocol: 'UDP' }] })));
      await must(send(server, 'POST', 'services', service('headless', { clusterIP: 'None', selector: undefined })));
      await must(send(server, 'POST', 'persistentvolumeclaims', claim('a')));
      return {
        configMaps: await table(server, 'configmaps?fieldSelector=metadata.name%3Da'),
        secrets: await table(server, 'secrets'),
        services: await table(server, 'services'),
        claims: await table(server, 'persistentvolumeclaims'),
        one: await table(server, 'configmaps/a'),
        none: await table(server, 'events?fieldSelector=reason%3DNothing'),
        whole: await table(server, 'configmaps/a?includeObject=Object'),
        bare: await table(server, 'configmaps/a?includeObject=None'),
      };
    },
  },
  {
    title: 'workloads that run nothing are laid out as rows',
    async observe(server) {
      await must(send(server, 'POST', 'deployments', deployment(server, 'a')));
      await must(send(server, 'POST', 'statefulsets', statefulSet(server, 'a')));
      await must(send(server, 'POST', 'jobs', job(server, 'a', undefined, { suspend: true })));
      await must(send(server, 'POST', 'pods', pod(server, 'nowhere', undefined, { nodeSelector: { nowhere: 'yes' } })));
      await until(server, 'jobs/a', hasCondition('Suspended'));
      await until(server, 'deployments/a', hasCondition('Available'));
      await until(server, 'pods/nowhere', hasCondition('PodScheduled', 'False'));
      return {
        deployments: await table(server, 'deployments'),
        replicaSets: await table(server, 'replicasets'),
        statefulSets: await table(server, 'statefulsets'),
        jobs: await table(server, 'jobs'),
        pods: await table(server, 'pods'),
      };
    },
  },
  {
    title: 'pods that run, have ended and have failed are laid out as rows',
    needs: 'pods',
    async observe(server) {
      await must(send(server, 'POST', 'pods', pod(server, 'runs')));
      await must(send(server, 'POST', 'pods', pod(server, 'ended', 'exit 0')));
      await must(send(server, 'POST', 'pods', pod(server, 'failed', 'exit 3')));
      await must(send(server, 'POST', 'jobs', job(server, 'done', 'exit 0')));
      await must(send(server, 'POST', 'jobs', job(server, 'broken', 'exit 1', { backoffLimit: 0 })));
      await until(server, 'pods/runs', hasCondition('Ready'));
      await until(server, 'pods/ended', (found) => valueAt(found, 'status', 'phase') === 'Succeeded');
      await until(server, 'pods/failed', (found) => valueAt(found, 'status', 'phase') === 'Failed');
      await until(server, 'jobs/done', hasCondition('Complete'));
      await until(server, 'jobs/broken', hasCondition('Failed'));
      return { runs: await table(server, 'pods/runs'), ended: await table(server, 'pods/ended'), failed: await table(server, 'pods/failed'), jobs: await table(server, 'jobs') };
    },
  },
  {
    title: 'metadata alone is sent to who asks for it',
    async observe(server) {
      await must(send(server, 'POST', 'configmaps', configMap('a', {}, { labels: { a: 'b' } })));
      const list = await must(send(server, 'GET', 'configmaps?labelSelector=a', undefined, { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' }));
      const one = await must(send(server, 'GET', 'configmaps/a', undefined, { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' }));
      return { list, one };
    },
  },
];
