import { describe, expect, onTestFinished, test } from 'vitest';
import { CoreV1Api, PatchStrategy, setHeaderOptions, type V1Container } from '@kubernetes/client-node';
import { defaultImages } from '../../src/manifests/images.ts';
import { configOf } from '../cluster/real/pods.ts';
import { ownNamespace, theCluster } from '../cluster/real/the-cluster.ts';
import { patienceMs, waitFor } from '../cluster/real/waiting.ts';
import { addBehaviour } from '../cluster/registries/control.ts';
import { openRegistries } from '../cluster/registries/registries.ts';
import { podsIn } from './pods.ts';

const provided = theCluster();

describe.skipIf(provided.kind === 'given')('the stand-in for KAITO in pods', () => {
  if (provided.kind === 'given') return;
  const { cluster } = provided;
  const registries = openRegistries(cluster);

  const open = async () => {
    const namespace = await ownNamespace();
    return { namespace, api: configOf(cluster).makeApiClient(CoreV1Api), pods: podsIn(cluster, namespace), unique: namespace.replace('kaito-ts-test-', '') };
  };

  const nodeOfRay = (index: number, script: string): V1Container => ({
    name: 'main',
    image: defaultImages.base,
    command: ['/bin/sh', '-c', script],
    env: [{ name: 'POD_INDEX', value: String(index) }],
    readinessProbe: { exec: { command: ['python3', '/workspace/vllm/multi-node-health-check.py', 'readiness', '--leader-address=llm-0.llm-headless', '--vllm-port=5000'] }, periodSeconds: 1, timeoutSeconds: 5 },
  });

  test('a leader serves only when the worker has found it by its name', async () => {
    const { namespace, api, pods } = await open();
    await api.createNamespacedService({ namespace, body: { metadata: { name: 'llm-headless' }, spec: { clusterIP: 'None', publishNotReadyAddresses: true, selector: { app: 'llm' } } } });
    const address = `llm-0.llm-headless.${namespace}.svc.cluster.local`;
    const start = (index: number, script: string) => pods.start(`llm-${index}`, { hostname: `llm-${index}`, subdomain: 'llm-headless', containers: [nodeOfRay(index, script)] }, { app: 'llm' });
    const logOf = (name: string) => api.readNamespacedPodLog({ namespace, name }).catch(() => '');
    const isReady = async (name: string) => (await api.readNamespacedPod({ namespace, name })).status?.containerStatuses?.[0]?.ready === true;

    await start(0, '/workspace/vllm/multi-node-serving.sh leader --ray_cluster_size=2 --ray_port=6379; python3 /workspace/vllm/inference_api.py --model=some/model --pipeline-parallel-size=2 --distributed-executor-backend=ray');
    await waitFor('the leader to wait', patienceMs, async () => (await logOf('llm-0')).includes('Wait for all ray workers to be active. 1/2 is active'));
    expect(await isReady('llm-0')).toBe(false);

    await start(1, `/workspace/vllm/multi-node-serving.sh worker --ray_address=${address} --ray_port=6379`);
    await waitFor('the leader to serve', patienceMs, () => isReady('llm-0'), () => logOf('llm-0'));
    expect(await logOf('llm-1')).toContain(`(${address}:6379)`);
    expect(await isReady('llm-1')).toBe(true);
  });

  test('the transformers server does not end on SIGTERM, and vLLM does', async () => {
    const { namespace, api, pods } = await open();
    const commands = {
      transformers: ['accelerate', 'launch', '--num_processes=1', '/workspace/tfs/inference_api.py', '--pretrained_model_name_or_path=some/model', '--allow_remote_files'],
      vllm: ['python3', '/workspace/vllm/inference_api.py', '--model=some/model'],
    };
    const probe = { httpGet: { path: '/health', port: 5000 }, periodSeconds: 1 };
    /** How it ended when its pod was deleted. A finalizer keeps the pod for long enough to ask. */
    const exitCodeOf = async (name: string, command: string[], graceSeconds: number): Promise<number> => {
      await pods.start(name, { terminationGracePeriodSeconds: graceSeconds, containers: [{ name: 'main', image: defaultImages.base, command, readinessProbe: probe }] });
      const status = async () => (await api.readNamespacedPod({ namespace, name })).status?.containerStatuses?.[0];
      await waitFor(`${name} to be ready`, patienceMs, async () => (await status())?.ready);
      const patch = (finalizers: string[] | null) => api.patchNamespacedPod({ namespace, name, body: { metadata: { finalizers } } }, setHeaderOptions('Content-Type', PatchStrategy.MergePatch));
      await patch(['kaito-ts.test/held']);
      try {
        await api.deleteNamespacedPod({ namespace, name });
        return await waitFor(`the end of ${name}`, patienceMs, async () => (await status())?.state?.terminated, async () => JSON.stringify(await status())).then(({ exitCode }) => exitCode);
      } finally {
        await patch(null);
      }
    };
    const [transformers, vllm] = await Promise.all([exitCodeOf('transformers', commands.transformers, 1), exitCodeOf('vllm', commands.vllm, patienceMs / 1000)]);
    expect(transformers, 'killed when its grace was over').toBe(137);
    expect(vllm).toBe(0);
  });

  test('a server that hangs while it loads goes on when it is told to', async () => {
    const { namespace, api, pods, unique } = await open();
    const name = `slow-${unique}`;
    const release = await addBehaviour(registries, { podPrefix: name, behaviour: { at: 'loading', do: 'hang' } });
    onTestFinished(release);
    await pods.start(name, { containers: [{ name: 'main', image: defaultImages.base, command: ['python3', '/workspace/vllm/inference_api.py', '--model=some/model'], readinessProbe: { httpGet: { path: '/metrics', port: 5000 }, periodSeconds: 1 } }] });
    await waitFor(`${name} to load`, patienceMs, async () => (await api.readNamespacedPod({ namespace, name })).status?.containerStatuses?.[0]?.ready);
    const isServing = async () => (await api.readNamespacedPodLog({ namespace, name })).includes('Starting vLLM server');
    expect(await isServing()).toBe(false);
    await release();
    await waitFor(`${name} to serve`, patienceMs, isServing);
  });
});
