import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { insideFolder, makeFolders } from './files.ts';
import { foldersToJoin, makeGroup, removeGroup, rootOf } from './cgroups.ts';
import { logOf } from './logs.ts';
import { pauseImage } from './node-image.ts';
import { issueKubelet } from './pki.ts';
import { cniPlugins } from './requirements.ts';
import { runInside, startProcess, stopProcess, type SupervisedCommand } from './supervisor.ts';
import { findProgram } from './tools.ts';
import { patienceMs, waitFor } from './waiting.ts';

export interface NodeFiles {
  cluster: string;
  folder: string;
  node: string;
  address: string;
  server: string;
}

export interface NodeSettings {
  labels: Readonly<Record<string, string>>;
  taints: readonly { key: string; value?: string; effect: string }[];
  gpuCount: number;
  evictionHard: Readonly<Record<string, string>>;
  /** The kubelet's files and the pods' lie on a disk of their own then, in memory, which a test can fill. */
  diskMebibytes?: number;
}

export const nodeComponents = ['containerd', 'kubelet', 'device-plugin'] as const;
export type NodeComponent = (typeof nodeComponents)[number];

const inside = (node: string, ...path: string[]): string => [insideFolder, 'nodes', node, ...path].join('/');

const podsGroup = ({ cluster, node }: NodeFiles): string => `${rootOf(cluster)}/${node}`;
const runtimeGroup = ({ cluster, node }: NodeFiles): string => `${rootOf(cluster)}/runtime-${node}`;

/** Folders, control groups, certificate and configurations of a node. */
export const prepareNode = async (files: NodeFiles, settings: NodeSettings): Promise<void> => {
  const outside = join(files.folder, 'nodes', files.node);
  makeFolders(...['containerd', 'state', 'opt', 'kubelet', 'pod-logs', 'volume-plugins', 'var-lib-kubelet/device-plugins'].map((name) => join(outside, name)));
  const { diskMebibytes } = settings;
  if (diskMebibytes !== undefined) await runInside(files.folder, 'mount', '-t', 'tmpfs', '-o', `size=${diskMebibytes}m`, 'tmpfs', inside(files.node, 'kubelet'));
  makeGroup(podsGroup(files));
  makeGroup(runtimeGroup(files));
  await runInside(files.folder, 'ip', 'address', 'replace', `${files.address}/32`, 'dev', 'lo');
  await issueKubelet(files.folder, files.server, files.node);
  writeFileSync(join(outside, 'containerd.toml'), containerdConfig(files));
  writeFileSync(join(outside, 'kubelet.json'), JSON.stringify(kubeletConfig(files, settings), null, 2));
};

/** Starts the runtime, and waits until it answers and has the one image that it does not pull. */
export const startRuntime = async (files: NodeFiles, settings: NodeSettings): Promise<void> => {
  await startProcess(files.folder, nodeCommand('containerd', files, settings));
  await waitForRuntime(files);
  await askRuntime(files, '--namespace', 'k8s.io', 'images', 'import', `${insideFolder}/node-image.tar`);
};

/** A kubelet that starts before its runtime answers gives up. */
export const waitForRuntime = (files: NodeFiles): Promise<string> =>
  waitFor(`containerd of ${files.node}`, patienceMs, () => askRuntime(files, 'version').catch(() => undefined), () => logOf(files.folder, `containerd:${files.node}`));

const askRuntime = ({ folder, node }: NodeFiles, ...words: string[]): Promise<string> => runInside(folder, 'ctr', '--address', inside(node, 'containerd.sock'), ...words);

const fillerOf = (node: string): string => inside(node, 'kubelet', 'filler');

/** Only a disk that was given to the node by `diskMebibytes`: never the machine's. */
export const fillDisk = async ({ folder, node }: NodeFiles, mebibytes: number): Promise<void> => {
  await runInside(folder, 'mountpoint', '--quiet', inside(node, 'kubelet'));
  await runInside(folder, 'fallocate', '--length', `${mebibytes}M`, fillerOf(node));
};

export const emptyDisk = ({ folder, node }: NodeFiles): Promise<string> => runInside(folder, 'rm', '-f', fillerOf(node));

/** Ends whatever of the node still runs, and forgets it. */
export const removeNode = async (files: NodeFiles): Promise<void> => {
  for (const component of ['device-plugin', 'kubelet', 'containerd'] as const) {
    await stopProcess(files.folder, `${component}:${files.node}`, component === 'containerd' ? 5000 : 0).catch(() => undefined);
  }
  await removeGroup(podsGroup(files));
  await removeGroup(runtimeGroup(files));
  await runInside(files.folder, 'ip', 'address', 'delete', `${files.address}/32`, 'dev', 'lo').catch(() => undefined);
  const folder = inside(files.node);
  await runInside(files.folder, 'sh', '-c', `awk -v folder="${folder}/" 'index($2, folder) == 1 { print $2 }' /proc/mounts | sort -r | while read -r mount; do umount -l "$mount"; done`);
  rmSync(join(files.folder, 'nodes', files.node), { recursive: true, force: true });
};

export const nodeCommand = (component: NodeComponent, files: NodeFiles, settings: NodeSettings): SupervisedCommand => ({
  name: `${component}:${files.node}`,
  cgroups: foldersToJoin(runtimeGroup(files)),
  ...commands[component](files, settings),
});

const commands: Record<NodeComponent, (files: NodeFiles, settings: NodeSettings) => Omit<SupervisedCommand, 'name'>> = {
  containerd: ({ node }) => ({
    argv: [findProgram('containerd') ?? 'containerd', '--config', inside(node, 'containerd.toml')],
    // Registries that stand in for others have certificates of the cluster's authority.
    env: [`SSL_CERT_FILE=${insideFolder}/pki/ca.crt`],
  }),
  kubelet: ({ node, address }, { labels }) => ({
    argv: [
      `${insideFolder}/kube`,
      'kubelet',
      `--config=${inside(node, 'kubelet.json')}`,
      `--kubeconfig=${insideFolder}/kubelet-${node}.kubeconfig`,
      `--root-dir=${inside(node, 'kubelet')}`,
      `--cert-dir=${inside(node, 'kubelet', 'pki')}`,
      `--hostname-override=${node}`,
      `--node-ip=${address}`,
      `--node-labels=${Object.entries(labels).map(([name, value]) => `${name}=${value}`).join(',')}`,
    ],
    // The folder of device plugins is a fixed path, which every kubelet empties when it starts.
    binds: [`${inside(node, 'var-lib-kubelet')}:/var/lib/kubelet`],
  }),
  'device-plugin': ({ node }, { gpuCount }) => ({
    argv: [`${insideFolder}/kube`, 'device-plugin', inside(node, 'var-lib-kubelet', 'device-plugins'), 'nvidia.com/gpu', String(gpuCount)],
  }),
};

const containerdConfig = ({ node }: NodeFiles): string => `version = 2
root = "${inside(node, 'containerd')}"
state = "${inside(node, 'state')}"
[grpc]
  address = "${inside(node, 'containerd.sock')}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${inside(node, 'opt')}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "${insideFolder}/registries"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${cniPlugins}"
    conf_dir = "${insideFolder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`;

const kubeletConfig = (files: NodeFiles, { taints, evictionHard }: NodeSettings) => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  address: files.address,
  port: 10250,
  readOnlyPort: 0,
  healthzPort: 0,
  authentication: { anonymous: { enabled: false }, webhook: { enabled: true, cacheTTL: '5s' }, x509: { clientCAFile: `${insideFolder}/pki/ca.crt` } },
  authorization: { mode: 'Webhook' },
  failCgroupV1: false,
  cgroupDriver: 'cgroupfs',
  cgroupRoot: `/${podsGroup(files)}`,
  enforceNodeAllocatable: ['pods'],
  containerRuntimeEndpoint: `unix://${inside(files.node, 'containerd.sock')}`,
  failSwapOn: false,
  resolvConf: '',
  clusterDomain: 'cluster.local',
  clusterDNS: [files.server],
  oomScoreAdj: 0,
  maxOpenFiles: 20_000,
  podLogsDir: inside(files.node, 'pod-logs'),
  volumePluginDir: inside(files.node, 'volume-plugins'),
  // The machine's own disk and memory are not what tests are about.
  evictionHard,
  // A node is told to be well again as soon as it is, not only after five minutes.
  evictionPressureTransitionPeriod: '1s',
  imageGCHighThresholdPercent: 100,
  nodeStatusUpdateFrequency: '5s',
  serializeImagePulls: false,
  registerWithTaints: taints,
  registerNode: true,
});
