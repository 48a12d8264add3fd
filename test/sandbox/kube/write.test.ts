import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listAt, recordAt, textAt, valueAt } from '../../../src/sandbox/kube/json.ts';
import { configMap, deployment, pod, startTestApi, type TestApi } from './support.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const deployments = '/apis/apps/v1/namespaces/default/deployments';
const configMaps = '/api/v1/namespaces/default/configmaps';
const applyPatch = 'application/apply-patch+yaml';

let count = 0;
let name = '';
beforeEach(() => {
  count += 1;
  name = `web-${count}`;
});

const job = () => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name },
  spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'x:1' }] } } },
});

describe('creating', () => {
  it('answers 201 with the object as it is stored, defaults and first status included', async () => {
    const { code, body } = await api.send('POST', deployments, { body: deployment(name), headers: { 'user-agent': 'tool/1.0 (linux)' } });
    expect(code).toBe(201);
    expect(body).toMatchObject({
      kind: 'Deployment',
      apiVersion: 'apps/v1',
      metadata: { name, namespace: 'default', generation: 1 },
      spec: {
        replicas: 1,
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%' } },
        template: { spec: { restartPolicy: 'Always', dnsPolicy: 'ClusterFirst', containers: [{ terminationMessagePath: '/dev/termination-log', imagePullPolicy: 'IfNotPresent' }] } },
      },
      status: {},
    });
    expect(listAt(body, 'metadata', 'managedFields')[0]).toMatchObject({ manager: 'tool', operation: 'Update' });
  });

  it('gives a Job the selector and labels by which its pods are found', async () => {
    const { body } = await api.send('POST', '/apis/batch/v1/namespaces/default/jobs', { body: job() });
    const uid = textAt(body, 'metadata', 'uid');
    expect(valueAt(body, 'spec', 'selector')).toEqual({ matchLabels: { 'batch.kubernetes.io/controller-uid': uid } });
    expect(valueAt(body, 'spec', 'template', 'metadata', 'labels')).toMatchObject({ 'job-name': name, 'batch.kubernetes.io/job-name': name, 'controller-uid': uid });
    expect(body['spec']).toMatchObject({ backoffLimit: 6, completions: 1, parallelism: 1, completionMode: 'NonIndexed' });
  });

  it('gives each Service an address of its own, and a headless one none', async () => {
    const service = (serviceName: string, spec = {}) => ({ metadata: { name: serviceName }, spec: { ports: [{ port: 80 }], ...spec } });
    const send = async (body: object) => (await api.send('POST', '/api/v1/namespaces/default/services', { body })).body['spec'];
    const [one, two, headless] = [await send(service(`${name}-a`)), await send(service(`${name}-b`)), await send(service(`${name}-c`, { clusterIP: 'None' }))];
    expect(textAt(one, 'clusterIP')).toMatch(/^10\.0\./);
    expect(textAt(two, 'clusterIP')).not.toBe(textAt(one, 'clusterIP'));
    expect(headless).toMatchObject({ clusterIP: 'None', clusterIPs: ['None'] });
    expect(one).toMatchObject({ type: 'ClusterIP', ports: [{ port: 80, targetPort: 80, protocol: 'TCP' }] });
  });

  it('gives a claim that names no class the default one', async () => {
    const claim = { metadata: { name }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } };
    const path = '/api/v1/namespaces/default/persistentvolumeclaims';
    api.store.create('storageclasses.storage.k8s.io', {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: `class-${name}`, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      provisioner: 'disk.csi.azure.com',
    });
    const { body } = await api.send('POST', path, { body: claim });
    expect(body).toMatchObject({ spec: { storageClassName: `class-${name}`, volumeMode: 'Filesystem' }, status: { phase: 'Pending' } });
  });

  it('makes a name from generateName', async () => {
    const { code, body } = await api.send('POST', configMaps, { body: { metadata: { generateName: 'settings-' } } });
    expect([code, textAt(body, 'metadata', 'name')]).toEqual([201, expect.stringMatching(/^settings-[a-z0-9]{5}$/)]);
  });

  it('takes YAML as well as JSON', async () => {
    const { code, body } = await api.send('POST', configMaps, { body: `metadata: {name: ${name}}\ndata: {a: b}\n`, contentType: 'application/yaml' });
    expect([code, body['data']]).toEqual([201, { a: 'b' }]);
  });

  it('tries it without keeping it when asked to', async () => {
    const { code, body } = await api.send('POST', `${configMaps}?dryRun=All`, { body: configMap(name) });
    expect([code, textAt(body, 'metadata', 'uid')]).toEqual([201, expect.any(String)]);
    expect((await api.send('GET', `${configMaps}/${name}`)).code).toBe(404);
  });

  it('refuses a name that is taken, and a namespace that does not exist', async () => {
    await api.send('POST', configMaps, { body: configMap(name) });
    expect((await api.send('POST', configMaps, { body: configMap(name) })).body).toMatchObject({
      kind: 'Status',
      status: 'Failure',
      reason: 'AlreadyExists',
      code: 409,
      message: `configmaps "${name}" already exists`,
      details: { name, kind: 'configmaps' },
    });
    const elsewhere = await api.send('POST', '/api/v1/namespaces/nowhere/configmaps', { body: { metadata: { name } } });
    expect(elsewhere.body).toMatchObject({ code: 404, reason: 'NotFound', message: 'namespaces "nowhere" not found' });
  });

  it('refuses another kind, another version and another namespace than the path says', async () => {
    const send = async (body: object) => textAt((await api.send('POST', configMaps, { body })).body, 'message');
    expect(await send({ ...configMap(name), apiVersion: 'v2' })).toContain('no kind "ConfigMap" is registered for version "v2"');
    expect(await send({ ...configMap(name), kind: 'Secret' })).toContain('Secret in version "v1" cannot be handled as a ConfigMap');
    expect(await send({ ...configMap(name), metadata: { name, namespace: 'other' } })).toBe(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  });
});

describe('validation', () => {
  const subdomain = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`;

  it.each([
    ['an upper-case name', configMaps, { metadata: { name: 'Web' } }, `ConfigMap "Web" is invalid: metadata.name: Invalid value: "Web": ${subdomain}`],
    ['no name', configMaps, { metadata: {} }, 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required'],
    ['a namespace with dots', '/api/v1/namespaces', { metadata: { name: 'a.b' } }, 'Namespace "a.b" is invalid: metadata.name: Invalid value: "a.b": must not contain dots'],
    [
      'a service name with dots',
      '/api/v1/namespaces/default/services',
      { metadata: { name: 'a.b' }, spec: { ports: [{ port: 80 }] } },
      'Service "a.b" is invalid: metadata.name: Invalid value: "a.b": must not contain dots',
    ],
    [
      'a label value with a blank',
      configMaps,
      { metadata: { name: 'a', labels: { key: 'a b' } } },
      `ConfigMap "a" is invalid: metadata.labels: Invalid value: "a b": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
    ],
    [
      'a selector that does not choose its own pods',
      deployments,
      deployment('a', { selector: { matchLabels: { app: 'b' } } }),
      'Deployment.apps "a" is invalid: spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
    ],
    [
      'a Job that says nothing about restarting',
      '/apis/batch/v1/namespaces/default/jobs',
      { metadata: { name: 'a' }, spec: { template: { spec: { containers: [{ name: 'a', image: 'b' }] } } } },
      'Job.batch "a" is invalid: spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ],
    [
      'a mount of a volume that is not there, and no image',
      '/api/v1/namespaces/default/pods',
      pod('a', { containers: [{ name: 'a', volumeMounts: [{ name: 'data', mountPath: '/data' }] }] }),
      'Pod "a" is invalid: [spec.containers[0].image: Required value, spec.containers[0].volumeMounts[0].name: Not found: "data"]',
    ],
  ])('refuses %s', async (_what, path, body, message) => {
    const answer = await api.send('POST', path, { body });
    expect(answer.body).toMatchObject({ code: 422, reason: 'Invalid', message });
  });

  it('names each cause with its field', async () => {
    const { body } = await api.send('POST', configMaps, { body: { metadata: { name: 'Web' } } });
    expect(recordAt(body, 'details')).toMatchObject({ name: 'Web', kind: 'ConfigMap', causes: [{ reason: 'FieldValueInvalid', field: 'metadata.name' }] });
  });
});

describe('updating', () => {
  it('replaces all but the status, and counts a generation', async () => {
    const created = (await api.send('POST', deployments, { body: deployment(name) })).body;
    await api.send('PATCH', `${deployments}/${name}/status`, { body: { status: { replicas: 1 } }, contentType: 'application/merge-patch+json' });
    const { code, body } = await api.send('PUT', `${deployments}/${name}`, {
      body: { ...deployment(name, { replicas: 3 }), metadata: { name, labels: { a: 'b' } }, status: { replicas: 99 } },
    });
    expect(code).toBe(200);
    expect(body).toMatchObject({ metadata: { generation: 2, labels: { a: 'b' }, uid: textAt(created, 'metadata', 'uid') }, spec: { replicas: 3 }, status: { replicas: 1 } });
  });

  it('refuses a version that somebody else has changed meanwhile', async () => {
    const created = (await api.send('POST', configMaps, { body: configMap(name) })).body;
    await api.send('PUT', `${configMaps}/${name}`, { body: { metadata: { name }, data: { key: 'new' } } });
    const { body } = await api.send('PUT', `${configMaps}/${name}`, { body: created });
    expect(body).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: `Operation cannot be fulfilled on configmaps "${name}": the object has been modified; please apply your changes to the latest version and try again`,
    });
  });

  it('writes through /status nothing but the status', async () => {
    await api.send('POST', deployments, { body: deployment(name) });
    const { body } = await api.send('PUT', `${deployments}/${name}/status`, { body: { ...deployment(name, { replicas: 9 }), status: { replicas: 2 } } });
    expect(body).toMatchObject({ metadata: { generation: 1 }, spec: { replicas: 1 }, status: { replicas: 2 } });
  });

  it('scales through /scale, and says what it selects', async () => {
    await api.send('POST', deployments, { body: deployment(name) });
    const path = `${deployments}/${name}/scale`;
    expect((await api.send('GET', path)).body).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1', spec: { replicas: 1 }, status: { selector: `app=${name}` } });
    expect((await api.send('PATCH', path, { body: { spec: { replicas: 4 } }, contentType: 'application/merge-patch+json' })).body).toMatchObject({ spec: { replicas: 4 } });
    expect(valueAt((await api.send('GET', `${deployments}/${name}`)).body, 'spec', 'replicas')).toBe(4);
    expect((await api.send('PATCH', path, { body: { spec: { replicas: -1 } }, contentType: 'application/merge-patch+json' })).body).toMatchObject({ code: 422 });
  });

  it('refuses to change what stays as it was created', async () => {
    await api.send('POST', '/apis/batch/v1/namespaces/default/jobs', { body: job() });
    const template = { template: { spec: { containers: [{ name: 'main', image: 'x:2' }] } } };
    const changed = await api.send('PATCH', `/apis/batch/v1/namespaces/default/jobs/${name}`, { body: { spec: template }, contentType: 'application/merge-patch+json' });
    expect(changed.body).toMatchObject({ code: 422, reason: 'Invalid', details: { causes: [{ field: 'spec.template' }] } });
    expect(textAt(changed.body, 'message')).toMatch(new RegExp(`^Job\\.batch "${name}" is invalid: spec\\.template: Invalid value: \\{.*\\}: field is immutable$`));

    await api.send('POST', deployments, { body: deployment(name) });
    const other = { selector: { matchLabels: { app: 'x' } }, template: { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'main', image: 'y' }] } } };
    const moved = await api.send('PUT', `${deployments}/${name}`, { body: deployment(name, other) });
    expect(textAt(moved.body, 'message')).toBe(`Deployment.apps "${name}" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"x"}}: field is immutable`);
  });
});

describe('patching', () => {
  const patch = (path: string, contentType: string, body: unknown) => api.send('PATCH', path, { contentType, body });

  it('merges JSON, and removes what is null', async () => {
    await api.send('POST', configMaps, { body: configMap(name, { a: '1', b: '2' }) });
    const { body } = await patch(`${configMaps}/${name}`, 'application/merge-patch+json', { data: { a: null, c: '3' } });
    expect(body['data']).toEqual({ b: '2', c: '3' });
  });

  it('follows a JSON patch, and refuses one whose test fails', async () => {
    await api.send('POST', configMaps, { body: configMap(name) });
    const path = `${configMaps}/${name}`;
    const done = await patch(path, 'application/json-patch+json', [{ op: 'test', path: '/data/key', value: 'value' }, { op: 'add', path: '/data/a', value: 'b' }]);
    expect(done.body['data']).toEqual({ key: 'value', a: 'b' });
    const refused = await patch(path, 'application/json-patch+json', [{ op: 'test', path: '/data/key', value: 'other' }]);
    expect([refused.code, refused.body['reason']]).toEqual([422, 'Invalid']);
  });

  it('merges strategically by the keys of lists, with kubectl\'s directives', async () => {
    const containers = [{ name: 'a', image: 'x', env: [{ name: 'A', value: '1' }] }, { name: 'b', image: 'y' }];
    await api.send('POST', deployments, { body: deployment(name, { template: { metadata: { labels: { app: name } }, spec: { containers } } }) });
    const { body } = await patch(`${deployments}/${name}`, 'application/strategic-merge-patch+json', {
      spec: {
        template: {
          spec: {
            $setElementOrder: undefined,
            '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }],
            containers: [{ name: 'b', $patch: 'delete' }, { name: 'a', env: [{ name: 'B', value: '2' }] }, { name: 'c', image: 'z' }],
          },
        },
      },
    });
    const seen = listAt(body, 'spec', 'template', 'spec', 'containers').map((container) => [textAt(container, 'name'), listAt(container, 'env').length]);
    expect(seen).toEqual([['c', 0], ['a', 2]]);
  });

  it('applies: 201 for a new object, 200 afterwards, and a conflict for what others own', async () => {
    const body = `{apiVersion: v1, kind: ConfigMap, metadata: {name: ${name}}, data: {a: "1"}}`;
    const first = await patch(`${configMaps}/${name}?fieldManager=one`, applyPatch, body);
    const again = await patch(`${configMaps}/${name}?fieldManager=one`, applyPatch, body);
    expect([first.code, again.code]).toEqual([201, 200]);
    expect(textAt(again.body, 'metadata', 'resourceVersion')).toBe(textAt(first.body, 'metadata', 'resourceVersion'));

    const other = await patch(`${configMaps}/${name}?fieldManager=two`, applyPatch, body.replace('"1"', '"2"'));
    expect(other.body).toMatchObject({ code: 409, reason: 'Conflict', message: 'Apply failed with 1 conflict: conflict with "one": .data.a' });
    expect((await patch(`${configMaps}/${name}?fieldManager=two&force=true`, applyPatch, body.replace('"1"', '"2"'))).body['data']).toEqual({ a: '2' });
  });

  it('does not own what the server defaulted when it applies', async () => {
    const { body } = await patch(`${deployments}/${name}?fieldManager=one`, applyPatch, deployment(name));
    expect(valueAt(body, 'spec', 'replicas')).toBe(1);
    expect(JSON.stringify(valueAt(body, 'metadata', 'managedFields'))).not.toContain('f:replicas');
    expect((await patch(`${deployments}/${name}?fieldManager=two`, applyPatch, deployment(name, { replicas: 3 }))).code).toBe(200);
  });

  it('keeps nothing of an apply that was only tried', async () => {
    const tried = await patch(`${configMaps}/${name}?fieldManager=one&dryRun=All`, applyPatch, configMap(name));
    expect([tried.code, (await api.send('GET', `${configMaps}/${name}`)).code]).toEqual([201, 404]);
  });

  it('refuses an apply without a manager, a force without an apply, and a patch that is none', async () => {
    expect(textAt((await patch(`${configMaps}/${name}`, applyPatch, configMap(name))).body, 'message')).toBe(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
    expect(textAt((await patch(`${configMaps}/${name}?force=true`, 'application/merge-patch+json', {})).body, 'message')).toBe(
      'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    );
    await api.send('POST', configMaps, { body: configMap(name) });
    expect((await patch(`${configMaps}/${name}`, 'application/json', {})).code).toBe(415);
    expect((await patch(`${configMaps}/none`, 'application/merge-patch+json', {})).code).toBe(404);
  });
});
