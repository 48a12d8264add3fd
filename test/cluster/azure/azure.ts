import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArmOptions, type ArmRequest, startArm } from '../../../src/sandbox/arm/arm.ts';
import { azureEnvironment } from '../../../src/sandbox/azure-environment.ts';
import { createSandboxClock } from '../../../src/sandbox/clock.ts';
import { startEntra } from '../../../src/sandbox/entra/entra.ts';
import { createFaults, type Fault } from '../../../src/sandbox/faults.ts';
import { createCertificateAuthority } from '../../../src/sandbox/tls.ts';
import type { RealCluster } from '../real/cluster.ts';
import { identity, nodePlace } from './identity.ts';
import { asAksUser } from './kubeconfig.ts';
import { createPoolNodes, type PoolNodeOptions } from './pool-nodes.ts';
import { openPortal, type Portal } from './portal.ts';

export interface AzureOptions extends PoolNodeOptions {
  faults?: readonly Fault[];
  /** vCPUs by quota family; absent: plenty. */
  quota?: ArmOptions['quota'];
  /** How many times faster than the wall clock Azure's own delays pass; nodes take the time they take. */
  speed?: number;
  /** Of the kubeconfig's context. */
  namespace?: string;
}

export interface Azure extends Portal {
  /** Points kaito-ts at it and at the cluster. */
  environment: Record<string, string>;
  requests(): readonly ArmRequest[];
  /** Nodes of its agent pools. */
  nodeNames(): readonly string[];
  /** Ends with all nodes that are left, too. */
  close(): Promise<void>;
}

/** An Azure whose agent pools are real nodes of this cluster: a PUT starts kubelets, a DELETE drains and stops them. */
export const startAzure = async (cluster: RealCluster, { faults: faultNames = [], quota, speed = 600, namespace = 'default', ...waiting }: AzureOptions = {}): Promise<Azure> => {
  const authority = createCertificateAuthority();
  const tls = authority.issue();
  const clock = createSandboxClock(speed);
  const faults = createFaults(faultNames);
  const poolNodes = createPoolNodes(cluster, nodePlace, waiting);
  const secret = randomBytes(24).toString('base64url');
  const { subscriptionId, tenantId, clientId, location, resourceGroup, clusterName } = identity;
  const aksUser = asAksUser(await readFile(cluster.kubeconfigFile, 'utf8'), namespace);

  const entra = await startEntra({ tls, tenantId, clients: [{ id: clientId, secret }], faults, now: () => clock.now() });
  const arm = await startArm({
    tls,
    clock,
    faults,
    verifyToken: entra.verify,
    subscriptionId,
    tenantId,
    location,
    clusters: [{ name: clusterName, resourceGroup, kubernetesVersion: '1.36.3', fqdn: aksUser.fqdn, agentPools: [{ name: 'system', vmSize: 'Standard_D4s_v5', count: 1, mode: 'System' }] }],
    ...(quota ? { quota } : {}),
    onPool: poolNodes,
  });

  const folder = await mkdtemp(join(cluster.folder, 'azure-'));
  const certificates = join(folder, 'ca.pem');
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(certificates, authority.certificatePem + (await readFile(cluster.certificateAuthority.certificateFile, 'utf8')));
  await writeFile(kubeconfig, aksUser.kubeconfig, { mode: 0o600 });

  return {
    environment: {
      KUBECONFIG: kubeconfig,
      NODE_EXTRA_CA_CERTS: certificates,
      ...azureEnvironment({ armUrl: arm.url, authorityUrl: entra.url, subscriptionId, tenantId, clientId, clientSecret: secret }),
    },
    requests: () => arm.requests(),
    ...openPortal({ armUrl: arm.url, authorityUrl: entra.url, secret, certificatePem: authority.certificatePem }),
    nodeNames: () => poolNodes.names(),
    async close() {
      await Promise.all([arm.close(), entra.close()]);
      await poolNodes.stopAll();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
