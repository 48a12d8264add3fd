import { afterAll, beforeAll } from 'vitest';
import type { Cluster } from '../../src/cluster/cluster.ts';
import { connectCluster } from '../../src/cluster/kubernetes.ts';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import type { Fault } from '../../src/sandbox/faults.ts';
import { runCli, type CliOptions, type CliResult } from './cli.ts';

export interface SandboxHandle {
  /** Runs the built command line against this sandbox. */
  run(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  environment(): Record<string, string>;
  /** What it was asked so far. */
  requests(): ReturnType<Sandbox['requests']>;
  /** Its Kubernetes API, for what somebody else does there meanwhile. */
  cluster(): Promise<Cluster>;
}

/** One sandbox for the tests of a describe block. The four hours that a Job may take are ten seconds there: faster, and a busy machine exceeds them. */
export const useSandbox = (faults: readonly Fault[] = [], speed = 1500): SandboxHandle => {
  let sandbox: Sandbox | undefined;
  const started = (): Sandbox => {
    if (!sandbox) throw new Error('The sandbox starts with the tests, and is not there while they are collected.');
    return sandbox;
  };
  const environment = (): Record<string, string> => started().environment;
  let cluster: Promise<Cluster> | undefined;
  beforeAll(async () => {
    sandbox = await startSandbox({ faults, speed });
  });
  afterAll(async () => {
    (await cluster)?.close();
    await sandbox?.close();
  });
  return {
    environment,
    requests: () => started().requests(),
    cluster: () => (cluster ??= connectCluster({ kubeconfig: environment()['KUBECONFIG'] ?? '', env: {}, homeDirectory: '/nonexistent', userAgent: 'test' })),
    run: (args, options = {}) => runCli(args, { ...options, environment: { ...environment(), ...options.environment } }),
  };
};
