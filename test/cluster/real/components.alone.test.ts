import { CoreV1Api, Watch } from '@kubernetes/client-node';
import { afterAll, describe, expect, it } from 'vitest';
import { systemNode } from './cluster.ts';
import { compactEtcd, restartControllers, startComponent, stopComponent } from './components.ts';
import { configOf, runPod } from './pods.ts';
import { ownCluster, ownNamespace } from './the-cluster.ts';
import { patienceMs, waitFor } from './waiting.ts';

describe('components of the real cluster', () => {
  const cluster = ownCluster();
  const config = configOf(cluster);
  const api = config.makeApiClient(CoreV1Api);

  afterAll(() => restartControllers(cluster));

  interface Seen {
    events: string[];
    isOver: boolean;
  }

  const watchConfigMaps = async (namespace: string, resourceVersion: string): Promise<Seen> => {
    const seen: Seen = { events: [], isOver: false };
    await new Watch(config).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      { resourceVersion },
      (phase, object: { metadata?: { name?: string }; code?: number }) => void seen.events.push(`${phase} ${object.metadata?.name ?? object.code}`),
      () => (seen.isOver = true),
    );
    return seen;
  };

  const createConfigMap = (namespace: string, name: string) => api.createNamespacedConfigMap({ namespace, body: { metadata: { name } } });

  it('end a watch when the API server stops, and refuse to go on with it after a new start', async () => {
    const namespace = await ownNamespace();
    const { metadata } = await createConfigMap(namespace, 'before');
    const first = await watchConfigMaps(namespace, metadata?.resourceVersion ?? '');
    await createConfigMap(namespace, 'during');
    await waitFor('the event', patienceMs, async () => first.events.includes('ADDED during'));
    await stopComponent(cluster, 'kube-apiserver');
    try {
      await waitFor('the end of the watch', patienceMs, async () => first.isOver);
      await expect(api.listNamespace()).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    } finally {
      await startComponent(cluster, 'kube-apiserver');
    }
    // Its memory begins with its start: whoever watched has to list again.
    const second = await watchConfigMaps(namespace, metadata?.resourceVersion ?? '');
    await waitFor('the refusal', patienceMs, async () => second.events.includes('ERROR 410'));
  });

  it('replay what etcd still has, and nothing from before it was compacted', async () => {
    const namespace = await ownNamespace();
    const { metadata } = await createConfigMap(namespace, 'old');
    await createConfigMap(namespace, 'new');
    await stopComponent(cluster, 'kube-apiserver');
    await startComponent(cluster, 'kube-apiserver', ['--watch-cache=false']);
    try {
      const before = await watchConfigMaps(namespace, metadata?.resourceVersion ?? '');
      await waitFor('the event', patienceMs, async () => before.events.includes('ADDED new'));
      expect(await compactEtcd(cluster)).toBeGreaterThan(Number(metadata?.resourceVersion));
      const after = await watchConfigMaps(namespace, metadata?.resourceVersion ?? '');
      await waitFor('the refusal', patienceMs, async () => after.events.includes('ERROR 410'));
    } finally {
      await stopComponent(cluster, 'kube-apiserver');
      await startComponent(cluster, 'kube-apiserver');
    }
  });

  it('keep containers running while the kubelet or containerd is down', async () => {
    const namespace = await ownNamespace();
    const pod = await runPod(cluster, { name: 'lasting', namespace, node: systemNode });
    const startedAt = pod.status?.containerStatuses?.[0]?.state?.running?.startedAt;
    for (const component of [`containerd:${systemNode}`, `kubelet:${systemNode}`] as const) {
      await stopComponent(cluster, component, { graceMs: 0 });
      await startComponent(cluster, component);
    }
    const after = await api.readNamespacedPod({ name: 'lasting', namespace });
    expect(startedAt).toBeInstanceOf(Date);
    expect(after.status?.containerStatuses?.[0]).toMatchObject({ restartCount: 0, state: { running: { startedAt } } });
  });

  it('notice a kubelet that has stopped', async () => {
    await stopComponent(cluster, `kubelet:${systemNode}`);
    const ready = async () => (await api.readNode({ name: systemNode })).status?.conditions?.find(({ type }) => type === 'Ready')?.status;
    try {
      await waitFor('the node to be unknown', patienceMs, async () => (await ready()) === 'Unknown');
    } finally {
      await startComponent(cluster, `kubelet:${systemNode}`);
    }
    expect(await ready()).toBe('True');
  });

  it('say what cannot be stopped or started', async () => {
    await expect(stopComponent(cluster, 'kubelet:nobody')).rejects.toThrow('kubelet:nobody was never started');
    await expect(startComponent(cluster, 'kubelet:nobody')).rejects.toThrow('has no node nobody');
    await expect(startComponent(cluster, 'etcd')).rejects.toThrow('etcd runs already');
  });
});
