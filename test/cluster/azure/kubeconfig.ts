import { KubeConfig } from '@kubernetes/client-node';
import { identity } from './identity.ts';

/** The same access under the names that `az aks get-credentials` gives, and the host by which the managed cluster is found. */
export const asAksUser = (text: string, namespace: string): { kubeconfig: string; fqdn: string } => {
  const admin = new KubeConfig();
  admin.loadFromString(text);
  const [cluster, user] = [admin.getCurrentCluster(), admin.getCurrentUser()];
  if (!cluster || !user) throw new Error('The kubeconfig of the test cluster has no current context.');
  const userName = `clusterUser_${identity.resourceGroup}_${identity.clusterName}`;
  const renamed = new KubeConfig();
  renamed.loadFromOptions({
    clusters: [{ ...cluster, name: identity.clusterName }],
    users: [{ ...user, name: userName }],
    contexts: [{ name: identity.clusterName, cluster: identity.clusterName, user: userName, namespace }],
    currentContext: identity.clusterName,
  });
  return { kubeconfig: renamed.exportConfig(), fqdn: new URL(cluster.server).hostname };
};
