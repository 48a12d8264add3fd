import { type ConformanceCase, must, pathOf, send, seen, type TestServer, verdict } from '../server.ts';
import { configMap } from './objects.ts';

const ask = async ({ api }: TestServer, method: string, path: string, options = {}) => seen(await api.send(method, path, options));

export const protocolCases: readonly ConformanceCase[] = [
  {
    title: 'what is not there is told with its kind and name, and what the API does not have at all without',
    async observe(server) {
      return {
        object: await ask(server, 'GET', pathOf(server, 'deployments/none')),
        deleted: await ask(server, 'DELETE', pathOf(server, 'secrets/none')),
        resource: await ask(server, 'GET', pathOf(server, 'wishes')),
        resourceObject: await ask(server, 'GET', pathOf(server, 'wishes/a')),
        subresource: await ask(server, 'GET', pathOf(server, 'configmaps/a/status')),
        group: await ask(server, 'GET', `/apis/wishes.example.com/v1/namespaces/${server.namespace}/wishes`),
        version: await ask(server, 'GET', `/apis/apps/v9/namespaces/${server.namespace}/deployments`),
        path: await ask(server, 'GET', '/nowhere'),
        namespace: await ask(server, 'POST', `/api/v1/namespaces/${server.namespace}-none/configmaps`, { body: configMap('a') }),
        listInNoNamespace: await ask(server, 'GET', `/api/v1/namespaces/${server.namespace}-none/configmaps?limit=1`),
      };
    },
  },
  {
    title: 'methods that a path does not have are refused',
    async observe(server) {
      await must(send(server, 'POST', 'configmaps', configMap('a')));
      return {
        postToObject: await ask(server, 'POST', pathOf(server, 'configmaps/a'), { body: configMap('a') }),
        putToList: await ask(server, 'PUT', pathOf(server, 'configmaps'), { body: configMap('a') }),
        deleteAcross: await ask(server, 'DELETE', '/api/v1/configmaps'),
        postAcross: await ask(server, 'POST', '/api/v1/configmaps', { body: configMap('a') }),
        getReview: await ask(server, 'GET', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'),
      };
    },
  },
  {
    title: 'bodies that cannot be read are refused',
    async observe(server) {
      const post = async (body: string, contentType = 'application/json') => verdict(await send(server, 'POST', 'configmaps?dryRun=All', body, { contentType }));
      return {
        empty: await post(''),
        broken: await post('{"kind":'),
        text: await post('hello'),
        list: await post('[]'),
        noKind: await post('{"metadata":{"name":"a"}}'),
        otherKind: await post('{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}'),
        unknownKind: await post('{"apiVersion":"v1","kind":"Wish","metadata":{"name":"a"}}'),
        otherVersion: await post('{"apiVersion":"v9","kind":"ConfigMap","metadata":{"name":"a"}}'),
        otherNamespace: await post('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"default"}}'),
        media: await post('<map/>', 'application/xml'),
        form: await post('a=b', 'application/x-www-form-urlencoded'),
        yaml: await post('apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n', 'application/yaml'),
        brokenYaml: await post('a: [', 'application/yaml'),
      };
    },
  },
  {
    title: 'media types that cannot be sent are refused',
    async observe(server) {
      const get = async (accept: string, rest = 'configmaps') => {
        const answer = await send(server, 'GET', rest, undefined, { accept });
        return answer.code < 300 ? { code: answer.code, type: answer.headers['content-type'] } : seen(answer);
      };
      return {
        xml: await get('application/xml'),
        any: await get('*/*'),
        application: await get('application/*'),
        otherTable: await get('application/json;as=Table;v=v9;g=meta.k8s.io'),
        otherTableOrJson: await get('application/json;as=Table;v=v9;g=meta.k8s.io,application/json'),
        chart: await get('application/json;as=Chart;v=v1;g=meta.k8s.io'),
        table: await get('application/json;as=Table;v=v1;g=meta.k8s.io'),
      };
    },
  },
  {
    title: 'what is there already is a conflict by name',
    async observe(server) {
      await must(send(server, 'POST', 'configmaps', configMap('a')));
      return seen(await send(server, 'POST', 'configmaps', configMap('a')));
    },
  },
  {
    title: 'a name is made from its beginning',
    async observe(server) {
      const made = await must(send(server, 'POST', 'configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'made-by-' } }));
      return made;
    },
  },
  {
    title: 'a namespace may be read, and holds what each namespace holds',
    async observe(server) {
      const namespace = await must(server.api.send('GET', `/api/v1/namespaces/${server.namespace}`));
      return { spec: namespace['spec'], status: namespace['status'] };
    },
  },
  {
    title: 'query parameters that make no sense are refused',
    async observe(server) {
      return {
        timeout: await ask(server, 'GET', pathOf(server, 'configmaps?watch=1&timeoutSeconds=long')),
        watch: await ask(server, 'GET', pathOf(server, 'leases?watch=perhaps&timeoutSeconds=1')),
        limit: await ask(server, 'GET', pathOf(server, 'leases?limit=-1')),
        dryRun: await ask(server, 'POST', pathOf(server, 'configmaps?dryRun=Some'), { body: configMap('a') }),
        dryRunDelete: await ask(server, 'DELETE', pathOf(server, 'configmaps/a?dryRun=Some')),
        manager: await ask(server, 'POST', pathOf(server, `configmaps?dryRun=All&fieldManager=${'m'.repeat(129)}`), { body: configMap('a') }),
        unknown: await ask(server, 'GET', pathOf(server, 'configmaps/none?wish=yes')),
      };
    },
  },
];
