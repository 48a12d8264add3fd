import { describe, expect, it } from 'vitest';
import { installDevicePlugin, listDevicePlugins } from '../../src/flow/device-plugins.ts';
import { createFakeCluster } from '../support/fakes.ts';
import { follow } from '../support/following.ts';
import { node, shortly } from './support.ts';

const { signal } = new AbortController();

const daemonSet = (name: string, image: string, tolerations?: object[]) => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name, namespace: 'kube-system' },
  spec: { selector: {}, template: { spec: { containers: [{ name: 'main', image }], ...(tolerations ? { tolerations } : {}) } } },
  status: { numberReady: 1, desiredNumberScheduled: 2 },
});
const wanted = daemonSet('nvidia-device-plugin-daemonset', 'mcr.example/k8s-device-plugin:1');

describe('device plugins', () => {
  it('are found by image or by name, and other daemons are not', async () => {
    const cluster = createFakeCluster([
      daemonSet('my-plugin', 'nvcr.io/nvidia/k8s-device-plugin:v0.18.0'),
      daemonSet('nvidia-device-plugin-daemonset', 'mirror.example/something'),
      daemonSet('pinned', 'mirror.example/k8s-device-plugin@sha256:0'),
      daemonSet('ama-logs', 'mcr.example/ama-logs:1'),
      daemonSet('not-quite', 'mcr.example/my-k8s-device-plugin-exporter:1'),
    ]);
    expect((await listDevicePlugins(cluster, signal)).map(({ name }) => name)).toEqual(['my-plugin', 'nvidia-device-plugin-daemonset', 'pinned']);
    expect((await listDevicePlugins(cluster, signal))[0]).toMatchObject({ namespace: 'kube-system', readyCount: 1, nodeCount: 2, hasTolerations: false, toleratesGpuTaint: false });
  });

  it.each<[object, boolean]>([
    [{ key: 'sku', operator: 'Equal', value: 'gpu', effect: 'NoSchedule' }, true],
    [{ key: 'sku', value: 'gpu' }, true],
    [{ key: 'sku', operator: 'Exists' }, true],
    [{ operator: 'Exists' }, true],
    [{ operator: 'Exists', effect: 'NoExecute' }, false],
    [{ key: 'sku', operator: 'Equal', value: 'cpu', effect: 'NoSchedule' }, false],
    [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }, false],
  ])('with the toleration %j tolerate sku=gpu:NoSchedule: %s', async (toleration, tolerates) => {
    const [plugin] = await listDevicePlugins(createFakeCluster([daemonSet('p', 'k8s-device-plugin:1', [toleration])]), signal);
    expect(plugin).toMatchObject({ toleratesGpuTaint: tolerates, hasTolerations: true });
  });
});

describe('installing a device plugin', () => {
  it('applies it where there is none', async () => {
    const cluster = createFakeCluster([node('a', { gpus: 0 })]);
    const installing = follow(installDevicePlugin(cluster, wanted, signal));
    await installing.result;
    expect(cluster.writes).toEqual(['apply DaemonSet/nvidia-device-plugin-daemonset']);
    expect(shortly(installing.items)).toEqual(['applied DaemonSet/nvidia-device-plugin-daemonset: created', 'note: DaemonSet kube-system/nvidia-device-plugin-daemonset is applied: GPU nodes get it as they come.']);
  });

  it.each([
    ['there is one, whatever its name', [daemonSet('theirs', 'nvcr.io/nvidia/k8s-device-plugin:v0.18.0')], /There is a device plugin already: DaemonSet kube-system\/theirs/],
    ['nodes have their GPUs without one', [node('a')], /Node a has its GPUs allocatable without a DaemonSet/],
  ])('applies nothing where %s', async (_title, objects, note) => {
    const cluster = createFakeCluster(objects);
    const installing = follow(installDevicePlugin(cluster, wanted, signal));
    await installing.result;
    expect(cluster.writes).toEqual([]);
    expect(shortly(installing.items).join()).toMatch(note);
  });
});
