import { describe, expect, it } from 'vitest';
import { BugError, UsageError } from '../../src/domain/errors.ts';
import { renderInference } from '../../src/manifests/inference.ts';
import { presetNamed, presets } from '../presets/support.ts';
import { at, container, environment, listAt, mounts, ofKind, podSpec, renderedInference, servingWorkspace, templates, tuningWorkspace } from './support.ts';

const deployment = (...wish: Parameters<typeof renderedInference>) => ofKind(renderedInference(...wish), 'Deployment');
const server = (...wish: Parameters<typeof renderedInference>) => container(deployment(...wish), 'my-model');
const distributed = (...[preset, change]: Parameters<typeof renderedInference>) => renderedInference(preset, { nodeCount: 3, ...change });
const volumes = (rendered: ReturnType<typeof deployment>) => Object.fromEntries(listAt(podSpec(rendered), 'volumes').map(({ name, ...source }) => [String(name), source]));

describe('renderInference on one node', () => {
  it('is a Service and a Deployment, which the workspace owns', () => {
    expect(renderedInference('phi-4-mini-instruct').map(({ object, owned }) => [object.kind, object.metadata.name, owned])).toEqual([['Service', 'my-model', true], ['Deployment', 'my-model', true]]);
  });

  it('marks every object, and the pods, as the workspace\'s', () => {
    const labels = { 'kaito.sh/workspace': 'my-model', 'app.kubernetes.io/managed-by': 'kaito-ts' };
    for (const { object } of renderedInference('phi-4', { revision: 2 })) expect(object.metadata).toMatchObject({ namespace: 'team-a', labels, annotations: { 'workspace.kaito.io/revision': '2' } });
    expect(at(deployment('phi-4', { revision: 2 }).object, 'spec', 'template', 'metadata')).toEqual({ labels, annotations: { 'workspace.kaito.io/revision': '2' } });
  });

  it('replaces its pod rather than asking for a second machine', () => {
    expect(deployment('phi-4').object['spec']).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' }, selector: { matchLabels: { 'kaito.sh/workspace': 'my-model' } } });
  });

  it('starts vLLM without a shell in between, with sorted flags', () => {
    const { command, args } = server('phi-4-mini-instruct');
    expect(command).toEqual(['python3', '/workspace/vllm/inference_api.py']);
    expect(args).toEqual([...new Set(Array.isArray(args) ? args.map(String) : [])].sort());
    expect(args).toEqual(expect.arrayContaining(['--model=microsoft/Phi-4-mini-instruct', '--served-model-name=phi-4-mini-instruct', '--kv-events-config={"enable_kv_cache_events":true}', '--trust-remote-code']));
  });

  it('answers on port 80 of the Service', () => {
    expect(ofKind(renderedInference('phi-4'), 'Service').object['spec']).toEqual({ type: 'ClusterIP', selector: { 'kaito.sh/workspace': 'my-model' }, ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 5000 }] });
    expect(listAt(server('phi-4'), 'ports')).toEqual([{ name: 'http', containerPort: 5000 }, { name: 'kv-events', containerPort: 5557 }]);
  });

  it('is public with KAITO\'s annotation, and only with exactly that', () => {
    const type = (value: string) => at(ofKind(renderedInference('phi-4', { workspace: servingWorkspace('phi-4', {}, { 'kaito.sh/enablelb': value }) }), 'Service').object, 'spec', 'type');
    expect([type('True'), type('true'), type('')]).toEqual(['LoadBalancer', 'ClusterIP', 'ClusterIP']);
  });

  it('is asked for its health, first as long as its weights take', () => {
    const health = { httpGet: { path: '/health', port: 5000 }, periodSeconds: 10 };
    expect(server('llama-3.1-8b-instruct')).toMatchObject({ startupProbe: { ...health, failureThreshold: 180 }, livenessProbe: { ...health, failureThreshold: 3 }, readinessProbe: health });
    expect(at(server('llama-3.3-70b-instruct'), 'startupProbe', 'failureThreshold')).toBe(327);
    expect(at(deployment('llama-3.3-70b-instruct').object, 'spec', 'progressDeadlineSeconds')).toBeGreaterThan(3270);
  });

  it('takes all GPUs of the node', () => {
    expect(server('phi-4', { machine: { gpuCount: 4, gpuModel: 'NVIDIA A100', gpuMemoryGiB: 80 } })['resources']).toEqual({ requests: { 'nvidia.com/gpu': '4' }, limits: { 'nvidia.com/gpu': '4' } });
  });

  it('takes a slice of a GPU by its own name, and tolerates the taint of that name', () => {
    const machine = { gpuCount: 1, gpuModel: 'MIG 3g.40gb', gpuMemoryGiB: 40, gpuResource: 'nvidia.com/mig-3g.40gb', isSliced: true as const };
    expect(server('phi-4', { machine })).toMatchObject({ resources: { requests: { 'nvidia.com/mig-3g.40gb': '1' }, limits: { 'nvidia.com/mig-3g.40gb': '1' } }, args: expect.arrayContaining(['--kaito-kv-cache-cpu-memory-utilization=0', '--tensor-parallel-size=1']) });
    expect(listAt(podSpec(deployment('phi-4', { machine })), 'tolerations')).toContainEqual({ key: 'nvidia.com/mig-3g.40gb', operator: 'Exists', effect: 'NoSchedule' });
    expect(server('phi-4')['args']).not.toContain('--kaito-kv-cache-cpu-memory-utilization=0');
  });

  it('gives the token of a gated model from its secret, which must be there', () => {
    const workspace = servingWorkspace('llama-3.1-8b-instruct', { preset: { name: 'llama-3.1-8b-instruct', presetOptions: { modelAccessSecret: 'hf' } } });
    expect(environment(server('llama-3.1-8b-instruct', { workspace }))['HF_TOKEN']).toEqual({ secretKeyRef: { name: 'hf', key: 'HF_TOKEN' } });
    expect(environment(server('llama-3.1-8b-instruct'))).not.toHaveProperty('HF_TOKEN');
  });

  it('reads a configuration of the user\'s', () => {
    const rendered = deployment('phi-4', { workspace: servingWorkspace('phi-4', { config: 'mine' }) });
    expect(mounts(container(rendered, 'my-model'))['/mnt/config']).toBe('config');
    expect(volumes(rendered)['config']).toEqual({ configMap: { name: 'mine' } });
    expect(container(rendered, 'my-model')['args']).toContain('--kaito-config-file=/mnt/config/inference_config.yaml');
  });

  it.each([['throughput', true], ['balanced', false], ['', false]])('takes the performance mode %j for a flag: %s', (mode, isFlag) => {
    const args = server('phi-4', { workspace: servingWorkspace('phi-4', {}, { 'kaito.sh/performance-mode': mode }) })['args'];
    expect(Array.isArray(args) && args.includes(`--performance-mode=${mode}`)).toBe(isFlag);
  });

  it('brings a compiler onto the node for models that need one', () => {
    const rendered = deployment('mistral-small-4-119b-2603');
    expect(container(rendered, 'cuda-toolkit')['command']).toEqual(['/bin/sh', '-c', 'flock "$1" /workspace/cuda-provision.sh "$1"', 'sh', '/opt/kaito/cuda/129']);
    expect(environment(container(rendered, 'my-model'))['CUDA_HOME']).toBe('/opt/kaito/cuda/129');
    expect(volumes(rendered)['cuda-toolkit']).toEqual({ hostPath: { path: '/opt/kaito/cuda/129', type: 'DirectoryOrCreate' } });
    expect(listAt(podSpec(deployment('phi-4')), 'initContainers')).toEqual([]);
  });
});

describe('adapters', () => {
  const digest = `sha256:${'1'.repeat(64)}`;
  const pulled = { name: 'marv', source: { kind: 'image', reference: 'r.example:5000/marv:1', digest }, rank: 16, imagePullSecrets: ['acr'] } as const;
  const claimed = { name: 'ada', source: { kind: 'claim', claimName: 'ada-adapter', path: '' }, rank: 8 } as const;

  it('are pulled from images, by digest where it is known', () => {
    const rendered = deployment('phi-4', { adapters: [pulled] });
    expect(environment(container(rendered, 'adapter-marv'))).toEqual({ IMAGE_REF: `r.example:5000/marv@${digest}`, DESTINATION: '/mnt/adapter/marv' });
    expect(mounts(container(rendered, 'adapter-marv'))).toEqual({ '/mnt/adapter': 'adapters', '/root/.docker/config.d': 'credentials-marv' });
    expect(mounts(container(rendered, 'my-model'))['/mnt/adapter']).toBe('adapters');
    expect(volumes(rendered)['credentials-marv']).toEqual({ projected: { sources: [{ secret: { name: 'acr', items: [{ key: '.dockerconfigjson', path: 'acr.json' }] } }] } });
  });

  it('are pulled with every Secret that is named, each once', () => {
    const rendered = deployment('phi-4', { adapters: [{ ...pulled, imagePullSecrets: ['acr', 'hub', 'acr'] }, { ...pulled, name: 'bob', imagePullSecrets: [] }] });
    expect(volumes(rendered)['credentials-marv']).toEqual({
      projected: { sources: ['acr', 'hub'].map((name) => ({ secret: { name, items: [{ key: '.dockerconfigjson', path: `${name}.json` }] } })) },
    });
    expect(volumes(rendered)['credentials-bob']).toBeUndefined();
  });

  it('are mounted from claims, and not written to', () => {
    const rendered = deployment('phi-4', { adapters: [claimed, { ...claimed, name: 'bob', source: { ...claimed.source, path: 'runs/3' } }] });
    expect(listAt(container(rendered, 'my-model'), 'volumeMounts').slice(-2)).toEqual([
      { name: 'adapter-ada', mountPath: '/mnt/adapter/ada', readOnly: true },
      { name: 'adapter-bob', mountPath: '/mnt/adapter/bob', readOnly: true, subPath: 'runs/3' },
    ]);
    expect(volumes(rendered)['adapter-ada']).toEqual({ persistentVolumeClaim: { claimName: 'ada-adapter', readOnly: true } });
    expect(volumes(rendered)).not.toHaveProperty('adapters');
    expect(listAt(podSpec(rendered), 'initContainers')).toEqual([]);
  });

  it('have room for their ranks', () => {
    expect(server('phi-4', { adapters: [pulled, claimed] })['args']).toEqual(expect.arrayContaining(['--enable-lora', '--max-lora-rank=16']));
  });

  it.each(['a.b', 'A', '-a', 'a'.repeat(49), '../etc'])('cannot be called %j', (name) => {
    expect(() => deployment('phi-4', { adapters: [{ ...pulled, name }] })).toThrow(UsageError);
  });

  it('are merged by the transformers server with the strengths of the Workspace', () => {
    const workspace = servingWorkspace('phi-4', { adapters: [{ source: { name: 'marv', image: 'x' }, strength: '0.5' }] });
    const rendered = server('phi-4', { workspace, runtime: 'transformers', adapters: [pulled, claimed] });
    expect(environment(rendered)).toEqual({ HF_HOME: '/workspace/weights', marv: '0.5' });
    expect(rendered['args']).not.toContain('--enable-lora');
    expect(environment(server('phi-4', { workspace, adapters: [pulled] }))).not.toHaveProperty('marv');
  });
});

describe('renderInference on several nodes', () => {
  const statefulSet = () => ofKind(distributed('llama-3.3-70b-instruct'), 'StatefulSet');
  const leader = 'my-model-0.my-model-headless.team-a.svc.cluster.local';

  it('is two Services and a StatefulSet whose pods start together', () => {
    expect(distributed('llama-3.3-70b-instruct').map(({ object }) => [object.kind, object.metadata.name])).toEqual([['Service', 'my-model'], ['Service', 'my-model-headless'], ['StatefulSet', 'my-model']]);
    expect(statefulSet().object['spec']).toMatchObject({ replicas: 3, serviceName: 'my-model-headless', podManagementPolicy: 'Parallel' });
    expect(ofKind(distributed('llama-3.3-70b-instruct'), 'Service', 'my-model-headless').object['spec']).toEqual({ clusterIP: 'None', publishNotReadyAddresses: true, selector: { 'kaito.sh/workspace': 'my-model' } });
  });

  it('sends requests to the leader only', () => {
    expect(at(ofKind(distributed('llama-3.3-70b-instruct'), 'Service', 'my-model').object, 'spec', 'selector')).toEqual({ 'kaito.sh/workspace': 'my-model', 'statefulset.kubernetes.io/pod-name': 'my-model-0' });
  });

  it('makes one pod the leader of a Ray cluster, and lets the others join it', () => {
    const [shell, option, script] = listText(container(statefulSet(), 'my-model')['command']);
    expect([shell, option]).toEqual(['/bin/sh', '-c']);
    expect(script).toContain('multi-node-serving.sh leader --ray_cluster_size=3 --ray_port=6379 ;');
    expect(script).toContain(`multi-node-serving.sh worker --ray_address=${leader} --ray_port=6379 ;`);
    expect(script).toMatch(/python3 \/workspace\/vllm\/inference_api\.py .*--pipeline-parallel-size=3 .*--trust-remote-code ;\n/);
    expect(script).toContain(`'--kv-events-config={"enable_kv_cache_events":true}'`);
    expect(environment(container(statefulSet(), 'my-model'))['POD_INDEX']).toEqual({ fieldRef: { fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']" } });
  });

  it('is asked for its health as KAITO\'s script knows it', () => {
    const check = (kind: string, port: string) => ({ exec: { command: ['python3', '/workspace/vllm/multi-node-health-check.py', kind, `--leader-address=${leader}`, port] } });
    expect(container(statefulSet(), 'my-model')).toMatchObject({
      startupProbe: { ...check('readiness', '--vllm-port=5000'), failureThreshold: 327 },
      livenessProbe: { ...check('liveness', '--ray-port=6379'), initialDelaySeconds: 60, failureThreshold: 1, terminationGracePeriodSeconds: 1 },
      readinessProbe: check('readiness', '--vllm-port=5000'),
    });
  });

  it('is refused by the transformers runtime, as a preset without settings for it is', () => {
    expect(() => distributed('phi-4', { runtime: 'transformers' })).toThrow(expect.objectContaining({ constructor: UsageError, message: expect.stringContaining('serves from one') }));
    expect(() => renderedInference('phi-4-mini-instruct', { runtime: 'transformers' })).toThrow(UsageError);
  });
});

describe('every preset', () => {
  it.each(presets.map(({ name }) => name))('%s mounts only volumes that there are, on one node and on several', (name) => {
    for (const nodeCount of [1, 2]) {
      const workload = ofKind(renderedInference(name, { nodeCount, adapters: [{ name: 'a', source: { kind: 'image', reference: 'r.example/a:1' } }] }), nodeCount === 1 ? 'Deployment' : 'StatefulSet');
      const mounted = [...listAt(podSpec(workload), 'initContainers'), ...listAt(podSpec(workload), 'containers')].flatMap((part) => Object.values(mounts(part)));
      expect(new Set(mounted)).toEqual(new Set(Object.keys(volumes(workload))));
    }
  });

  it('is never rendered for a Workspace that serves nothing', () => {
    const request = { workspace: tuningWorkspace(), preset: presetNamed('phi-4'), runtime: 'vllm' as const, machine: { gpuCount: 1, gpuModel: 'x', gpuMemoryGiB: 80 }, nodeCount: 1, nodeSelector: {}, adapters: [], revision: 1 };
    expect(() => renderInference(request, templates)).toThrow(BugError);
  });
});

function listText(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
