import { randomBytes } from 'node:crypto';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { inject, onTestFinished } from 'vitest';
import type { RealCluster } from './cluster.ts';
import type { ProvidedCluster } from './global-setup.ts';
import { patienceMs, waitFor } from './waiting.ts';

/** The cluster that the suite runs on: ours, to do with as we like, or one that somebody gave us. */
export const theCluster = (): ProvidedCluster => inject('realCluster');

/** For tests that start nodes or stop components, which run only where the cluster is ours. */
export const ownCluster = (): RealCluster => {
  const provided = theCluster();
  if (provided.kind === 'given') throw new Error('This test changes the cluster itself, which only a cluster of the suite is for.');
  return provided.cluster;
};

/** A namespace of the test's own, deleted after it, with the service account that pods need. */
export const ownNamespace = async (kubeconfigFile = theCluster().kubeconfigFile): Promise<string> => {
  const name = `kaito-ts-test-${randomBytes(4).toString('hex')}`;
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigFile);
  const api = config.makeApiClient(CoreV1Api);
  await api.createNamespace({ body: { metadata: { name } } });
  onTestFinished(async () => {
    await api.deleteNamespace({ name }).catch(() => undefined);
  });
  // Controllers that lost the API server try again ever more seldom, half a minute apart at last.
  await waitFor(`the service account of ${name}`, patienceMs, () =>
    api.readNamespacedServiceAccount({ namespace: name, name: 'default' }).then(
      () => true,
      () => false,
    ),
  );
  return name;
};
