import { AccessError } from '../domain/errors.ts';
import { reasonOf } from './abort.ts';
import type { Credential } from './credentials.ts';
import type { ClusterEntry, ExecEntry } from './kubeconfig-entries.ts';
import { isRecord } from './object.ts';

export interface ExecOptions {
  exec: ExecEntry;
  userName: string;
  /** Told to the plugin when the entry has `provideClusterInfo`. */
  cluster: ClusterEntry;
  env: Readonly<Record<string, string | undefined>>;
  /** Whether a person sits at stdin, so that the plugin may ask. */
  isInteractive: boolean;
}

/** A login in a browser or with a device code takes a person a while; a plugin that asks nobody does not. */
const interactiveTimeoutMs = 300_000;
const silentTimeoutMs = 120_000;

/** What a plugin gave, and until when it holds. */
export interface Held {
  credential: Credential;
  /** Milliseconds since 1970; infinite when the plugin did not say. */
  expiresAt: number;
}

/** Runs the plugin once. Every way in which that fails is an AccessError, and none quotes what it printed. */
export const runPlugin = async ({ exec, userName, cluster, env, isInteractive }: ExecOptions, signal: AbortSignal): Promise<Held> => {
  if (!supportedVersions.has(exec.apiVersion)) {
    throw new AccessError(`The kubeconfig user ${JSON.stringify(userName)} needs a plugin of the version ${exec.apiVersion}, which is not supported.`, {
      reason: 'ExecPluginVersion',
      fact: `Supported: ${[...supportedVersions].join(', ')}`,
      hints: ['Write the entry anew, for AKS: kubelogin convert-kubeconfig'],
    });
  }
  const mayAsk = isInteractive && exec.interactiveMode !== 'Never';
  if (exec.interactiveMode === 'Always' && !isInteractive) {
    throw new AccessError(`${exec.command} wants to ask for a login, and there is no terminal to ask at.`, {
      reason: 'ExecPluginInteractive',
      hints: ['Use a login without questions, for AKS: kubelogin convert-kubeconfig -l azurecli (or workloadidentity, in a pipeline)'],
    });
  }
  const info = {
    apiVersion: exec.apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: mayAsk, ...(exec.provideClusterInfo ? { cluster: toExecCluster(cluster) } : {}) },
  };

  // Loaded here: it would double the start-up of everybody who needs no plugin.
  const { execa } = await import('execa');
  const timeoutMs = mayAsk ? interactiveTimeoutMs : silentTimeoutMs;
  const result = await execa(exec.command, exec.args, {
    env: { ...env, ...exec.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
    extendEnv: false,
    stdin: mayAsk ? 'inherit' : 'ignore',
    stderr: 'inherit',
    reject: false,
    timeout: timeoutMs,
    cancelSignal: signal,
  });
  if (result.isCanceled) throw reasonOf(signal);
  if (result.code === 'ENOENT' || result.code === 'EACCES') throw missingPlugin(exec, userName, result.code);
  if (result.timedOut) {
    throw new AccessError(`${exec.command} gave no credential within ${timeoutMs / 1000} s.`, { reason: 'ExecPluginTimeout', hints: loginHints(exec) });
  }
  if (result.failed) {
    throw new AccessError(`${exec.command} could not log in: what it says stands above.`, {
      reason: 'ExecPluginFailed',
      fact: result.exitCode === undefined ? `ended by ${result.signal ?? 'an error of the system'}` : `exit code ${result.exitCode}`,
      hints: loginHints(exec),
    });
  }
  return parseExecCredential(result.stdout, exec);
};

const supportedVersions = new Set(['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1']);

/** Never quotes the output, which is a secret even where it is broken. */
const parseExecCredential = (output: string, { command, apiVersion }: ExecEntry): Held => {
  const broken = (fact: string): AccessError =>
    new AccessError(`${command} did not print the credential that it was asked for.`, {
      reason: 'ExecPluginOutput',
      fact,
      hints: [`Run it by hand and look: ${command} --help`],
    });
  let parsed: unknown;
  try {
    parsed = JSON.parse(output);
  } catch {
    throw broken(output.trim() === '' ? 'It printed nothing.' : 'It printed something that is not JSON.');
  }
  if (!isRecord(parsed) || parsed['kind'] !== 'ExecCredential') throw broken('It printed JSON that is not an ExecCredential.');
  if (parsed['apiVersion'] !== apiVersion) {
    throw broken(`It answered in ${JSON.stringify(parsed['apiVersion'])} and was asked in ${JSON.stringify(apiVersion)}.`);
  }
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = isRecord(parsed['status']) ? parsed['status'] : {};
  const hasToken = typeof token === 'string' && token !== '';
  const hasCertificate = typeof clientCertificateData === 'string' && typeof clientKeyData === 'string';
  if (!hasToken && !hasCertificate) throw broken('Its ExecCredential has neither a token nor a client certificate with its key.');
  const expiresAt = typeof expirationTimestamp === 'string' ? Date.parse(expirationTimestamp) : Number.POSITIVE_INFINITY;
  if (Number.isNaN(expiresAt)) throw broken(`Its expirationTimestamp is not a time: ${JSON.stringify(expirationTimestamp)}.`);
  return {
    credential: {
      headers: hasToken ? { authorization: `Bearer ${token}` } : {},
      tls: hasCertificate ? { cert: clientCertificateData, key: clientKeyData } : {},
    },
    expiresAt,
  };
};

/** The `Cluster` of the ExecCredential API, which has the kubeconfig's own spellings. */
const toExecCluster = (cluster: ClusterEntry): Record<string, unknown> => ({
  server: cluster.server,
  ...(cluster.tlsServerName === undefined ? {} : { 'tls-server-name': cluster.tlsServerName }),
  ...(cluster.skipTlsVerify ? { 'insecure-skip-tls-verify': true } : {}),
  ...(cluster.caPem === undefined ? {} : { 'certificate-authority-data': Buffer.from(cluster.caPem).toString('base64') }),
  ...(cluster.proxyUrl === undefined ? {} : { 'proxy-url': cluster.proxyUrl }),
  ...(cluster.execConfig === undefined ? {} : { config: cluster.execConfig }),
});

const missingPlugin = ({ command, installHint }: ExecEntry, userName: string, code: string): AccessError => {
  const trouble = code === 'ENOENT' ? 'is not installed' : 'cannot be executed';
  return new AccessError(`The kubeconfig user ${JSON.stringify(userName)} logs in with ${command}, which ${trouble}.`, {
    reason: 'ExecPluginMissing',
    hints: [...(installHint === undefined ? [] : [installHint.trim()]), ...(isKubelogin(command) ? ['az aks install-cli'] : [])],
  });
};

const isKubelogin = (command: string): boolean => /(^|[/\\])kubelogin(\.exe)?$/.test(command);

const loginHints = ({ command }: ExecEntry): string[] =>
  isKubelogin(command) ? ['az login', 'kubelogin convert-kubeconfig -l azurecli'] : [`Run it by hand and look: ${command} --help`];
