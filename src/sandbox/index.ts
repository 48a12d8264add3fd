import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startArm } from './arm/arm.ts';
import { azureEnvironment } from './azure-environment.ts';
import { createSandboxClock } from './clock.ts';
import { startControllers } from './controllers/index.ts';
import { addNodes, addSystemNode, removeNodes, type NodePlace } from './controllers/nodes.ts';
import { startEntra } from './entra/entra.ts';
import { createFaults, type Fault } from './faults.ts';
import { createRbac } from './kube/rbac.ts';
import { startKubernetesApi } from './kube/server.ts';
import { createStore } from './kube/store.ts';
import { createKubelet } from './kubelet/kubelet.ts';
import { kubernetesVersion } from './kubernetes-version.ts';
import { createContainerFetch } from './network.ts';
import { programs } from './programs/index.ts';
import type { Program } from './programs/program.ts';
import { startRegistry } from './registry/registry.ts';
import { seed } from './seed.ts';
import { createCertificateAuthority } from './tls.ts';

export interface SandboxOptions {
  faults: readonly Fault[];
  /** How many times faster than the wall clock its delays pass. */
  speed: number;
  /** What containers can run besides the images' own programs; these are asked first. */
  programs?: readonly Program[];
}

export interface Sandbox {
  /** The environment that points any client at it: nothing else does. */
  environment: Record<string, string>;
  /** Where the files named by the environment are. */
  folder: string;
  /** What its Kubernetes API and its ARM were asked, each oldest first. */
  requests(): { kubernetes: readonly SandboxRequest[]; azure: readonly SandboxRequest[] };
  close(): Promise<void>;
}

export interface SandboxRequest {
  method: string;
  /** With the query. */
  path: string;
}

const subscriptionId = '00000000-5a0d-4b0c-8000-000000000001';
const tenantId = '00000000-5a0d-4b0c-8000-000000000002';
const clientId = '00000000-5a0d-4b0c-8000-000000000003';
const location = 'eastus';
const resourceGroup = 'sandbox';
const clusterName = 'sandbox';
const nodeResourceGroup = `MC_${resourceGroup}_${clusterName}_${location}`;

/**
 * A whole AKS in one process, on loopback only, behind TLS with an authority of its own: the Kubernetes API, ARM, Entra,
 * a registry, and containers that play what was recorded of the real ones.
 */
export const startSandbox = async ({ faults: faultNames, speed, programs: more = [] }: SandboxOptions): Promise<Sandbox> => {
  const clock = createSandboxClock(speed);
  const faults = createFaults(faultNames);
  const authority = createCertificateAuthority();
  const tls = authority.issue({ names: ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc'] });
  const secrets = { client: randomToken(), kubernetes: randomToken(), registry: randomToken() };
  const place: NodePlace = { subscriptionId, nodeResourceGroup, location };

  const registry = await startRegistry({ tls, users: [{ name: 'sandbox', password: secrets.registry }], clock, faults });
  const store = createStore({ now: () => clock.now() });
  const kubelet = createKubelet({ store, clock, faults, programs: [...more, ...programs], fetch: createContainerFetch({ certificatePem: authority.certificatePem, registryHost: registry.host }) });
  const kubernetes = await startKubernetesApi({ tls, store, runtime: kubelet, clock, faults, authorize: createRbac(store), authenticate: (token) => (token === secrets.kubernetes ? { name: 'sandbox-admin', groups: ['system:masters', 'system:authenticated'] } : undefined) });
  const controllers = startControllers({ store, clock, faults });
  addSystemNode({ store, clock, place });
  seed({ store, registry: { host: registry.host, username: 'sandbox', password: secrets.registry } });
  store.forgetPast();

  const entra = await startEntra({ tls, tenantId, clients: [{ id: clientId, secret: secrets.client }], faults, now: () => clock.now() });
  const arm = await startArm({
    tls,
    clock,
    faults,
    verifyToken: entra.verify,
    subscriptionId,
    tenantId,
    location,
    clusters: [{ name: clusterName, resourceGroup, kubernetesVersion, fqdn: '127.0.0.1', agentPools: [{ name: 'system', vmSize: 'Standard_D4s_v5', count: 1, mode: 'System' }] }],
    onPool: {
      created: (pool, _cluster, signal) => addNodes({ store, clock, faults, place, pool, signal }),
      deleted: (pool, _cluster, signal) => removeNodes({ store, clock, pool: pool.name, signal }),
    },
  });

  const folder = await mkdtemp(join(tmpdir(), 'kaito-ts-sandbox-'));
  const certificate = join(folder, 'ca.pem');
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(certificate, authority.certificatePem);
  await writeFile(kubeconfig, renderKubeconfig(kubernetes.url, authority.certificatePem, secrets.kubernetes), { mode: 0o600 });

  return {
    folder,
    environment: {
      KUBECONFIG: kubeconfig,
      NODE_EXTRA_CA_CERTS: certificate,
      SSL_CERT_FILE: certificate,
      ...azureEnvironment({ armUrl: arm.url, authorityUrl: entra.url, subscriptionId, tenantId, clientId, clientSecret: secrets.client }),
      KAITO_REGISTRY: `${registry.host}/kaito`,
      KAITO_OUTPUT_IMAGE_SECRET: 'registry-credentials',
    },
    requests: () => ({ kubernetes: kubernetes.requests(), azure: arm.requests() }),
    async close() {
      controllers.stop();
      await kubelet.close();
      await Promise.all([kubernetes.close(), arm.close(), entra.close(), registry.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
};

const randomToken = (): string => randomBytes(24).toString('base64url');

/** JSON is YAML, and needs no writer. */
const renderKubeconfig = (server: string, certificatePem: string, token: string): string =>
  JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'sandbox',
      contexts: [{ name: 'sandbox', context: { cluster: clusterName, user: `clusterUser_${resourceGroup}_${clusterName}`, namespace: 'default' } }],
      clusters: [{ name: clusterName, cluster: { server, 'certificate-authority-data': Buffer.from(certificatePem).toString('base64') } }],
      users: [{ name: `clusterUser_${resourceGroup}_${clusterName}`, user: { token } }],
    },
    undefined,
    2,
  );
