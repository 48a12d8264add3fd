import type { JsonRecord } from '../../../src/sandbox/kube/json.ts';
import type { TestServer } from '../server.ts';

/** The least that the API takes, for cases to change. */
export const configMap = (name: string, data: Record<string, string> = { key: 'value' }, metadata: JsonRecord = {}): JsonRecord => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
});

/** A container that runs a line of shell. */
export const container = ({ image }: Pick<TestServer, 'image'>, script = 'sleep 300', rest: JsonRecord = {}): JsonRecord => ({
  name: 'main',
  image,
  command: ['sh', '-c', script],
  ...rest,
});

export const pod = (server: Pick<TestServer, 'image'>, name: string, script?: string, spec: JsonRecord = {}): JsonRecord => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, containers: [container(server, script)], ...spec },
});

export const template = (server: Pick<TestServer, 'image'>, labels: JsonRecord, script?: string, spec: JsonRecord = {}): JsonRecord => ({
  ...(Object.keys(labels).length > 0 ? { metadata: { labels } } : {}),
  spec: { terminationGracePeriodSeconds: 0, containers: [container(server, script)], ...spec },
});

export const deployment = (server: Pick<TestServer, 'image'>, name: string, spec: JsonRecord = {}): JsonRecord => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: { replicas: 0, selector: { matchLabels: { app: name } }, template: template(server, { app: name }), ...spec },
});

export const statefulSet = (server: Pick<TestServer, 'image'>, name: string, spec: JsonRecord = {}): JsonRecord => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name },
  spec: { serviceName: name, replicas: 0, selector: { matchLabels: { app: name } }, template: template(server, { app: name }), ...spec },
});

export const job = (server: Pick<TestServer, 'image'>, name: string, script?: string, spec: JsonRecord = {}, podSpec: JsonRecord = {}): JsonRecord => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name },
  spec: { template: template(server, {}, script, { restartPolicy: 'Never', ...podSpec }), ...spec },
});

export const service = (name: string, spec: JsonRecord = {}): JsonRecord => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ port: 80 }], ...spec },
});

export const claim = (name: string, spec: JsonRecord = {}): JsonRecord => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'none', resources: { requests: { storage: '1Gi' } }, ...spec },
});
