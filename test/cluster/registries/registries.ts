import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addHostNames, issueServerCertificate, type RealCluster } from '../real/cluster.ts';
import { insideFolder } from '../real/files.ts';
import { withLock } from '../real/lock.ts';
import { patienceMs, waitFor } from '../real/waiting.ts';
import { catalogueKey, makeCatalogue, missingPackages } from '../images/catalogue.ts';
import { push } from '../images/push.ts';
import type { FrontSettings, FrontState, RegistryUser } from './front/settings.ts';
import { removeHostNames, setHostNames } from './hosts-file.ts';

/** The registries of a cluster: one answers for the public names, one is private. */
export interface Registries {
  folder: string;
  /** `kaitotestmine.azurecr.io`. Asks for a token over TLS with the cluster's authority. */
  privateHost: string;
  /** Hands out what `putFile` gave it, over HTTP and HTTPS. */
  filesHost: string;
  users: { writer: RegistryUser; reader: RegistryUser };
  /** For `control.ts`. */
  controlUrl: string;
  gateway: string;
  certificateAuthorityFile: string;
}

const publicHosts = ['mcr.microsoft.com', 'ghcr.io', 'registry-1.docker.io'];
/** As images are named, which is not always where they are. */
const publicRegistries = ['mcr.microsoft.com', 'ghcr.io', 'docker.io'];

const users = {
  writer: { name: 'writer', password: 'writers-secret', canPush: true },
  reader: { name: 'reader', password: 'readers-secret', canPush: false },
};

const folderOf = (cluster: RealCluster): string => join(cluster.folder, 'image-registries');
/** A registry's name in Azure has only letters and digits. */
const privateHostOf = ({ name }: RealCluster): string => `kaitotest${name.replaceAll(/[^a-z0-9]/g, '')}.azurecr.io`;
const filesHostOf = ({ name }: RealCluster): string => `files-${name}.kaito-ts.example`;

/** Starts what is not running yet, as processes that outlive this one, and puts the images into it. */
export const startRegistries = (cluster: RealCluster): Promise<Registries> => withLock(`registries-${cluster.name}`, 5 * 60_000, () => startUnlocked(cluster));

const startUnlocked = async (cluster: RealCluster): Promise<Registries> => {
  const missing = [...(await missingPackages()), ...(existsSync('/usr/bin/docker-registry') ? [] : ['docker-registry'])];
  if (missing.length > 0) throw new Error(`Registries need packages of Debian: apt-get install ${missing.join(' ')}`);
  const folder = folderOf(cluster);
  mkdirSync(folder, { recursive: true });
  const names = [privateHostOf(cluster), filesHostOf(cluster)];
  if (pidOf(folder) === undefined) await startFront(cluster, folder, names);
  await setHostNames(cluster.name, cluster.gateway, names);
  await addHostNames(cluster, Object.fromEntries([...names, ...publicHosts].map((host) => [host, cluster.gateway])));
  writeContainerdHosts(cluster);
  const registries = openRegistries(cluster);
  await publishImages(registries);
  return registries;
};

/** The running registries of a cluster, for another process than the one that started them. */
export const openRegistries = (cluster: RealCluster): Registries => {
  const folder = folderOf(cluster);
  if (pidOf(folder) === undefined) throw new Error(`The registries of the cluster ${cluster.name} are not running.`);
  const { controlUrl } = JSON.parse(readFileSync(join(folder, 'front.json'), 'utf8')) as FrontState;
  return {
    folder,
    privateHost: privateHostOf(cluster),
    filesHost: filesHostOf(cluster),
    users,
    controlUrl,
    gateway: cluster.gateway,
    certificateAuthorityFile: cluster.certificateAuthority.certificateFile,
  };
};

/** Ends them and takes back what this machine was told; files go with the cluster's folder. */
export const stopRegistries = async (cluster: RealCluster): Promise<void> => {
  const folder = folderOf(cluster);
  const pid = pidOf(folder);
  if (pid !== undefined) {
    process.kill(pid, 'SIGTERM');
    await waitFor(`the end of the registries (process ${pid})`, patienceMs, async () => pidOf(folder) === undefined);
  }
  await removeHostNames(cluster.name);
};

/** Puts every image into the registries, unless they have all of them already. */
export const publishImages = async ({ folder, gateway, certificateAuthorityFile }: Registries): Promise<void> => {
  const settings = { certificateAuthority: readFileSync(certificateAuthorityFile, 'utf8'), controlUrl: `http://${gateway}/stand-in` };
  const key = await catalogueKey(settings);
  const marker = join(folder, 'published');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === key) return;
  for (const { reference, image } of await makeCatalogue(settings)) {
    const [, registry = '', repository = '', tag = ''] = /^([^/]+)\/(.+):([^:]+)$/.exec(reference) ?? [];
    await push({ socketPath: socketFrom(folder, registry === 'private' ? 'private' : 'public') }, { repository, tag }, image);
  }
  writeFileSync(marker, key);
};

/** In the folder that the registries work in: its path may be longer than a socket's may be. */
const socketOf = (name: 'public' | 'private'): string => `${name}.socket`;

/** By way of a process that works there. */
const socketFrom = (folder: string, name: 'public' | 'private'): string => `/proc/${pidOf(folder)}/cwd/${socketOf(name)}`;

const storageConfig = (folder: string, name: 'public' | 'private'): string =>
  JSON.stringify({
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, `${name}-storage`) }, delete: { enabled: true } },
    http: { net: 'unix', addr: socketOf(name), relativeurls: true },
  });

/** https://github.com/containerd/containerd/blob/v1.6.20/docs/hosts.md */
const writeContainerdHosts = (cluster: RealCluster): void => {
  const write = (registry: string, content: string): void => {
    mkdirSync(join(cluster.registriesFolder, registry), { recursive: true });
    writeFileSync(join(cluster.registriesFolder, registry, 'hosts.toml'), content);
  };
  const plain = `http://${cluster.gateway}`;
  for (const registry of publicRegistries) write(registry, `server = "${plain}"\n\n[host."${plain}"]\n  capabilities = ["pull", "resolve"]\n`);
  const secure = `https://${privateHostOf(cluster)}`;
  write(privateHostOf(cluster), `server = "${secure}"\n\n[host."${secure}"]\n  capabilities = ["pull", "resolve"]\n  ca = "${insideFolder}/pki/ca.crt"\n`);
};

const startFront = async (cluster: RealCluster, folder: string, names: readonly string[]): Promise<void> => {
  const stateFile = join(folder, 'front.json');
  rmSync(stateFile, { force: true });
  const store = (name: 'public' | 'private') => {
    const configFile = join(folder, `${name}.yaml`);
    rmSync(join(folder, socketOf(name)), { force: true });
    writeFileSync(configFile, storageConfig(folder, name));
    return { configFile, socket: socketOf(name) };
  };
  const settings: FrontSettings = {
    folder,
    cluster: cluster.name,
    stateFile,
    gateway: cluster.gateway,
    privateHost: privateHostOf(cluster),
    filesHost: filesHostOf(cluster),
    ...(await issueServerCertificate(cluster, 'registries', [...names, ...publicHosts, cluster.gateway])),
    stores: { public: store('public'), private: store('private') },
    users: Object.values(users),
  };
  writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings));
  const logFile = join(folder, 'front.log');
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [join(import.meta.dirname, 'front', 'main.ts'), join(folder, 'settings.json')], { cwd: folder, detached: true, stdio: ['ignore', log, log] });
  child.unref();
  writeFileSync(pidFileOf(folder), String(child.pid));
  await waitFor('the registries', patienceMs, async () => {
    if (child.exitCode !== null) throw new Error(`The registries ended: ${readFileSync(logFile, 'utf8').slice(-2000)}`);
    return existsSync(stateFile);
  });
};

const pidFileOf = (folder: string): string => join(folder, 'front.pid');

/** Of the process that runs and is still ours: numbers are used again. */
const pidOf = (folder: string): number | undefined => {
  try {
    const pid = Number(readFileSync(pidFileOf(folder), 'utf8'));
    const isZombie = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.startsWith('Z') ?? true;
    return !isZombie && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder) ? pid : undefined;
  } catch {
    return undefined;
  }
};
