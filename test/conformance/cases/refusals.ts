import { type JsonRecord, listAt, recordAt } from '../../../src/sandbox/kube/json.ts';
import { type ConformanceCase, must, send, type TestServer, verdict } from '../server.ts';
import { claim, configMap, container, deployment, job, pod, service, statefulSet, template } from './objects.ts';

/** Mistakes as clients make them, each sent to be created in a dry run; what is said to them is compared word for word. */
type Mistakes = (server: TestServer) => Record<string, JsonRecord>;

const refused = (title: string, plural: string, mistakes: Mistakes): ConformanceCase => ({
  title,
  async observe(server) {
    const answers = Object.entries(mistakes(server)).map(async ([name, object]): Promise<[string, unknown]> => [name, verdict(await send(server, 'POST', `${plural}?dryRun=All`, object))]);
    return Object.fromEntries(await Promise.all(answers));
  },
});

/** Changes of an object that is there, each replacing parts of its spec. */
const unchangeable = (title: string, plural: string, make: (server: TestServer) => JsonRecord, changes: (server: TestServer) => Record<string, (object: JsonRecord) => JsonRecord>): ConformanceCase => ({
  title,
  async observe(server) {
    const made = await must(send(server, 'POST', plural, make(server)));
    const name = String(recordAt(made, 'metadata')['name']);
    // Whoever looks after it may change it meanwhile, so that the version is left open.
    const { resourceVersion: _open, ...metadata } = recordAt(made, 'metadata');
    const answers = Object.entries(changes(server)).map(async ([change, apply]): Promise<[string, unknown]> => [change, verdict(await send(server, 'PUT', `${plural}/${name}?dryRun=All`, apply({ ...made, metadata })))]);
    return Object.fromEntries(await Promise.all(answers));
  },
});

const withSpec =
  (change: JsonRecord) =>
  (object: JsonRecord): JsonRecord => ({ ...object, spec: { ...recordAt(object, 'spec'), ...change } });

/** Changes each container, and leaves what the server has added. */
const withContainers =
  (change: JsonRecord) =>
  (object: JsonRecord): JsonRecord =>
    withSpec({ containers: listAt(object, 'spec', 'containers').map((each) => ({ ...recordAt(each), ...change })) })(object);

const long = (length: number): string => 'x'.repeat(length);

const withContainer = (server: TestServer, rest: JsonRecord, spec: JsonRecord = {}): JsonRecord => pod(server, 'a', undefined, { containers: [container(server, 'sleep 1', rest)], ...spec });

export const refusalCases: readonly ConformanceCase[] = [
  refused('names, labels and annotations', 'configmaps', () => ({
    none: { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} },
    upperCase: configMap('Upper'),
    underscore: configMap('a_b'),
    long: configMap(long(254)),
    dotted: configMap('a.b'),
    generated: configMap('', {}, { name: undefined, generateName: 'Made-' }),
    label: configMap('a', {}, { labels: { 'a b': 'c' } }),
    labelValue: configMap('a', {}, { labels: { a: 'b c' } }),
    longLabel: configMap('a', {}, { labels: { a: long(64) } }),
    labelPrefix: configMap('a', {}, { labels: { 'Example.com/a': 'b', '/a': 'b', 'a/b/c': 'd' } }),
    annotation: configMap('a', {}, { annotations: { 'a b': 'c' } }),
    finalizer: configMap('a', {}, { finalizers: ['hold'] }),
    owner: configMap('a', {}, { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'b', uid: '' }] }),
    twoControllers: configMap('a', {}, { ownerReferences: ['1', '2'].map((uid) => ({ apiVersion: 'v1', kind: 'ConfigMap', name: uid, uid, controller: true })) }),
  })),
  refused('ConfigMaps', 'configmaps', () => ({
    key: configMap('a', { 'a b': 'c', '..': 'd' }),
    number: { ...configMap('a'), data: { key: 1 } },
    list: { ...configMap('a'), data: [] },
    both: { ...configMap('a', { key: 'a' }), binaryData: { key: 'YQ==' } },
    binary: { ...configMap('a'), binaryData: { other: 'not base64!' } },
    large: configMap('a', { key: long(1024 * 1024 + 1) }),
  })),
  refused('Secrets', 'secrets', () => {
    const secret = (rest: JsonRecord): JsonRecord => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, ...rest });
    return {
      notBase64: secret({ data: { key: '!' } }),
      docker: secret({ type: 'kubernetes.io/dockerconfigjson', data: {} }),
      dockerNotJson: secret({ type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': 'nonsense' } }),
      basic: secret({ type: 'kubernetes.io/basic-auth', data: {} }),
      tls: secret({ type: 'kubernetes.io/tls', data: {} }),
      key: secret({ data: { 'a b': 'YQ==' } }),
    };
  }),
  refused('pods', 'pods', (server) => ({
    name: pod(server, 'Upper'),
    noContainers: pod(server, 'a', undefined, { containers: [] }),
    noSpec: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } },
    noContainerName: withContainer(server, { name: undefined }),
    containerName: withContainer(server, { name: 'Main.a' }),
    noImage: withContainer(server, { image: undefined }),
    imageSpaces: withContainer(server, { image: ' a ' }),
    twice: pod(server, 'a', undefined, { containers: [container(server), container(server)] }),
    twiceInit: pod(server, 'a', undefined, { initContainers: [container(server)] }),
    restartPolicy: pod(server, 'a', undefined, { restartPolicy: 'Sometimes' }),
    pullPolicy: withContainer(server, { imagePullPolicy: 'Sometimes' }),
    dnsPolicy: pod(server, 'a', undefined, { dnsPolicy: 'None' }),
    deadline: pod(server, 'a', undefined, { activeDeadlineSeconds: 0 }),
    grace: pod(server, 'a', undefined, { terminationGracePeriodSeconds: -1 }),
    hostPort: withContainer(server, { ports: [{ containerPort: 80, hostPort: 70000 }] }),
    nodeSelector: pod(server, 'a', undefined, { nodeSelector: { 'a b': 'c' } }),
    serviceAccount: pod(server, 'a', undefined, { serviceAccountName: 'A' }),
    toleration: pod(server, 'a', undefined, { tolerations: [{ key: 'a', operator: 'Exists', value: 'b' }, { operator: 'Equal', value: 'c' }, { key: 'a', effect: 'Never' }] }),
    hostname: pod(server, 'a', undefined, { hostname: 'A.b' }),
  })),
  refused('what containers need and ask for', 'pods', (server) => ({
    quantity: withContainer(server, { resources: { limits: { memory: 'much' } } }),
    negative: withContainer(server, { resources: { requests: { cpu: '-1' } } }),
    resourceName: withContainer(server, { resources: { limits: { 'no domain': '1' } } }),
    unknownResource: withContainer(server, { resources: { limits: { gpu: '1' } } }),
    requestAboveLimit: withContainer(server, { resources: { requests: { memory: '2Gi' }, limits: { memory: '1Gi' } } }),
    gpuFraction: withContainer(server, { resources: { limits: { 'nvidia.com/gpu': '500m' } } }),
    gpuRequestOnly: withContainer(server, { resources: { requests: { 'nvidia.com/gpu': '1' } } }),
    gpuUnequal: withContainer(server, { resources: { requests: { 'nvidia.com/gpu': '1' }, limits: { 'nvidia.com/gpu': '2' } } }),
    port: withContainer(server, { ports: [{ containerPort: 70000 }] }),
    noPort: withContainer(server, { ports: [{ name: 'web' }] }),
    portName: withContainer(server, { ports: [{ containerPort: 80, name: 'Web_Port' }, { containerPort: 81, name: '80' }, { containerPort: 82, name: 'a-very-long-name-of-a-port' }] }),
    portNameTwice: withContainer(server, { ports: [{ containerPort: 80, name: 'web' }, { containerPort: 81, name: 'web' }] }),
    protocol: withContainer(server, { ports: [{ containerPort: 80, protocol: 'ICMP' }] }),
    envName: withContainer(server, { env: [{ name: '', value: 'a' }, { name: 'a=b', value: 'c' }] }),
    envBoth: withContainer(server, { env: [{ name: 'A', value: 'a', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }),
    envField: withContainer(server, { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.unknown' } } }] }),
    envNothing: withContainer(server, { env: [{ name: 'A', valueFrom: {} }] }),
    envSecret: withContainer(server, { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'B' } } }] }),
    workingDir: withContainer(server, { terminationMessagePolicy: 'Never' }),
    privileged: withContainer(server, { securityContext: { privileged: true, allowPrivilegeEscalation: false } }),
  })),
  refused('probes', 'pods', (server) => ({
    noHandler: withContainer(server, { readinessProbe: { periodSeconds: 1 } }),
    twoHandlers: withContainer(server, { readinessProbe: { httpGet: { port: 80 }, tcpSocket: { port: 80 } } }),
    port: withContainer(server, { livenessProbe: { httpGet: { path: '/', port: 0 } } }),
    portName: withContainer(server, { livenessProbe: { tcpSocket: { port: 'Nope!' } } }),
    scheme: withContainer(server, { livenessProbe: { httpGet: { port: 80, scheme: 'FTP' } } }),
    negative: withContainer(server, { startupProbe: { exec: { command: ['true'] }, periodSeconds: -1, failureThreshold: -1, timeoutSeconds: -1, initialDelaySeconds: -1 } }),
    success: withContainer(server, { livenessProbe: { exec: { command: ['true'] }, successThreshold: 2 } }),
    exec: withContainer(server, { livenessProbe: { exec: {} } }),
    grace: withContainer(server, { readinessProbe: { exec: { command: ['true'] }, terminationGracePeriodSeconds: 1 } }),
  })),
  refused('volumes', 'pods', (server) => ({
    noName: pod(server, 'a', undefined, { volumes: [{ emptyDir: {} }] }),
    name: pod(server, 'a', undefined, { volumes: [{ name: 'A', emptyDir: {} }] }),
    twice: pod(server, 'a', undefined, { volumes: [{ name: 'a', emptyDir: {} }, { name: 'a', emptyDir: {} }] }),
    twoSources: pod(server, 'a', undefined, { volumes: [{ name: 'a', emptyDir: {}, configMap: { name: 'b' } }] }),
    claim: pod(server, 'a', undefined, { volumes: [{ name: 'a', persistentVolumeClaim: {} }] }),
    secret: pod(server, 'a', undefined, { volumes: [{ name: 'a', secret: {} }] }),
    configMap: pod(server, 'a', undefined, { volumes: [{ name: 'a', configMap: {} }] }),
    size: pod(server, 'a', undefined, { volumes: [{ name: 'a', emptyDir: { sizeLimit: '-1' } }] }),
    hostPath: pod(server, 'a', undefined, { volumes: [{ name: 'a', hostPath: { path: '' } }] }),
    mode: pod(server, 'a', undefined, { volumes: [{ name: 'a', secret: { secretName: 'b', defaultMode: 512 } }] }),
    mountUnknown: withContainer(server, { volumeMounts: [{ name: 'none', mountPath: '/a' }] }),
    mountNoPath: withContainer(server, { volumeMounts: [{ name: 'a' }] }, { volumes: [{ name: 'a', emptyDir: {} }] }),
    mountTwice: withContainer(server, { volumeMounts: [{ name: 'a', mountPath: '/a' }, { name: 'a', mountPath: '/a' }] }, { volumes: [{ name: 'a', emptyDir: {} }] }),
    subPath: withContainer(server, { volumeMounts: [{ name: 'a', mountPath: '/a', subPath: '../b' }] }, { volumes: [{ name: 'a', emptyDir: {} }] }),
    colon: withContainer(server, { volumeMounts: [{ name: 'a', mountPath: '/a:b' }] }, { volumes: [{ name: 'a', emptyDir: {} }] }),
  })),
  refused('Deployments', 'deployments', (server) => ({
    empty: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' } },
    noSelector: deployment(server, 'a', { selector: undefined }),
    emptySelector: deployment(server, 'a', { selector: {} }),
    mismatch: deployment(server, 'a', { selector: { matchLabels: { app: 'b' } } }),
    badSelector: deployment(server, 'a', { selector: { matchLabels: { app: 'a' }, matchExpressions: [{ key: 'a', operator: 'Among', values: ['b'] }, { key: 'b', operator: 'In' }] } }),
    replicas: deployment(server, 'a', { replicas: -1 }),
    restartPolicy: deployment(server, 'a', { template: template(server, { app: 'a' }, undefined, { restartPolicy: 'Never' }) }),
    strategy: deployment(server, 'a', { strategy: { type: 'BlueGreen' } }),
    recreate: deployment(server, 'a', { strategy: { type: 'Recreate', rollingUpdate: { maxSurge: 1 } } }),
    surge: deployment(server, 'a', { strategy: { rollingUpdate: { maxSurge: '120', maxUnavailable: '120%' } } }),
    noSurge: deployment(server, 'a', { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } }),
    deadline: deployment(server, 'a', { progressDeadlineSeconds: 5, minReadySeconds: 10 }),
    history: deployment(server, 'a', { revisionHistoryLimit: -1 }),
    templateLabel: deployment(server, 'a', { template: template(server, { app: 'a', bad: 'b c' }) }),
    image: deployment(server, 'a', { template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'main' }] } } }),
  })),
  refused('StatefulSets', 'statefulsets', (server) => ({
    noSelector: statefulSet(server, 'a', { selector: undefined }),
    mismatch: statefulSet(server, 'a', { selector: { matchLabels: { app: 'b' } } }),
    name: statefulSet(server, 'a.b'),
    replicas: statefulSet(server, 'a', { replicas: -1 }),
    management: statefulSet(server, 'a', { podManagementPolicy: 'Sometimes' }),
    update: statefulSet(server, 'a', { updateStrategy: { type: 'Sometimes' } }),
    restartPolicy: statefulSet(server, 'a', { template: template(server, { app: 'a' }, undefined, { restartPolicy: 'OnFailure' }) }),
    serviceName: statefulSet(server, 'a', { serviceName: 'A' }),
    noService: statefulSet(server, 'a', { serviceName: undefined }),
    claims: statefulSet(server, 'a', { volumeClaimTemplates: [{ metadata: { name: 'A' }, spec: { accessModes: ['ReadWriteOnce'] } }] }),
  })),
  refused('Jobs', 'jobs', (server) => ({
    empty: { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'a' } },
    noRestartPolicy: job(server, 'a', undefined, {}, { restartPolicy: undefined }),
    always: job(server, 'a', undefined, {}, { restartPolicy: 'Always' }),
    selector: job(server, 'a', undefined, { selector: { matchLabels: { a: 'b' } } }),
    backoff: job(server, 'a', undefined, { backoffLimit: -1 }),
    numbers: job(server, 'a', undefined, { parallelism: -1, completions: -1, activeDeadlineSeconds: -1, ttlSecondsAfterFinished: -1 }),
    mode: job(server, 'a', undefined, { completionMode: 'Sorted' }),
    indexed: job(server, 'a', undefined, { completionMode: 'Indexed' }),
    policyRestart: job(server, 'a', undefined, { podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [1] } }] } }, { restartPolicy: 'OnFailure' }),
    policyAction: job(server, 'a', undefined, { podFailurePolicy: { rules: [{ action: 'Restart', onExitCodes: { operator: 'In', values: [1] } }] } }),
    policyZero: job(server, 'a', undefined, { podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [0, 1, 1] } }] } }),
    policyNothing: job(server, 'a', undefined, { podFailurePolicy: { rules: [{ action: 'Ignore' }] } }),
    policyContainer: job(server, 'a', undefined, { podFailurePolicy: { rules: [{ action: 'Ignore', onExitCodes: { containerName: 'none', operator: 'In', values: [1] } }] } }),
    policyCondition: job(server, 'a', undefined, { podFailurePolicy: { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'a b', status: 'Maybe' }] }] } }),
    longName: job(server, long(64)),
    mount: job(server, 'a', undefined, {}, { containers: [container(server, 'true', { volumeMounts: [{ name: 'none', mountPath: '/a' }] })] }),
  })),
  refused('Services', 'services', () => ({
    name: service('1a'),
    dotted: service('a.b'),
    noPorts: service('a', { ports: [] }),
    port: service('a', { ports: [{ port: 0 }] }),
    large: service('a', { ports: [{ port: 70000 }] }),
    targetPort: service('a', { ports: [{ port: 80, targetPort: 'Nope!' }, { port: 81, name: 'b', targetPort: 70000 }] }),
    unnamed: service('a', { ports: [{ port: 80 }, { port: 81 }] }),
    sameName: service('a', { ports: [{ port: 80, name: 'a' }, { port: 81, name: 'a' }] }),
    samePort: service('a', { ports: [{ port: 80, name: 'a' }, { port: 80, name: 'b' }] }),
    portName: service('a', { ports: [{ port: 80, name: 'A' }] }),
    protocol: service('a', { ports: [{ port: 80, protocol: 'ICMP' }] }),
    type: service('a', { type: 'Private' }),
    external: service('a', { type: 'ExternalName', ports: [] }),
    nodePort: service('a', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] }),
    nodePortWhere: service('a', { ports: [{ port: 80, nodePort: 30080 }] }),
    address: service('a', { clusterIP: 'here' }),
    affinity: service('a', { sessionAffinity: 'Always' }),
    selector: service('a', { selector: { 'a b': 'c' } }),
  })),
  refused('volume claims', 'persistentvolumeclaims', () => ({
    empty: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'a' } },
    noMode: claim('a', { accessModes: [] }),
    mode: claim('a', { accessModes: ['Sometimes'] }),
    noSize: claim('a', { resources: {} }),
    size: claim('a', { resources: { requests: { storage: 'much' } } }),
    zero: claim('a', { resources: { requests: { storage: '0' } } }),
    className: claim('a', { storageClassName: 'A' }),
    volumeMode: claim('a', { volumeMode: 'Tape' }),
  })),
  unchangeable(
    'a Deployment keeps its selector',
    'deployments',
    (server) => deployment(server, 'a', { paused: true }),
    (server) => ({
      selector: withSpec({ selector: { matchLabels: { app: 'b' } }, template: template(server, { app: 'b' }) }),
      selectorAlone: withSpec({ selector: { matchLabels: { app: 'b' } } }),
      replicas: withSpec({ replicas: 0, minReadySeconds: 1 }),
      negative: withSpec({ replicas: -1 }),
    }),
  ),
  unchangeable(
    'a StatefulSet changes its replicas and template only',
    'statefulsets',
    (server) => statefulSet(server, 'a'),
    (server) => ({
      serviceName: withSpec({ serviceName: 'b' }),
      management: withSpec({ podManagementPolicy: 'Parallel' }),
      claims: withSpec({ volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }] }),
      template: withSpec({ template: template(server, { app: 'a', more: 'yes' }) }),
      selector: withSpec({ selector: { matchLabels: { app: 'b' } }, template: template(server, { app: 'b' }) }),
    }),
  ),
  unchangeable(
    'a Job keeps its template and what it counts',
    'jobs',
    (server) => job(server, 'a', undefined, { parallelism: 0, completions: 1 }),
    (server) => ({
      template: withSpec({ template: template(server, {}, 'true', { restartPolicy: 'Never' }) }),
      completions: withSpec({ completions: 2 }),
      completionMode: withSpec({ completionMode: 'Indexed' }),
      parallelism: withSpec({ parallelism: 0, backoffLimit: 3, activeDeadlineSeconds: 60, ttlSecondsAfterFinished: 60 }),
      policy: withSpec({ podFailurePolicy: { rules: [{ action: 'Ignore', onExitCodes: { operator: 'In', values: [1] } }] } }),
      selector: withSpec({ selector: { matchLabels: { a: 'b' } } }),
    }),
  ),
  unchangeable(
    'a Service keeps its address',
    'services',
    () => service('a'),
    () => ({
      address: withSpec({ clusterIP: '10.96.200.200', clusterIPs: ['10.96.200.200'] }),
      none: withSpec({ clusterIP: 'None', clusterIPs: ['None'] }),
      ports: withSpec({ ports: [{ port: 81 }] }),
      type: withSpec({ type: 'NodePort' }),
    }),
  ),
  unchangeable(
    'a claim keeps what it claims',
    'persistentvolumeclaims',
    () => claim('a'),
    () => ({
      mode: withSpec({ accessModes: ['ReadWriteMany'] }),
      className: withSpec({ storageClassName: 'other' }),
      grow: withSpec({ resources: { requests: { storage: '2Gi' } } }),
      shrink: withSpec({ resources: { requests: { storage: '1Mi' } } }),
    }),
  ),
  unchangeable(
    'a ConfigMap that is sealed stays as it is',
    'configmaps',
    () => ({ ...configMap('a'), immutable: true }),
    () => ({
      data: (map) => ({ ...map, data: { key: 'other' } }),
      unseal: (map) => ({ ...map, immutable: false }),
      binary: (map) => ({ ...map, binaryData: { more: 'YQ==' } }),
      labels: (map) => ({ ...map, metadata: { ...recordAt(map, 'metadata'), labels: { a: 'b' } } }),
    }),
  ),
  unchangeable(
    'a Secret keeps its type',
    'secrets',
    () => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, stringData: { key: 'value' } }),
    () => ({ type: (secret) => ({ ...secret, type: 'example.com/other' }), data: (secret) => ({ ...secret, data: { key: 'YQ==' } }) }),
  ),
  unchangeable(
    'a pod changes its images only',
    'pods',
    (server) => pod(server, 'a', undefined, { nodeSelector: { nowhere: 'yes' } }),
    () => ({
      image: withContainers({ image: 'other:1' }),
      command: withContainers({ command: ['true'] }),
    }),
  ),
];
