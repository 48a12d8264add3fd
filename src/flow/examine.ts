import type { Cloud } from '../cloud/cloud.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Kinds } from '../cluster/kinds.ts';
import type { PushFacts } from '../domain/facts.ts';
import type { Requirement, RequirementAnswer } from '../domain/requirement.ts';
import { listDevicePlugins } from './device-plugins.ts';
import { inquire, need } from './inquire.ts';
import { judgeAccess, judgeDevicePlugins, judgeGpuNodes, judgeGpuProvisioner, judgeGpuQuota, judgeKubernetesVersion, judgeManagedCluster, judgeNodeAutoProvisioning, judgeRegistry, judgeStorageClasses } from './judge-requirements.ts';
import { askPermissions, findManagedCluster, toNodeFacts } from './observe.ts';

export interface Examination {
  cluster: Promise<Cluster>;
  /** Absent: GPU nodes exist already, and Azure has no part in it. */
  azure?: { cloud: Promise<Cloud>; hint: { subscriptionId?: string; resourceGroup?: string; name?: string } };
  registry?: { prefix: string; secret?: string; push(secrets: Record<string, Kinds['Secret'] | undefined>): Promise<PushFacts> };
  signal: AbortSignal;
}

export interface Asked {
  what: string;
  /** Never rejects. */
  answer: Promise<Requirement>;
}

/** Asks for everything at once, and changes nothing. What builds on something that is not there is left unasked. */
export const examine = ({ cluster, azure, registry, signal }: Examination): Asked[] => {
  const asked: Asked[] = [];
  const question = (what: string, onFailure: 'refused' | 'unknown', answer: () => Promise<RequirementAnswer>): void => void asked.push({ what, answer: inquire(what, onFailure, answer) });
  const call = { signal };
  const provisioner = azure ? 'aks' : 'byo';

  const version = quiet(quiet(cluster).then((there) => there.serverVersion(call)));
  const reached = async (): Promise<Cluster> => {
    await need(version, 'the Kubernetes API was not reached');
    return await cluster;
  };
  const nodes = quiet(reached().then((there) => there.list('Node', call)));

  question('kubeconfig', 'refused', async () => {
    const { target } = await cluster;
    return { verdict: 'passed', fact: `context ${target.contextName} of ${target.kubeconfig.join(', ')}` };
  });
  question('kubernetes', 'refused', async () => {
    const { target } = await need(cluster, noKubeconfig);
    return judgeKubernetesVersion(await version, target.server);
  });
  question('permissions', 'unknown', async () => {
    const there = await reached();
    const { namespace } = there.target;
    const lists = await Promise.all((['tuning', 'inference'] as const).map((kind) => askPermissions(there, namespace, kind, signal)));
    return judgeAccess([...new Map(lists.flat().map((permission) => [permission.what, permission])).values()], namespace);
  });
  if (azure) examineAzure({ ...azure, cluster, nodes, signal }, question);
  question('storage-class', 'unknown', async () => {
    const classes = await (await reached()).list('StorageClass', call);
    return judgeStorageClasses(classes.map(({ metadata }) => ({ name: metadata.name, isDefault: metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true' })), registry?.prefix);
  });
  question('gpu-nodes', 'refused', async () => {
    await reached();
    return judgeGpuNodes((await nodes).map(toNodeFacts), provisioner);
  });
  question('device-plugin', 'unknown', async () => judgeDevicePlugins(await listDevicePlugins(await reached(), signal), (await nodes.catch(() => [])).map(toNodeFacts), provisioner));
  question('gpu-provisioner', 'unknown', async () => {
    const deployments = await (await reached()).list('Deployment', { ...call, allNamespaces: true });
    return judgeGpuProvisioner(deployments.filter(isGpuProvisioner).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
  });
  question('registry', 'unknown', async () => {
    if (!registry) return { verdict: 'passed', fact: 'none is set (KAITO_REGISTRY): adapters are written to a volume claim' };
    const { prefix, secret } = registry;
    const object = secret === undefined ? undefined : await (await reached()).get('Secret', secret, call);
    if (secret !== undefined && !object) return { verdict: 'refused', fact: `Secret ${secret} does not exist`, remedy: `kubectl create secret docker-registry ${secret} --docker-server=<registry> --docker-username=<user> --docker-password=<password>` };
    return judgeRegistry(prefix, await registry.push(secret === undefined ? {} : { [secret]: object }), secret);
  });
  return asked;
};

interface AzureExamination extends NonNullable<Examination['azure']> {
  cluster: Promise<Cluster>;
  nodes: Promise<Kinds['Node'][]>;
  signal: AbortSignal;
}

const examineAzure = ({ cloud, hint, cluster, nodes, signal }: AzureExamination, question: (what: string, onFailure: 'refused' | 'unknown', answer: () => Promise<RequirementAnswer>) => void): void => {
  const login = quiet(quiet(cloud).then((there) => there.login({ signal })));
  const find = async () => {
    await need(login, 'there is no Azure login');
    return await findManagedCluster(await cloud, await need(cluster, noKubeconfig), await nodes.catch(() => []), hint, signal);
  };
  const managed = quiet(find());
  question('azure-login', 'refused', async () => ({ verdict: 'passed', fact: (await login).description }));
  question('aks-cluster', 'refused', async () => judgeManagedCluster(await managed));
  question('node-auto-provisioning', 'unknown', async () => judgeNodeAutoProvisioning(await need(managed, noManagedCluster)));
  question('gpu-quota', 'unknown', async () => {
    const found = await need(managed, noManagedCluster);
    return judgeGpuQuota(await (await cloud).listUsages(found, { signal }), found.location);
  });
};

const noKubeconfig = 'there is no kubeconfig to go by';
const noManagedCluster = 'the AKS cluster was not found';

/** KAITO's own maker of agent pools: as a chart, and as part of the AKS add-on. */
const isGpuProvisioner = ({ spec, status }: Kinds['Deployment']): boolean =>
  (status?.readyReplicas ?? 0) > 0 && (spec?.template.spec?.containers.some(({ image = '' }) => /(^|\/)gpu-provisioner([:@]|$)/.test(image)) ?? false);

/** Its failure is told by whoever awaits it, whenever that is. */
const quiet = <T>(promise: Promise<T>): Promise<T> => {
  promise.catch(() => undefined);
  return promise;
};
