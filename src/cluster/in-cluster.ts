import { access, readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import type { ChosenContext } from './kubeconfig.ts';
import { anonymous } from './kubeconfig-entries.ts';

/** Where Kubernetes mounts the service account of a pod: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/ */
export const serviceAccountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The cluster that this process runs in, as one of its pods; undefined outside of any. */
export const findServiceAccount = async (
  env: Readonly<Record<string, string | undefined>>,
  directory: string = serviceAccountDirectory,
): Promise<ChosenContext | undefined> => {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  const tokenFile = join(directory, 'token');
  if (host === undefined || host === '' || port === undefined || !(await exists(tokenFile))) return undefined;
  const [caPem, namespace] = await Promise.all([readIfThere(join(directory, 'ca.crt')), readIfThere(join(directory, 'namespace'))]);
  return {
    files: [],
    contextName: 'in-cluster',
    clusterName: 'in-cluster',
    userName: 'service account',
    ...(namespace === undefined ? {} : { namespace: namespace.trim() }),
    cluster: { server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`, skipTlsVerify: false, ...(caPem === undefined ? {} : { caPem }) },
    user: { ...anonymous, tokenFile },
  };
};

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

const readIfThere = (file: string): Promise<string | undefined> => readFile(file, 'utf8').catch(() => undefined);
