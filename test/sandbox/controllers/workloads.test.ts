import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Objects, Pod } from '../../../src/sandbox/controllers/object-types.ts';
import { startCluster, type TestCluster, containerNamed, nodeNamed, programNamed } from '../support/cluster.ts';
import { createManualClock, type ManualClock } from '../support/manual-clock.ts';

const untilTold = (signal: AbortSignal): Promise<void> => new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

const serve = programNamed('serve', async ({ signal }) => {
  await untilTold(signal);
  return 0;
});
const labels = { app: 'web' };

let cluster: TestCluster;
let clock: ManualClock;
beforeEach(() => {
  clock = createManualClock();
  cluster = startCluster({ programs: [serve], clock });
  cluster.create('nodes', nodeNamed('node-a'));
});
afterEach(() => cluster.stop());

/** Nothing listens there. */
const readinessProbe = { tcpSocket: { port: 80 }, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };

const template = (container: Record<string, unknown> = {}) => ({ metadata: { labels }, spec: { containers: [containerNamed('main', 'serve', container)] } });

const byAge = (pods: readonly Pod[]): string[] => pods.map(({ metadata }) => metadata.uid);

describe('a Deployment', () => {
  const deploy = (spec: Record<string, unknown> = {}) =>
    cluster.create('deployments.apps', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'default' }, spec: { selector: { matchLabels: labels }, template: template(), ...spec } });
  const deployment = () => cluster.get('deployments.apps', 'web');
  const condition = (type: string) => deployment()?.status?.conditions?.find((candidate) => candidate.type === type);
  const change = (edit: (spec: NonNullable<Objects['deployments.apps']['spec']>) => void) =>
    cluster.store.update('deployments.apps', 'default', 'web', (draft) => {
      const spec = structuredClone(deployment()?.spec);
      if (spec) edit(spec);
      draft['spec'] = spec;
    });

  it('becomes available with as many ready pods as it asks for', async () => {
    deploy({ replicas: 2 });
    await clock.advance(5_000);
    expect(deployment()?.status).toMatchObject({ observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 });
    expect(condition('Available')).toMatchObject({ status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' });
    const [set] = cluster.list('replicasets.apps');
    expect(condition('Progressing')).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable', message: `ReplicaSet "${set?.metadata.name}" has successfully progressed.` });
    expect(set?.metadata.name).toMatch(/^web-[a-z0-9]{10}$/);
    expect(set?.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1');
    expect(cluster.eventsOf('web')).toEqual([`ScalingReplicaSet: Scaled up replica set ${set?.metadata.name} from 0 to 2`]);
  });

  it('gives its pods the template hash, and their ReplicaSet as the owner', async () => {
    deploy();
    await clock.advance(5_000);
    const [set] = cluster.list('replicasets.apps');
    const [pod] = cluster.list('pods');
    expect(pod?.metadata.labels).toEqual({ ...labels, 'pod-template-hash': set?.metadata.labels?.['pod-template-hash'] });
    expect(pod?.metadata.ownerReferences).toMatchObject([{ kind: 'ReplicaSet', name: set?.metadata.name, controller: true }]);
  });

  it('stops every old pod before it starts a new one when its strategy is Recreate', async () => {
    deploy({ strategy: { type: 'Recreate' } });
    await clock.advance(5_000);
    const [old] = cluster.list('pods');
    const running: number[] = [];
    const unsubscribe = cluster.store.subscribe(() => running.push(cluster.list('pods').length));
    change((spec) => {
      spec.template.metadata = { labels, annotations: { changed: 'yes' } };
    });
    await clock.advance(60_000);
    unsubscribe();
    expect(Math.max(...running)).toBe(1);
    expect(byAge(cluster.list('pods'))).not.toContain(old?.metadata.uid);
    expect(deployment()?.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('2');
    expect(deployment()?.status).toMatchObject({ replicas: 1, updatedReplicas: 1, availableReplicas: 1 });
  });

  it('keeps the old pod until the new one is ready when it rolls', async () => {
    deploy();
    await clock.advance(5_000);
    const [old] = cluster.list('pods');
    change((spec) => {
      for (const container of spec.template.spec?.containers ?? []) container.readinessProbe = readinessProbe;
    });
    await clock.advance(60_000);
    expect(byAge(cluster.list('pods'))).toContain(old?.metadata.uid);
    expect(deployment()?.status).toMatchObject({ replicas: 2, updatedReplicas: 1, availableReplicas: 1 });
  });

  it('takes an earlier ReplicaSet again when the template goes back', async () => {
    deploy();
    await clock.advance(5_000);
    const [first] = cluster.list('replicasets.apps');
    change((spec) => {
      spec.template.metadata = { labels, annotations: { changed: 'yes' } };
    });
    await clock.advance(60_000);
    change((spec) => {
      spec.template.metadata = { labels };
    });
    await clock.advance(60_000);
    expect(cluster.list('replicasets.apps')).toHaveLength(2);
    expect(cluster.get('replicasets.apps', first?.metadata.name ?? '')).toMatchObject({ spec: { replicas: 1 }, metadata: { annotations: { 'deployment.kubernetes.io/revision': '3' } } });
  });

  it('says that its deadline is exceeded when nothing moves for that long, and not before', async () => {
    deploy({ progressDeadlineSeconds: 300, template: template({ readinessProbe }) });
    await clock.advance(290_000);
    expect(condition('Progressing')?.status).toBe('True');
    await clock.advance(20_000);
    const [set] = cluster.list('replicasets.apps');
    expect(condition('Progressing')).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded', message: `ReplicaSet "${set?.metadata.name}" has timed out progressing.` });
    expect(condition('Available')).toMatchObject({ status: 'False', reason: 'MinimumReplicasUnavailable', message: 'Deployment does not have minimum availability.' });
  });

  it('has its deadline start anew with every step forward', async () => {
    deploy({ progressDeadlineSeconds: 300, template: template({ readinessProbe }) });
    await clock.advance(200_000);
    change((spec) => {
      spec.replicas = 2;
    });
    await clock.advance(200_000);
    expect(condition('Progressing')?.status).toBe('True');
    await clock.advance(150_000);
    expect(condition('Progressing')?.reason).toBe('ProgressDeadlineExceeded');
  });

  it('scales down to none and keeps its ReplicaSet', async () => {
    deploy({ replicas: 2 });
    await clock.advance(5_000);
    change((spec) => {
      spec.replicas = 0;
    });
    await clock.advance(60_000);
    expect(cluster.list('pods')).toEqual([]);
    expect(deployment()?.status?.replicas).toBeUndefined();
    expect(cluster.list('replicasets.apps')).toHaveLength(1);
  });

  it('replaces a pod that somebody deletes', async () => {
    deploy();
    await clock.advance(5_000);
    const [old] = cluster.list('pods');
    cluster.store.delete('pods', 'default', old?.metadata.name ?? '', { gracePeriodSeconds: 30 });
    await clock.advance(5_000);
    expect(cluster.list('pods')).toHaveLength(1);
    expect(byAge(cluster.list('pods'))).not.toContain(old?.metadata.uid);
  });
});

describe('a StatefulSet', () => {
  const deploy = (spec: Record<string, unknown> = {}) =>
    cluster.create('statefulsets.apps', {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'web', namespace: 'default' },
      spec: { serviceName: 'web-headless', replicas: 2, selector: { matchLabels: labels }, template: template(), ...spec },
    });
  const names = () => cluster.list('pods').map(({ metadata }) => metadata.name);

  it('starts its pods one after the other, each when the one before is ready', async () => {
    deploy({ template: template({ readinessProbe }) });
    await clock.advance(60_000);
    expect(names()).toEqual(['web-0']);
  });

  it('starts all at once when it is Parallel', async () => {
    deploy({ podManagementPolicy: 'Parallel', template: template({ readinessProbe }) });
    await clock.advance(1_000);
    expect(names()).toEqual(['web-0', 'web-1']);
  });

  it('tells each pod its index and its name', async () => {
    deploy();
    await clock.advance(30_000);
    const pod = cluster.get('pods', 'web-1');
    expect(pod?.metadata.labels).toMatchObject({ ...labels, 'apps.kubernetes.io/pod-index': '1', 'statefulset.kubernetes.io/pod-name': 'web-1' });
    expect(pod?.spec).toMatchObject({ hostname: 'web-1', subdomain: 'web-headless' });
    expect(cluster.get('statefulsets.apps', 'web')?.status).toMatchObject({ observedGeneration: 1, replicas: 2, readyReplicas: 2, currentReplicas: 2, updatedReplicas: 2, availableReplicas: 2 });
  });

  it('gives each pod a claim of its own, which outlives it', async () => {
    cluster.create('storageclasses.storage.k8s.io', { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'fast' }, provisioner: 'disk.csi.azure.com', volumeBindingMode: 'WaitForFirstConsumer' });
    deploy({ volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { storageClassName: 'fast', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }] });
    await clock.advance(30_000);
    expect(cluster.list('persistentvolumeclaims').map(({ metadata, status }) => [metadata.name, status?.phase])).toEqual([
      ['data-web-0', 'Bound'],
      ['data-web-1', 'Bound'],
    ]);
    cluster.store.delete('statefulsets.apps', 'default', 'web');
    await clock.advance(60_000);
    expect(names()).toEqual([]);
    expect(cluster.list('persistentvolumeclaims')).toHaveLength(2);
  });

  it('replaces its pods from the last to the first when the template changes', async () => {
    deploy();
    await clock.advance(30_000);
    const created: string[] = [];
    const unsubscribe = cluster.store.subscribe(({ type, resource, object }) => {
      if (type === 'ADDED' && resource === 'pods') created.push(object.metadata.name);
    });
    cluster.store.update('statefulsets.apps', 'default', 'web', (draft) => {
      draft['spec'] = { ...structuredClone(cluster.get('statefulsets.apps', 'web')?.spec), template: { ...template(), metadata: { labels, annotations: { changed: 'yes' } } } };
    });
    await clock.advance(120_000);
    unsubscribe();
    expect(created).toEqual(['web-1', 'web-0']);
  });
});
