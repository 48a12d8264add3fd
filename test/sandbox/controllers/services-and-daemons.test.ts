import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { drain } from '../../../src/sandbox/controllers/drain.ts';
import { devicePlugin } from '../../../src/sandbox/programs/device-plugin.ts';
import { startCluster, type TestCluster, containerNamed, nodeNamed, podNamed, programNamed } from '../support/cluster.ts';
import { createManualClock, type ManualClock } from '../support/manual-clock.ts';

const serve = programNamed('serve', ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(0), { once: true })));
const gpuTaint = { key: 'sku', value: 'gpu', effect: 'NoSchedule' };

let cluster: TestCluster;
let clock: ManualClock;
beforeEach(() => {
  clock = createManualClock();
  cluster = startCluster({ programs: [serve, devicePlugin], clock });
  cluster.create('nodes', nodeNamed('node-a'));
});
afterEach(() => cluster.stop());

describe('a Service', () => {
  it('leads to the ready pods that its selector matches, at the port that they call by that name', async () => {
    cluster.create('services', { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'default' }, spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] } });
    const container = containerNamed('main', 'serve', { ports: [{ name: 'http', containerPort: 5000 }] });
    cluster.create('pods', podNamed('web', { containers: [container] }, { labels: { app: 'web' } }));
    cluster.create('pods', podNamed('other', { containers: [container] }, { labels: { app: 'other' } }));
    await clock.advance(10_000);
    const [slice] = cluster.list('endpointslices.discovery.k8s.io');
    expect(slice).toMatchObject({
      addressType: 'IPv4',
      ports: [{ name: '', port: 5000, protocol: 'TCP' }],
      endpoints: [{ addresses: [cluster.get('pods', 'web')?.status?.podIP], conditions: { ready: true, serving: true, terminating: false }, nodeName: 'node-a', targetRef: { kind: 'Pod', name: 'web' } }],
      metadata: { labels: { 'kubernetes.io/service-name': 'web' }, ownerReferences: [{ kind: 'Service', name: 'web' }] },
    });
    cluster.store.delete('pods', 'default', 'web', { gracePeriodSeconds: 30 });
    await clock.advance(1_000);
    expect(cluster.list('endpointslices.discovery.k8s.io')[0]?.endpoints).toEqual([]);
    cluster.store.delete('services', 'default', 'web');
    await clock.advance(1);
    expect(cluster.list('endpointslices.discovery.k8s.io')).toEqual([]);
  });
});

describe('a DaemonSet', () => {
  const install = (spec: Record<string, unknown>) =>
    cluster.create('daemonsets.apps', {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'nvidia-device-plugin', namespace: 'default' },
      spec: { selector: { matchLabels: { name: 'plugin' } }, template: { metadata: { labels: { name: 'plugin' } }, spec: { containers: [{ name: 'plugin', image: 'nvcr.io/nvidia/k8s-device-plugin:v0.17.1' }], ...spec } } },
    });
  const status = () => cluster.get('daemonsets.apps', 'nvidia-device-plugin')?.status;

  it('has a pod on each node that it tolerates, also on those that come later', async () => {
    install({ tolerations: [{ key: 'sku', operator: 'Equal', value: 'gpu', effect: 'NoSchedule' }] });
    await clock.advance(10_000);
    expect(status()).toMatchObject({ desiredNumberScheduled: 1, currentNumberScheduled: 1, numberReady: 1, numberAvailable: 1, numberUnavailable: 0, observedGeneration: 1 });
    cluster.create('nodes', nodeNamed('gpu', { taints: [gpuTaint, { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] }));
    await clock.advance(10_000);
    expect(new Set(cluster.list('pods').map(({ spec }) => spec?.nodeName))).toEqual(new Set(['gpu', 'node-a']));
    expect(status()).toMatchObject({ desiredNumberScheduled: 2, numberReady: 2 });
  });

  it('stays off nodes whose taints it does not tolerate or that it does not select', async () => {
    cluster.create('nodes', nodeNamed('gpu', { taints: [gpuTaint] }));
    install({ nodeSelector: { 'kubernetes.io/hostname': 'gpu' } });
    await clock.advance(10_000);
    expect(cluster.list('pods')).toEqual([]);
    expect(status()).toMatchObject({ desiredNumberScheduled: 0, numberReady: 0 });
  });

  it('does not keep its node from being drained', async () => {
    install({});
    await clock.advance(10_000);
    const [node] = cluster.list('nodes');
    if (!node) throw new Error('There is a node.');
    await drain(node, { store: cluster.store, clock });
    expect(cluster.list('pods').map(({ metadata }) => metadata.deletionTimestamp)).toEqual([undefined]);
  });

  it('replaces a pod that is gone', async () => {
    install({});
    await clock.advance(10_000);
    const [pod] = cluster.list('pods');
    cluster.store.delete('pods', 'default', pod?.metadata.name ?? '', { gracePeriodSeconds: 30 });
    await clock.advance(10_000);
    expect(cluster.list('pods')).toHaveLength(1);
    expect(cluster.list('pods')[0]?.metadata.uid).not.toBe(pod?.metadata.uid);
  });
});
