import { existsSync, linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addressesOf, freeBlock } from './addresses.ts';
import { askApi } from './api.ts';
import { buildBinary } from './binary.ts';
import { foldersToJoin, makeGroup, removeGroup, rootOf } from './cgroups.ts';
import { controlPlaneCommand, type ControlPlaneComponent, corefile, rootZone } from './control-plane.ts';
import { cacheFolder, folderOf, makeFolders } from './files.ts';
import { interruptible } from './interruption.ts';
import { withLock } from './lock.ts';
import { logOf } from './logs.ts';
import { connect, disconnect } from './network.ts';
import { startNode } from './nodes.ts';
import { writeNodeImage } from './node-image.ts';
import { issueCertificates, issueControlPlane } from './pki.ts';
import { provideRequirements } from './requirements.ts';
import { readState, type State, writeState } from './state.ts';
import { endServers, findSupervisor, hasEnded, listProcesses, startProcess, type SupervisedProcess } from './supervisor.ts';
import { findProgram, runTool } from './tools.ts';
import { patienceMs, waitFor } from './waiting.ts';
import { raiseWatchLimit, restoreWatchLimit } from './watch-limit.ts';

/** A real Kubernetes on this machine. Several can run side by side under names of their own. */
export interface RealCluster {
  name: string;
  /** Of its run. Logs are in `log/`. */
  folder: string;
  /** The administrator's. */
  kubeconfigFile: string;
  /** Signs the API server's certificate, and those of servers that tests run. Nodes' containerd trusts it. */
  certificateAuthority: { certificateFile: string; keyFile: string };
  /** This machine's address as pods see it. Servers that pods or nodes shall reach listen here. */
  gateway: string;
  /** containerd's `config_path` on every node: `<registry>/hosts.toml`, read at each pull. */
  registriesFolder: string;
  /** The addresses of pods and of Services. This machine can reach them too. */
  podAddresses: string;
  serviceAddresses: string;
}

export interface UpOptions {
  name: string;
  report?: (line: string) => void;
}

export const defaultName = 'kaito';
export const systemNode = 'aks-system-0';

export const up = async ({ name, report = () => {} }: UpOptions): Promise<RealCluster> => {
  checkName(name);
  refuseUp(name);
  const unmet = await provideRequirements(report);
  if (unmet.length > 0) throw new Error(`A real cluster needs ${unmet.join('\nIt also needs ')}`);
  const binary = await buildBinary(report);
  return withLock(`cluster-${name}`, 5 * 60_000, async () => {
    refuseUp(name);
    await remove(name); // What an `up` that was cut off has left.
    return interruptible(report, async (signal) => {
      try {
        return await create({ name, binary, report, signal });
      } catch (error) {
        await remove(name);
        throw error;
      }
    });
  });
};

/** Takes down whatever there is of a cluster of that name. Whether there was anything. */
export const down = async (name: string): Promise<boolean> => {
  checkName(name);
  const wasThere = existsSync(folderOf(name)) || findSupervisor(folderOf(name)) !== undefined;
  await withLock(`cluster-${name}`, 5 * 60_000, () => remove(name));
  return wasThere;
};

/** The names of those that are up. */
export const listClusters = (): string[] => {
  const clusters = join(cacheFolder, 'clusters');
  return existsSync(clusters) ? readdirSync(clusters).filter((name) => isUp(name)).toSorted() : [];
};

export const open = async (name: string): Promise<RealCluster> => {
  const state = readState(name);
  if (state?.ready !== true || !isUp(name)) throw new Error(`No cluster called ${name} is up: start it with \`npm run cluster -- up --name ${name}\`.`);
  return describeCluster(state);
};

export interface ClusterStatus {
  up: boolean;
  processes: SupervisedProcess[];
  nodes: string[];
}

export const status = async (name: string): Promise<ClusterStatus> => {
  if (!isUp(name)) return { up: false, processes: [], nodes: [] };
  return { up: true, processes: await listProcesses(folderOf(name)), nodes: Object.keys(readState(name)?.nodes ?? {}) };
};

/** Names that pods and nodes resolve to an address, beside the cluster's own: a registry's name to the gateway, say. */
export const addHostNames = async ({ name, folder }: RealCluster, addresses: Readonly<Record<string, string>>): Promise<void> => {
  await withLock(`hosts-${name}`, patienceMs, async () => {
    const file = join(folder, 'hosts');
    const kept = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !Object.keys(addresses).includes(line.split(' ')[1] ?? ''));
    const added = Object.entries(addresses).map(([host, address]) => `${address} ${host}`);
    // In place: the file itself is what processes of the cluster have as /etc/hosts.
    writeFileSync(file, `${[...kept, ...added].join('\n')}\n`);
  });
};

/** A certificate of the cluster's authority for a server that a test runs. */
export const issueServerCertificate = async ({ folder }: RealCluster, name: string, hosts: readonly string[]): Promise<{ certificateFile: string; keyFile: string }> => {
  await issueCertificates(folder, [{ name, authority: 'ca', usage: 'server', commonName: hosts[0] ?? name, hosts }]);
  return { certificateFile: join(folder, 'pki', `${name}.crt`), keyFile: join(folder, 'pki', `${name}.key`) };
};

const refuseUp = (name: string): void => {
  if (isUp(name)) throw new Error(`The cluster ${name} is up already: \`npm run cluster -- down --name ${name}\` first, or choose another name.`);
};

const checkName = (name: string): void => {
  if (!/^[a-z0-9](?:[a-z0-9-]{0,28}[a-z0-9])?$/u.test(name)) throw new Error(`"${name}" cannot be a cluster's name: use up to 30 lower-case letters, digits and dashes.`);
};

const isUp = (name: string): boolean => findSupervisor(folderOf(name)) !== undefined && readState(name)?.ready === true;

const describeCluster = ({ name, block }: State): RealCluster => {
  const folder = folderOf(name);
  const { gateway, pods, services } = addressesOf(block);
  return {
    name,
    folder,
    kubeconfigFile: join(folder, 'admin.kubeconfig'),
    certificateAuthority: { certificateFile: join(folder, 'pki', 'ca.crt'), keyFile: join(folder, 'pki', 'ca.key') },
    gateway,
    registriesFolder: join(folder, 'registries'),
    podAddresses: pods,
    serviceAddresses: services,
  };
};

interface Creation extends Required<UpOptions> {
  binary: string;
  signal: AbortSignal;
}

const create = async ({ name, binary, report, signal }: Creation): Promise<RealCluster> => {
  const folder = folderOf(name);
  const block = await noteBlock(folder);
  const addresses = addressesOf(block);
  const state: State = { name, block, ready: false, nodes: {} };
  writeState(state);
  await writeFiles(folder, binary, addresses);

  signal.throwIfAborted();
  report(`Starting the control plane (logs in ${join(folder, 'log')}) …`);
  makeGroup(`${rootOf(name)}/control-plane`);
  await connect(Number(await runTool([join(folder, 'kube'), 'namespaces', folder])), addresses);
  await waitFor(`the supervisor in ${folder}`, patienceMs, () => listProcesses(folder).catch(() => undefined), () => logOf(folder, 'supervisor'));
  const start = (component: ControlPlaneComponent) => {
    signal.throwIfAborted();
    return startProcess(folder, { ...controlPlaneCommand(component, addresses), cgroups: foldersToJoin(`${rootOf(name)}/control-plane`) });
  };
  await start('etcd');
  await start('kube-apiserver');
  await waitUntilServing(folder, addresses.server);
  for (const component of ['kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'dns'] as const) await start(component);
  signal.throwIfAborted();
  writeState({ ...state, ready: true });
  const cluster = describeCluster(state);

  report(`Starting the node ${systemNode} …`);
  await startNode(cluster, { name: systemNode, labels: { agentpool: 'system', 'kubernetes.azure.com/agentpool': 'system', 'kubernetes.azure.com/mode': 'system' } });
  await waitFor('the default service account', patienceMs, async () => {
    const { status } = await askApi(folder, addresses.server, 'GET', '/api/v1/namespaces/default/serviceaccounts/default');
    return status === 200;
  });
  signal.throwIfAborted();
  return cluster;
};

const noteBlock = (folder: string): Promise<number> =>
  withLock('addresses', patienceMs, async () => {
    const block = await freeBlock();
    makeFolders(folder);
    writeFileSync(join(folder, 'block'), String(block));
    raiseWatchLimit();
    return block;
  });

const writeFiles = async (folder: string, binary: string, addresses: ReturnType<typeof addressesOf>): Promise<void> => {
  makeFolders(...['log', 'pki', 'etcd', 'cni', 'registries', 'nodes', 'tunables', 'var-lib/kubelet', 'var-lib/cni', 'var-log'].map((path) => join(folder, path)));
  linkSync(binary, join(folder, 'kube'));
  writeFileSync(join(folder, 'hosts'), '127.0.0.1 localhost\n');
  writeFileSync(join(folder, 'Corefile'), corefile(addresses));
  writeFileSync(join(folder, 'root.zone'), rootZone);
  const network = {
    cniVersion: '1.0.0',
    name: 'pods',
    plugins: [
      {
        // Each pod has a link of its own to the cluster, so that answers of Services take the way back that they came.
        type: 'ptp',
        ipMasq: false,
        ipam: { type: 'host-local', ranges: [[{ subnet: addresses.pods }]], routes: [{ dst: '0.0.0.0/0' }], dataDir: '/run/kt/pod-addresses' },
      },
    ],
  };
  writeFileSync(join(folder, 'cni', '10-pods.conflist'), JSON.stringify(network, null, 2));
  await writeNodeImage(findProgram('busybox') ?? '/bin/busybox', join(folder, 'node-image.tar'));
  await issueControlPlane(folder, addresses);
};

export const waitUntilServing = (folder: string, server: string): Promise<boolean> =>
  waitFor(
    'the API server',
    patienceMs,
    async () => {
      const [apiServer] = (await listProcesses(folder)).filter(({ name }) => name === 'kube-apiserver');
      if (apiServer?.running === false) throw new Error(`kube-apiserver ended (${apiServer.status}).\n${logOf(folder, 'kube-apiserver')}`);
      return (await askApi(folder, server, 'GET', '/readyz').catch(() => ({ status: 0 }))).status === 200;
    },
    () => logOf(folder, 'kube-apiserver'),
  );

const remove = async (name: string): Promise<void> => {
  const folder = folderOf(name);
  const supervisor = findSupervisor(folder);
  if (supervisor !== undefined) {
    process.kill(supervisor, 'SIGKILL');
    await waitFor(`the end of the cluster's processes (${supervisor})`, patienceMs, async () => hasEnded(supervisor));
  }
  endServers(folder);
  const blockFile = join(folder, 'block');
  if (existsSync(blockFile)) await disconnect(addressesOf(Number(readFileSync(blockFile, 'utf8'))).interface);
  await removeGroup(rootOf(name));
  await withLock('addresses', patienceMs, async () => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    restoreWatchLimit();
  });
};
