import { kaitoAnnotation } from '../domain/annotations.ts';
import { BugError, UsageError } from '../domain/errors.ts';
import { wholeGpu } from '../domain/mig.ts';
import type { Preset } from '../domain/preset.ts';
import type { AdapterLocation } from '../domain/record.ts';
import { localWeightsFolder, type Workspace } from '../domain/workspace.ts';
import { runtimes, type RuntimeName } from '../runtimes/index.ts';
import { renderFlags, startupBudgetSeconds, type Server, type ServerMachine } from '../runtimes/runtime.ts';
import { cudaToolkitFolder } from '../runtimes/vllm.ts';
import { adapterParts } from './adapters.ts';
import type { Templates } from './files.ts';
import { defaultImages, type Images } from './images.ts';
import type { Json } from './json.ts';
import { renderObject, type RenderedObject } from './rendered-object.ts';
import { toCommandLine } from './shell.ts';
import { resolveTemplate, type Values } from './template.ts';

export interface ServedAdapter {
  /** The name that requests ask for it by, and its folder's. */
  name: string;
  /** Where a tuning left it, or any volume that a pod can mount. */
  source: AdapterLocation | { kind: 'volume'; volumeSource: Record<string, unknown> };
  /** Its LoRA rank; absent where it is not known. */
  rank?: number;
  /** Each may have the credentials of some registries. */
  imagePullSecrets?: readonly string[];
}

export interface InferenceRendering {
  workspace: Workspace;
  preset: Preset;
  runtime: RuntimeName;
  machine: ServerMachine;
  nodeCount: number;
  /** Labels of the nodes that the pods may run on. */
  nodeSelector: Record<string, string>;
  adapters: readonly ServedAdapter[];
  revision: number;
  images?: Partial<Images>;
}

/**
 * What a served model is made of, in the order in which it is applied: a Service, and a Deployment on one node or, on
 * several, a StatefulSet with a headless Service.
 */
export const renderInference = (request: InferenceRendering, templates: Templates): RenderedObject[] => {
  const { workspace, preset, runtime, nodeCount, revision } = request;
  const refusal = runtimes[runtime].refuse(preset, nodeCount);
  if (refusal !== undefined) throw new UsageError(refusal, { reason: 'RuntimeNotSupported', hints: ['Leave out --runtime to serve with vLLM.'] });
  const { name } = workspace.metadata;
  const values = valuesOf(request, templates);
  const identity = { workspace, revision };
  const service = { object: renderObject(templates.template('inference/service'), values, { apiVersion: 'v1', kind: 'Service', name }, identity), owned: true };
  if (nodeCount === 1) return [service, { object: renderObject(templates.template('inference/deployment'), values, { apiVersion: 'apps/v1', kind: 'Deployment', name }, identity), owned: true }];
  return [
    service,
    { object: renderObject(templates.template('inference/headless-service'), values, { apiVersion: 'v1', kind: 'Service', name: `${name}-headless` }, identity), owned: true },
    { object: renderObject(templates.template('inference/statefulset'), values, { apiVersion: 'apps/v1', kind: 'StatefulSet', name }, identity), owned: true },
  ];
};

const valuesOf = (request: InferenceRendering, templates: Templates): Values => {
  const { workspace, preset, runtime, machine, nodeCount, nodeSelector, adapters } = request;
  const { name, namespace, annotations = {} } = workspace.metadata;
  const inference = inferenceOf(workspace);
  const localWeights = localWeightsFolder(workspace);
  const resource = machine.gpuResource ?? wholeGpu;
  const performanceMode = annotations[kaitoAnnotation.performanceMode];
  const server = runtimes[runtime].server({
    preset,
    machine,
    nodeCount,
    adapterRanks: adapters.map(({ rank }) => rank),
    hasConfig: inference.config !== undefined,
    ...(localWeights === undefined ? {} : { localWeights }),
    ...(performanceMode === undefined || performanceMode === '' || performanceMode === 'balanced' ? {} : { performanceMode }),
  });
  const base: Values = {
    workspace: { name, namespace },
    preset: { name: preset.name },
    images: { ...defaultImages, ...request.images },
    scripts: templates.scripts,
    nodes: {
      count: nodeCount,
      resources: { [resource]: String(machine.gpuCount) },
      tolerations: resource === wholeGpu ? [] : [{ key: resource, operator: 'Exists', effect: 'NoSchedule' }],
      labels: nodeSelector, 
      leader: `${name}-0.${name}-headless.${namespace}.svc.cluster.local`,
    },
    service: {
      type: annotations[kaitoAnnotation.enableLoadBalancer] === 'True' ? 'LoadBalancer' : 'ClusterIP',
      selector: { 'kaito.sh/workspace': name, ...(nodeCount > 1 ? { 'statefulset.kubernetes.io/pod-name': `${name}-0` } : {}) },
    },
  };
  return {
    ...base,
    server: serverValues(server, request, base, templates),
    adapters: adapterParts(adapters, base, templates),
  };
};

const inferenceOf = ({ inference }: Workspace) => {
  if (!inference) throw new BugError('A model server was to be rendered from a Workspace that has none.');
  return inference;
};

const serverValues = (server: Server, { preset, workspace, adapters }: InferenceRendering, base: Values, templates: Templates): Values => {
  const { config, preset: reference, adapters: wanted = [] } = inferenceOf(workspace);
  const tokenSecret = reference.presetOptions?.modelAccessSecret;
  const flags = renderFlags(server.flags);
  const startupFailureThreshold = Math.ceil(startupBudgetSeconds(preset) / 10);
  const localWeights = localWeightsFolder(workspace);
  const toolkit = { name: 'cuda-toolkit', mountPath: cudaToolkitFolder, readOnly: true };
  const toolkitContainer = (): Json => resolveTemplate(templates.template('inference/cuda-toolkit'), { ...base, server: { cudaToolkitFolder } });
  return {
    command: server.command,
    flags,
    commandLine: toCommandLine([...server.command, ...flags]),
    environment: [
      ...toVariables(server.environment),
      // Not optional, unlike KAITO's: a pod without its token would fail much later, in the download.
      ...(tokenSecret === undefined ? [] : [{ name: 'HF_TOKEN', valueFrom: { secretKeyRef: { name: tokenSecret, key: 'HF_TOKEN' } } }]),
      ...toVariables(strengths(server, adapters, wanted)),
    ],
    ports: server.ports.map(({ name, containerPort }) => ({ name, containerPort })),
    startupFailureThreshold,
    // Beyond what the probe allows, for the image: a download of many GiB counts as no progress.
    progressDeadlineSeconds: startupFailureThreshold * 10 + 1800,
    terminationGracePeriodSeconds: server.terminationGracePeriodSeconds,
    cudaToolkitFolder,
    initContainers: server.needsCudaToolkit ? [toolkitContainer()] : [],
    mounts: [...(config === undefined ? [] : [{ name: 'config', mountPath: '/mnt/config' }]), ...(localWeights === undefined ? [] : [{ name: 'local-weights', mountPath: localWeights, readOnly: true }]), ...(server.needsCudaToolkit ? [toolkit] : [])],
    volumes: [
      ...(config === undefined ? [] : [{ name: 'config', configMap: { name: config } }]),
      ...(localWeights === undefined ? [] : [{ name: 'local-weights', hostPath: { path: localWeights, type: 'Directory' } }]),
      ...(server.needsCudaToolkit ? [{ name: 'cuda-toolkit', hostPath: { path: cudaToolkitFolder, type: 'DirectoryOrCreate' } }] : []),
    ],
  };
};

/** The transformers server merges adapters, each with the weight that the variable of its name holds. */
const strengths = (server: Server, adapters: readonly ServedAdapter[], wanted: readonly { source: { name?: string }; strength?: string }[]): Record<string, string> => {
  if (!server.mergesAdapters) return {};
  return Object.fromEntries(
    adapters.flatMap(({ name }) => {
      const strength = wanted.find(({ source }) => source.name === name)?.strength;
      return strength === undefined ? [] : [[name, strength] as const];
    }),
  );
};

const toVariables = (variables: Record<string, string>): { name: string; value: string }[] => Object.entries(variables).map(([name, value]) => ({ name, value }));
