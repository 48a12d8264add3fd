import { resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startRegistries } from '../registries/registries.ts';
import { downWithRegistries, upWithRegistries } from '../registries/with-cluster.ts';
import { open, type RealCluster, status } from './cluster.ts';

/** What every test file is told of the cluster that the suite runs on. */
export type ProvidedCluster = { kind: 'ours'; cluster: RealCluster; kubeconfigFile: string } | { kind: 'given'; kubeconfigFile: string };

declare module 'vitest' {
  interface ProvidedContext {
    realCluster: ProvidedCluster;
  }
}

/**
 * The one that KAITO_TEST_KUBECONFIG names; else the one called KAITO_TEST_CLUSTER_NAME, left up if it was up, else made
 * for this run.
 */
export default async (project: TestProject): Promise<(() => Promise<void>) | undefined> => {
  const given = process.env['KAITO_TEST_KUBECONFIG'];
  if (given !== undefined) {
    project.provide('realCluster', { kind: 'given', kubeconfigFile: resolve(given) });
    return undefined;
  }
  const name = process.env['KAITO_TEST_CLUSTER_NAME'] ?? 'test';
  const provide = (cluster: RealCluster) => project.provide('realCluster', { kind: 'ours', cluster, kubeconfigFile: cluster.kubeconfigFile });
  if ((await status(name)).up) {
    const cluster = await open(name);
    await startRegistries(cluster);
    provide(cluster);
    return undefined;
  }
  const { cluster } = await upWithRegistries({ name, report: (line) => void process.stderr.write(`${line}\n`) });
  provide(cluster);
  return async () => void (await downWithRegistries(name));
};
