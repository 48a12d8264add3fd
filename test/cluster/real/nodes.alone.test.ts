import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CoreV1Api } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { addHostNames, systemNode } from './cluster.ts';
import { startComponent, stopComponent } from './components.ts';
import { askByPortForward, execInPod, logOfPod } from './inside-pods.ts';
import { startNode, stopNode } from './nodes.ts';
import { configOf, runPod } from './pods.ts';
import { ownCluster, ownNamespace } from './the-cluster.ts';
import { patienceMs, waitFor } from './waiting.ts';

const gpuNode = 'aks-gpu-0';
const web = 'mkdir /www; echo "I am $(hostname)" > /www/index.html; echo serving; httpd -f -p 8080 -h /www';

describe('nodes of the real cluster', () => {
  const cluster = ownCluster();
  const api = configOf(cluster).makeApiClient(CoreV1Api);

  const gpusOf = async (node: string) => (await api.readNode({ name: node })).status?.allocatable?.['nvidia.com/gpu'];

  beforeAll(async () => {
    await startNode(cluster, {
      name: gpuNode,
      labels: { agentpool: 'gpu', 'kubernetes.azure.com/agentpool': 'gpu', 'node.kubernetes.io/instance-type': 'Standard_NC24ads_A100_v4' },
      taints: [{ key: 'sku', value: 'gpu', effect: 'NoSchedule' }],
      gpuCount: 2,
    });
  });
  afterAll(() => stopNode(cluster, gpuNode));

  it('have their labels, taints and GPUs when they are said to have started', async () => {
    const node = await api.readNode({ name: gpuNode });
    expect(node.metadata?.labels).toMatchObject({ agentpool: 'gpu', 'node.kubernetes.io/instance-type': 'Standard_NC24ads_A100_v4' });
    expect(node.spec?.taints).toContainEqual({ key: 'sku', value: 'gpu', effect: 'NoSchedule' });
    expect(await gpusOf(gpuNode)).toBe('2');
    expect(await gpusOf(systemNode)).toBeUndefined();
  });

  it('let a pod find a Service and a named pod of another node, and talk to both', async () => {
    const namespace = await ownNamespace();
    await api.createNamespacedService({ namespace, body: { metadata: { name: 'web' }, spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] } } });
    await api.createNamespacedService({ namespace, body: { metadata: { name: 'web-headless' }, spec: { clusterIP: 'None', selector: { app: 'web' }, ports: [{ port: 8080 }] } } });
    await runPod(cluster, { name: 'web-0', namespace, node: gpuNode, labels: { app: 'web' }, hostname: 'web-0', subdomain: 'web-headless', script: web });
    await runPod(cluster, { name: 'asker', namespace, node: systemNode });
    for (const url of ['http://web/', `http://web.${namespace}.svc.cluster.local/`, `http://web-0.web-headless.${namespace}.svc.cluster.local:8080/`]) {
      const answer = await waitFor(`an answer of ${url}`, patienceMs, () => execInPod({ cluster, namespace, pod: 'asker' }, ['timeout', '3', 'wget', '-qO-', url]).catch(() => undefined));
      expect(answer).toBe('I am web-0\n');
    }
    await expect(execInPod({ cluster, namespace, pod: 'asker' }, ['timeout', '3', 'wget', '-qO-', 'http://nobody.example.com/'])).rejects.toThrow('bad address');
  });

  it('let a pod reach a server of this machine under the name that it was given', async () => {
    const server = createServer((_, response) => void response.end('from this machine'));
    server.listen(0, cluster.gateway);
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    await addHostNames(cluster, { 'models.azurecr.io': cluster.gateway });
    const namespace = await ownNamespace();
    await runPod(cluster, { name: 'asker', namespace, node: gpuNode });
    const url = `http://models.azurecr.io:${(server.address() as AddressInfo).port}/`;
    expect(await waitFor('the name', patienceMs, () => execInPod({ cluster, namespace, pod: 'asker' }, ['timeout', '3', 'wget', '-qO-', url]).catch(() => undefined))).toBe('from this machine');
  });

  it.each([systemNode, gpuNode])('give logs, run commands and forward ports of pods on %s', async (node) => {
    const namespace = await ownNamespace();
    await runPod(cluster, { name: 'web', namespace, node, script: web });
    const pod = { cluster, namespace, pod: 'web' };
    expect(await waitFor('the log', patienceMs, async () => (await logOfPod(pod)) || undefined)).toBe('serving\n');
    const ask = ['timeout', '3', 'wget', '-qO-', 'http://127.0.0.1:8080/'];
    expect(await waitFor('the server', patienceMs, () => execInPod(pod, ask).catch(() => undefined))).toBe('I am web\n');
    expect(await askByPortForward(pod, 8080, /I am web\n$/u)).toMatch(/^HTTP\/1\.[01] 200 OK/u);
  });

  it('give a pod the GPUs that it asks for, and keep the next one waiting for more', async () => {
    const namespace = await ownNamespace();
    await runPod(cluster, { name: 'trainer', namespace, gpuCount: 2, script: 'echo "$NVIDIA_VISIBLE_DEVICES"; sleep 3600' });
    const devices = await waitFor('the log', patienceMs, async () => (await logOfPod({ cluster, namespace, pod: 'trainer' })) || undefined);
    expect(devices.trim().split(',').toSorted()).toEqual(['GPU-0', 'GPU-1']);
    const second = await runPod(cluster, { name: 'second', namespace, gpuCount: 1, until: ({ status }) => status?.conditions?.some(({ reason }) => reason === 'Unschedulable') ?? false });
    expect(second.status?.conditions?.find(({ type }) => type === 'PodScheduled')?.message).toContain('Insufficient nvidia.com/gpu');
  });

  it('offer their GPUs again after the kubelet was started again', async () => {
    await stopComponent(cluster, `kubelet:${gpuNode}`);
    await startComponent(cluster, `kubelet:${gpuNode}`);
    const namespace = await ownNamespace();
    // The kubelet turns a pod away as long as it clears away the one before.
    let tries = 0;
    const gets = async (): Promise<boolean> => {
      const { status } = await runPod(cluster, { name: `trainer-${tries++}`, namespace, gpuCount: 2, until: (pod) => ['Running', 'Failed'].includes(pod.status?.phase ?? '') });
      return status?.phase === 'Running';
    };
    await waitFor('a pod with both GPUs', patienceMs, gets);
    expect(await gpusOf(gpuNode)).toBe('2');
  });

  it('start several at once, and are gone with their pods when they are stopped', async () => {
    const names = ['aks-more-0', 'aks-more-1'];
    const started = await Promise.all(names.map((name) => startNode(cluster, { name, gpuCount: 1 })));
    expect(new Set(started.map(({ address }) => address)).size).toBe(2);
    const namespace = await ownNamespace();
    for (const node of names) await runPod(cluster, { name: `on-${node}`, namespace, node, gpuCount: 1 });
    await Promise.all(names.map((name) => stopNode(cluster, name, { drainMs: patienceMs })));
    expect((await api.listNode()).items.map(({ metadata }) => metadata?.name).filter((name) => names.includes(name ?? ''))).toEqual([]);
    expect((await api.listNamespacedPod({ namespace })).items).toEqual([]);
  });

  it('are refused under a name that is taken, and say what is wrong with a label that a kubelet may not give itself', async () => {
    await expect(startNode(cluster, { name: gpuNode })).rejects.toThrow(`has a node ${gpuNode} already`);
    await expect(startNode(cluster, { name: 'aks-bad-0', labels: { 'node-role.kubernetes.io/gpu': '' } })).rejects.toThrow('node-role.kubernetes.io/gpu');
    await startNode(cluster, { name: 'aks-bad-0' });
    await stopNode(cluster, 'aks-bad-0');
  });
});
