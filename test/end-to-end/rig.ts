import { randomBytes } from 'node:crypto';
import { AppsV1Api, BatchV1Api, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll } from 'vitest';
import { type Azure, type AzureOptions, startAzure } from '../cluster/azure/azure.ts';
import type { RealCluster } from '../cluster/real/cluster.ts';
import { theCluster } from '../cluster/real/the-cluster.ts';
import { patienceMs, waitFor } from '../cluster/real/waiting.ts';
import { type Registries, startRegistries } from '../cluster/registries/registries.ts';
import { startVolumes, type Volumes } from '../cluster/volumes/volumes.ts';
import { type CliOptions, type CliResult, runCli } from '../support/cli.ts';
import { type RunningCli, startCli } from '../support/running-cli.ts';

/** What a user of a real AKS has: a cluster, an Azure, a registry, volumes, and a namespace with credentials. */
export interface Rig {
  namespace: string;
  cluster: RealCluster;
  azure: Azure;
  registries: Registries;
  volumes: Volumes;
  /** As its administrator, to look at what the command left. */
  api: { core: CoreV1Api; apps: AppsV1Api; batch: BatchV1Api };
  /** What the command finds in its environment. */
  environment: Record<string, string>;
}

export interface RigHandle {
  (): Rig;
  /** Runs the built command line to its end. */
  run(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  /** Starts it, to be watched, interrupted or killed. A test of several that run at once gives its own `onTestFinished`. */
  start(args: readonly string[], environment?: Record<string, string>, atTheEnd?: (end: () => void) => void): RunningCli;
}

/** The Secret with which adapters are pushed and pulled. */
const registrySecret = 'registry-credentials';

const commandTimeoutMs = 280_000;

/** One for the tests of a describe block. Its namespace and whatever nodes are left go with it. */
export const useRig = (options: Omit<AzureOptions, 'namespace'> = {}): RigHandle => {
  let rig: Rig | undefined;
  const started = (): Rig => {
    if (!rig) throw new Error('The rig starts with the tests, and is not there while they are collected.');
    return rig;
  };
  beforeAll(async () => {
    rig = await startRig(options);
  });
  afterAll(async () => {
    if (rig) await stopRig(rig);
  });
  return Object.assign(started, {
    run: (args: readonly string[], cli: CliOptions = {}) => runCli(args, { timeoutMs: commandTimeoutMs, ...cli, environment: { ...started().environment, ...cli.environment } }),
    start: (args: readonly string[], environment: Record<string, string> = {}, atTheEnd?: (end: () => void) => void) => startCli(args, { ...started().environment, ...environment }, commandTimeoutMs, atTheEnd),
  });
};

const startRig = async (options: AzureOptions): Promise<Rig> => {
  const provided = theCluster();
  if (provided.kind !== 'ours') throw new Error('These tests start nodes and registries, and need a cluster of their own.');
  const { cluster } = provided;
  const namespace = `e2e-${randomBytes(4).toString('hex')}`;
  const [azure, registries, volumes] = await Promise.all([startAzure(cluster, { ...options, namespace }), startRegistries(cluster), startVolumes(cluster, namespace)]);
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfigFile);
  const api = { core: config.makeApiClient(CoreV1Api), apps: config.makeApiClient(AppsV1Api), batch: config.makeApiClient(BatchV1Api) };
  await api.core.createNamespace({ body: { metadata: { name: namespace } } });
  await api.core.createNamespacedSecret({ namespace, body: toRegistrySecret(registries) });
  const isThere = async (): Promise<boolean> => (await api.core.listNamespacedServiceAccount({ namespace })).items.length > 0;
  await waitFor(`the service account of namespace ${namespace}`, patienceMs, isThere);
  const environment = { ...azure.environment, KAITO_REGISTRY: `${registries.privateHost}/${namespace}`, KAITO_OUTPUT_IMAGE_SECRET: registrySecret };
  return { namespace, cluster, azure, registries, volumes, api, environment };
};

/** Its pods must be gone before their nodes are; the namespace itself takes a quarter of a minute, and nobody needs it any more. */
const stopRig = async ({ namespace, api, azure, volumes }: Rig): Promise<void> => {
  await Promise.all([api.apps.deleteCollectionNamespacedDeployment({ namespace }), api.apps.deleteCollectionNamespacedStatefulSet({ namespace }), api.batch.deleteCollectionNamespacedJob({ namespace, propagationPolicy: 'Background' })]);
  await api.core.deleteNamespace({ name: namespace });
  const arePodsGone = async (): Promise<boolean> => {
    await api.core.deleteCollectionNamespacedPod({ namespace, gracePeriodSeconds: 0 });
    return (await api.core.listNamespacedPod({ namespace })).items.length === 0;
  };
  await waitFor(`the end of the pods in namespace ${namespace}`, patienceMs, arePodsGone);
  await Promise.all([azure.close(), volumes.close()]);
};

const toRegistrySecret = ({ privateHost, users: { writer } }: Registries) => {
  const auth = Buffer.from(`${writer.name}:${writer.password}`).toString('base64');
  return {
    metadata: { name: registrySecret },
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': JSON.stringify({ auths: { [privateHost]: { username: writer.name, password: writer.password, auth } } }) },
  };
};
