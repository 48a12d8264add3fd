import type { Agent } from 'node:http';
import type { RequestOptions } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import type { KubeConfig } from '@kubernetes/client-node';
import { AccessError, BugError, NotFoundError } from '../domain/errors.ts';
import type { Cluster, ClusterTarget } from './cluster.ts';
import { type CredentialSource, createStaticCredentials, withImpersonation } from './credentials.ts';
import { createEndpoint, defaultTiming, type Timing } from './endpoint.ts';
import { createExecCredentials } from './exec-credential.ts';
import { findServiceAccount, serviceAccountDirectory } from './in-cluster.ts';
import { type ChosenContext, loadKubeconfig } from './kubeconfig.ts';
import { findKubeconfigFiles } from './kubeconfig-files.ts';
import { createTransport } from './transport.ts';
import { createVerbs } from './verbs.ts';

export interface ConnectOptions {
  /** `--kubeconfig`. */
  kubeconfig?: string;
  /** `--context`. */
  context?: string;
  /** `--namespace`. */
  namespace?: string;
  env: Readonly<Record<string, string | undefined>>;
  homeDirectory: string;
  userAgent: string;
  /** Whether a person sits at stdin, whom a credential plugin may ask. */
  isInteractive?: boolean;
  timing?: Partial<Timing>;
  serviceAccountDirectory?: string;
}

/**
 * The cluster that the kubeconfig names, or the one that this process runs in. Reads files only: the first call is the
 * first to reach the network or to log in.
 */
export const connectCluster = async (options: ConnectOptions): Promise<Cluster> => {
  const chosen = await chooseContext(options);
  const target: ClusterTarget = {
    kubeconfig: chosen.files,
    contextName: chosen.contextName,
    clusterName: chosen.clusterName,
    userName: chosen.userName,
    server: chosen.cluster.server,
    namespace: options.namespace ?? chosen.namespace ?? 'default',
  };
  const endpoint = createEndpoint({
    cluster: chosen.cluster,
    credentials: withImpersonation(createCredentials(chosen, options), chosen.user),
    server: { ...target, url: target.server, kubectl: toKubectl(options) },
    env: options.env,
    userAgent: options.userAgent,
    timing: { ...defaultTiming, ...options.timing },
    createSocksAgent: (secure) => createSocksAgent(chosen, options.env, secure),
  });
  return createVerbs({ endpoint, transport: createTransport(endpoint), target });
};

const chooseContext = async (options: ConnectOptions): Promise<ChosenContext> => {
  const chosen = (await loadKubeconfig(options)) ?? (await findServiceAccount(options.env, options.serviceAccountDirectory ?? serviceAccountDirectory));
  if (chosen !== undefined) return chosen;
  throw new NotFoundError('There is no kubeconfig, so no cluster to talk to.', {
    reason: 'KubeconfigNotFound',
    fact: `Looked for: ${findKubeconfigFiles(options).join(', ')}`,
    hints: [
      'az aks get-credentials --resource-group <group> --name <cluster>',
      'Or name a file: --kubeconfig, or KUBECONFIG',
      'Or try it without any cluster: kaito-ts sandbox',
    ],
  });
};

/** How a person asks this same cluster with kubectl. */
const toKubectl = ({ kubeconfig, context }: ConnectOptions): string =>
  ['kubectl', ...(kubeconfig === undefined ? [] : [`--kubeconfig ${kubeconfig}`]), ...(context === undefined ? [] : [`--context ${context}`])].join(' ');

const createCredentials = ({ user, userName, cluster }: ChosenContext, { env, isInteractive = false }: ConnectOptions): CredentialSource => {
  // A token or a password beside a plugin wins, as in client-go.
  const hasOwn = user.token !== undefined || user.tokenFile !== undefined || user.username !== undefined;
  if (hasOwn) return createStaticCredentials(user);
  if (user.exec !== undefined) return createExecCredentials({ exec: user.exec, userName, cluster, env, isInteractive });
  if (user.authProvider !== undefined) return createProviderCredentials(user.authProvider, userName);
  return createStaticCredentials(user);
};

/**
 * The SDK's own `KubeConfig`, for the rare things that it alone knows: identity providers which kubectl has dropped, and
 * SOCKS. Loaded only then, because its import takes longer than everything else that a command does.
 */
const loadSdk = async (user: Record<string, unknown>, cluster: Record<string, unknown>): Promise<KubeConfig> => {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  const [name, server] = ['chosen', 'https://unused.invalid'];
  config.loadFromString(
    JSON.stringify({
      'current-context': name,
      clusters: [{ name, cluster: { server, ...cluster } }],
      users: [{ name, user }],
      contexts: [{ name, context: { cluster: name, user: name } }],
    }),
  );
  return config;
};

const createProviderCredentials = (authProvider: Record<string, unknown>, userName: string): CredentialSource => {
  let config: Promise<KubeConfig> | undefined;
  return {
    async get() {
      config ??= loadSdk({ 'auth-provider': authProvider }, {});
      const request: RequestOptions = {};
      try {
        await (await config).applyToHTTPSOptions(request);
      } catch (error) {
        throw new AccessError(`The ${String(authProvider['name'])} login of the kubeconfig user ${JSON.stringify(userName)} failed.`, {
          reason: 'AuthProvider',
          fact: error instanceof Error ? error.message : String(error),
          hints: ['Write the entry anew with a credential plugin, for AKS: kubelogin convert-kubeconfig'],
          cause: error,
        });
      }
      const authorization: unknown = Reflect.get(request.headers ?? {}, 'Authorization');
      return { headers: typeof authorization === 'string' ? { authorization } : {}, tls: {} };
    },
    refuse: () => false,
  };
};

const createSocksAgent = async ({ cluster }: ChosenContext, env: ConnectOptions['env'], secure: ConnectionOptions): Promise<Agent> => {
  const request: RequestOptions = { ...secure };
  const proxyUrl = cluster.proxyUrl ?? env['HTTPS_PROXY'] ?? env['https_proxy'];
  await (await loadSdk({}, { 'proxy-url': proxyUrl, server: cluster.server })).applyToHTTPSOptions(request);
  const { Agent } = await import('node:http');
  if (!(request.agent instanceof Agent)) throw new BugError('The SDK made no agent for a SOCKS proxy.');
  return request.agent;
};
