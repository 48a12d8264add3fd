import { recordAt, valueAt } from '../../../src/sandbox/kube/json.ts';
import { type ConformanceCase, must, send, seen, type TestServer } from '../server.ts';
import { configMap } from './objects.ts';

/** Somebody who may nothing until the case says otherwise. */
const ada = { headers: { 'impersonate-user': 'ada' } };

const review = ({ api }: TestServer, attributes: object, options = {}) =>
  api.send('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes: attributes } }, ...options });

export const accessCases: readonly ConformanceCase[] = [
  {
    title: 'a token that nobody knows is answered 401, and so is a watch and a write with it',
    async observe(server) {
      const options = { token: 'wrong' };
      return {
        list: seen(await send(server, 'GET', 'configmaps', undefined, options)),
        watch: seen(await send(server, 'GET', 'configmaps?watch=1&timeoutSeconds=1', undefined, options)),
        write: seen(await send(server, 'POST', 'configmaps', configMap('a'), options)),
        version: seen(await server.api.send('GET', '/apis', options)),
      };
    },
  },
  {
    title: 'whoever may do nothing is told what, in words that tools match',
    needs: 'identities',
    async observe(server) {
      const ask = async (method: string, rest: string, body?: unknown) => seen(await send(server, method, rest, body, ada));
      return {
        list: await ask('GET', 'configmaps'),
        get: await ask('GET', 'configmaps/a'),
        watch: await ask('GET', 'pods?watch=1&timeoutSeconds=1'),
        create: await ask('POST', 'deployments', {}),
        patch: await ask('PATCH', 'jobs/a', {}),
        remove: await ask('DELETE', 'secrets/a'),
        removeAll: await ask('DELETE', 'configmaps'),
        log: await ask('GET', 'pods/a/log'),
        forward: await ask('GET', 'pods/a/portforward?ports=80'),
        scale: await ask('GET', 'deployments/a/scale'),
        across: seen(await server.api.send('GET', '/apis/batch/v1/jobs', ada)),
        nodes: seen(await server.api.send('GET', '/api/v1/nodes', ada)),
        node: seen(await server.api.send('GET', '/api/v1/nodes/none', ada)),
      };
    },
  },
  {
    title: 'a role gives what it says and no more',
    needs: 'identities',
    async observe(server) {
      await must(send(server, 'POST', 'roles', { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'reader' }, rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list'] }, { apiGroups: ['apps'], resources: ['deployments', 'deployments/scale'], resourceNames: ['web'], verbs: ['*'] }] }));
      await must(send(server, 'POST', 'rolebindings', { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'reader' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' }, subjects: [{ kind: 'User', name: 'ada', apiGroup: 'rbac.authorization.k8s.io' }] }));
      const code = async (method: string, rest: string, body?: unknown) => (await send(server, method, rest, body, ada)).code;
      // The authoriser hears of roles as everybody does, by watching.
      const endsAt = Date.now() + 60_000;
      while ((await code('GET', 'configmaps')) === 403 && Date.now() < endsAt);
      return {
        list: await code('GET', 'configmaps'),
        get: await code('GET', 'configmaps/none'),
        watch: await code('GET', 'configmaps?watch=1&timeoutSeconds=1'),
        create: seen(await send(server, 'POST', 'configmaps', configMap('a'), ada)),
        named: await code('GET', 'deployments/web'),
        scale: await code('GET', 'deployments/web/scale'),
        otherName: seen(await send(server, 'GET', 'deployments/other', undefined, ada)),
        applyNew: seen(await send(server, 'PATCH', 'deployments/web?fieldManager=ada', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } }, { ...ada, contentType: 'application/apply-patch+yaml' })),
        may: valueAt((await review(server, { namespace: server.namespace, verb: 'list', resource: 'configmaps' }, ada)).body, 'status', 'allowed'),
        mayNot: valueAt((await review(server, { namespace: server.namespace, verb: 'delete', resource: 'configmaps' }, ada)).body, 'status', 'allowed'),
      };
    },
  },
  {
    title: 'anybody may ask what they may do',
    needs: 'identities',
    async observe(server) {
      const attributes = { namespace: server.namespace, verb: 'create', group: 'batch', resource: 'jobs' };
      const answer = await review(server, attributes, ada);
      const own = await review(server, attributes);
      return { code: answer.code, spec: recordAt(answer.body, 'spec'), allowed: valueAt(answer.body, 'status', 'allowed'), own: valueAt(own.body, 'status', 'allowed'), empty: seen(await server.api.send('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: {} } })) };
    },
  },
  {
    title: 'anybody may ask who they are',
    needs: 'identities',
    async observe({ api }) {
      const answer = await api.send('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }, ...ada });
      return { code: answer.code, status: recordAt(answer.body, 'status') };
    },
  },
  {
    title: 'health is told without logging in',
    async observe({ api }) {
      const paths = ['/livez', '/readyz'];
      return Object.fromEntries(await Promise.all(paths.map(async (path): Promise<[string, unknown]> => {
        const { code, text } = await api.send('GET', path, { token: null });
        return [path, { code, text }];
      })));
    },
  },
];
