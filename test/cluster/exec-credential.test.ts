import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect, promisify } from 'node:util';
import { beforeEach, expect, test } from 'vitest';
import type { Cluster } from '../../src/cluster/cluster.ts';
import type { ConnectOptions } from '../../src/cluster/kubernetes.ts';
import { createCertificateAuthority } from '../../src/sandbox/tls.ts';
import { connectTo, createPod, failureOf, type ScriptedServer, sendJson, sendStatus, startServer, temporaryDirectory, toKubeconfig, until } from './support.ts';

const version = 'client.authentication.k8s.io/v1';
let directory = '';
let runsFile = '';
beforeEach(async () => {
  directory = await temporaryDirectory();
  runsFile = join(directory, 'runs');
});

/** A plugin in Node that notes each run, with what it was told, and then does what `body` says. */
const writePlugin = async (body: string): Promise<string> => {
  const file = join(directory, 'plugin.mjs');
  await writeFile(
    file,
    `import { appendFileSync, readFileSync } from 'node:fs';
const info = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
appendFileSync(${JSON.stringify(runsFile)}, JSON.stringify({ info, args: process.argv.slice(2), marker: process.env.MARKER, home: process.env.HOME_OF_TEST }) + '\\n');
const run = readFileSync(${JSON.stringify(runsFile)}, 'utf8').trim().split('\\n').length;
const answer = (status) => console.log(JSON.stringify({ apiVersion: info.apiVersion, kind: 'ExecCredential', status }));
${body}`,
  );
  return file;
};

const runs = async (): Promise<{ info: { apiVersion: string; spec: { interactive: boolean; cluster?: Record<string, unknown> } }; args: string[]; marker?: string; home?: string }[]> =>
  (await readFile(runsFile, 'utf8').catch(() => ''))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

const connectWith = (server: Pick<ScriptedServer, 'url' | 'caPem'>, plugin: string, exec: object = {}, options: Partial<ConnectOptions> = {}): Promise<Cluster> =>
  connectTo(server, { user: { exec: { apiVersion: version, command: process.execPath, args: [plugin], interactiveMode: 'IfAvailable', ...exec } } }, { env: { HOME_OF_TEST: 'kept' }, directory, ...options });

const accepting = (token: (run: number) => string = () => 'Bearer from-plugin') =>
  startServer((seen, response, count) => (seen.headers.authorization === token(count) ? sendJson(response, createPod('web', '1')) : sendStatus(response, 401, 'Unauthorized', 'Unauthorized')));

test('a plugin is told who asks and gives the token, and four questions at once are one run', async () => {
  const server = await accepting();
  const plugin = await writePlugin(`answer({ token: 'from-plugin' });`);
  const cluster = await connectWith(server, plugin, { args: [plugin, 'get-token'], env: [{ name: 'MARKER', value: 'set' }], provideClusterInfo: true });
  await Promise.all([1, 2, 3, 4].map(async () => await cluster.get('Pod', 'web')));
  await cluster.get('Pod', 'web');
  const all = await runs();
  expect(all).toHaveLength(1);
  expect(all[0]).toMatchObject({
    args: ['get-token'],
    marker: 'set',
    home: 'kept',
    info: { apiVersion: version, kind: 'ExecCredential', spec: { interactive: false, cluster: { server: server.url, 'certificate-authority-data': Buffer.from(server.caPem).toString('base64') } } },
  });
});

test('v1beta1 is answered in v1beta1, and no cluster is told unless asked for', async () => {
  const server = await accepting();
  const cluster = await connectWith(server, await writePlugin(`answer({ token: 'from-plugin' });`), { apiVersion: 'client.authentication.k8s.io/v1beta1' });
  expect(await cluster.get('Pod', 'web')).toBeDefined();
  expect((await runs())[0]?.info).toEqual({ apiVersion: 'client.authentication.k8s.io/v1beta1', kind: 'ExecCredential', spec: { interactive: false } });
});

test('a credential is kept until it expires', async () => {
  const server = await accepting();
  const plugin = await writePlugin(`answer({ token: 'from-plugin', expirationTimestamp: new Date(Date.now() + (run === 1 ? -1000 : 3600_000)).toISOString() });`);
  const cluster = await connectWith(server, plugin);
  for (let count = 0; count < 3; count += 1) await cluster.get('Pod', 'web');
  expect(await runs()).toHaveLength(2);
});

test('a refused credential is renewed once, and the question asked again', async () => {
  const server = await accepting(() => 'Bearer token-2');
  const cluster = await connectWith(server, await writePlugin(`answer({ token: 'token-' + run });`));
  expect(await cluster.get('Pod', 'web')).toBeDefined();
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer token-1', 'Bearer token-2']);
});

test('credentials that stay refused end after the one renewal', async () => {
  const server = await accepting(() => 'Bearer none');
  const cluster = await connectWith(server, await writePlugin(`answer({ token: 'token-' + run });`));
  expect(await failureOf(cluster.get('Pod', 'web'))).toMatchObject({ name: 'AccessError', reason: 'Unauthorized' });
  expect(await runs()).toHaveLength(2);
});

test.each([
  ['IfAvailable', true],
  ['Always', true],
  ['Never', false],
])('where a person sits at the terminal, a plugin with interactiveMode %s is told %s', async (interactiveMode, interactive) => {
  const server = await accepting();
  const cluster = await connectWith(server, await writePlugin(`answer({ token: 'from-plugin' });`), { interactiveMode }, { isInteractive: true });
  await cluster.get('Pod', 'web');
  expect((await runs())[0]?.info.spec.interactive).toBe(interactive);
});

test('a plugin that must ask is not started where nobody can be asked', async () => {
  const server = await accepting();
  const cluster = await connectWith(server, await writePlugin(`answer({ token: 'from-plugin' });`), { interactiveMode: 'Always' });
  expect(await failureOf(cluster.get('Pod', 'web'))).toMatchObject({ name: 'AccessError', reason: 'ExecPluginInteractive' });
  expect(await runs()).toHaveLength(0);
});

test('a plugin that is not installed gives its own hint', async () => {
  const server = await accepting();
  const cluster = await connectWith(server, '', { command: 'kubelogin', installHint: 'brew install kubelogin' });
  expect(await failureOf(cluster.get('Pod', 'web'))).toMatchObject({
    name: 'AccessError',
    reason: 'ExecPluginMissing',
    message: 'The kubeconfig user "test-user" logs in with kubelogin, which is not installed.',
    hints: ['brew install kubelogin', 'az aks install-cli'],
  });
});

test('a plugin that is a path is found beside the kubeconfig', async () => {
  const server = await accepting();
  const script = `#!${process.execPath}\nconsole.log(JSON.stringify({ apiVersion: ${JSON.stringify(version)}, kind: 'ExecCredential', status: { token: 'from-plugin' } }));\n`;
  await writeFile(join(directory, 'login.cjs'), script, { mode: 0o755 });
  const cluster = await connectWith(server, '', { command: './login.cjs', args: [] });
  expect(await cluster.get('Pod', 'web')).toBeDefined();
});

test.each([
  ['nothing', ``, 'It printed nothing.'],
  ['no JSON', `console.log('secret-output');`, 'It printed something that is not JSON.'],
  ['other JSON', `console.log(JSON.stringify({ kind: 'Other', status: { token: 'secret-output' } }));`, 'It printed JSON that is not an ExecCredential.'],
  ['another version', `console.log(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1beta1', kind: 'ExecCredential', status: { token: 'secret-output' } }));`, 'It answered in "client.authentication.k8s.io/v1beta1" and was asked in "client.authentication.k8s.io/v1".'],
  ['neither token nor certificate', `answer({ clientKeyData: 'secret-output' });`, 'Its ExecCredential has neither a token nor a client certificate with its key.'],
  ['a broken time', `answer({ token: 'secret-output', expirationTimestamp: 'soon' });`, 'Its expirationTimestamp is not a time: "soon".'],
])('a plugin that prints %s is told without its output', async (_what, body, fact) => {
  const server = await accepting();
  const cluster = await connectWith(server, await writePlugin(body));
  const failure = await failureOf(cluster.get('Pod', 'web'));
  expect(failure).toMatchObject({ name: 'AccessError', reason: 'ExecPluginOutput', fact });
  expect(inspect(failure, { depth: 10, showHidden: true })).not.toContain('secret-output');
});

test('a plugin that fails is asked again by the next question', async () => {
  const server = await accepting();
  const cluster = await connectWith(server, await writePlugin(`if (run === 1) process.exit(3); answer({ token: 'from-plugin' });`));
  expect(await failureOf(cluster.get('Pod', 'web'))).toMatchObject({ name: 'AccessError', reason: 'ExecPluginFailed', fact: 'exit code 3' });
  expect(await cluster.get('Pod', 'web')).toBeDefined();
});

test('an abort ends the plugin when nobody else waits for it', async () => {
  const server = await accepting();
  const cluster = await connectWith(server, await writePlugin(`appendFileSync(${JSON.stringify(join(directory, 'pid'))}, String(process.pid)); setInterval(() => {}, 1000);`));
  const controller = new AbortController();
  const reason = new Error('enough');
  const failure = failureOf(cluster.get('Pod', 'web', { signal: controller.signal }));
  const readPid = (): number => (existsSync(join(directory, 'pid')) ? Number(readFileSync(join(directory, 'pid'), 'utf8')) : 0);
  await until(() => readPid() > 0, 'the start of the plugin');
  controller.abort(reason);
  expect(await failure).toBe(reason);
  await until(() => !isRunning(readPid()), 'the end of the plugin');
});

test('an abort of one question leaves the plugin to those who still wait', async () => {
  const server = await accepting();
  const cluster = await connectWith(server, await writePlugin(`setTimeout(() => answer({ token: 'from-plugin' }), 100);`));
  const controller = new AbortController();
  const impatient = failureOf(cluster.get('Pod', 'web', { signal: controller.signal }));
  const patient = cluster.get('Pod', 'web');
  controller.abort(new Error('enough'));
  expect(await impatient).toMatchObject({ message: 'enough' });
  expect(await patient).toBeDefined();
  expect(await runs()).toHaveLength(1);
});

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('a client certificate from a plugin is shown to the server', async () => {
  const { certPem, keyPem } = createCertificateAuthority().issue({ names: ['jane'] });
  const server = await startServer((_seen, response) => sendJson(response, createPod('web', '1')), { asksForCertificate: true });
  const cluster = await connectWith(server, await writePlugin(`answer({ clientCertificateData: ${JSON.stringify(certPem)}, clientKeyData: ${JSON.stringify(keyPem)} });`));
  expect(await cluster.get('Pod', 'web')).toBeDefined();
  expect(server.requests[0]?.clientName).toBe('jane');
});

test('what a plugin writes to stderr is seen at once, and its stdout never', async () => {
  const server = await accepting();
  const plugin = await writePlugin(`console.error('enter the code ABCD'); answer({ token: 'from-plugin' });`);
  const kubeconfig = join(directory, 'config');
  await writeFile(kubeconfig, JSON.stringify(toKubeconfig(server.url, server.caPem, { user: { exec: { apiVersion: version, command: process.execPath, args: [plugin] } } })));
  const script = `
    import { connectCluster } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, '../../src/cluster/kubernetes.ts')).href)};
    const cluster = await connectCluster({ kubeconfig: ${JSON.stringify(kubeconfig)}, env: {}, homeDirectory: '/', userAgent: 'test' });
    console.log((await cluster.get('Pod', 'web')).metadata.name);
    cluster.close();`;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  expect(stdout).toBe('web\n');
  expect(stderr).toContain('enter the code ABCD');
});
