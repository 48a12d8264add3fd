import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { inspect } from 'node:util';
import { beforeEach, describe, expect, test } from 'vitest';
import { connectCluster, type ConnectOptions } from '../../src/cluster/kubernetes.ts';
import { findKubeconfigFiles } from '../../src/cluster/kubeconfig-files.ts';
import { loadKubeconfig } from '../../src/cluster/kubeconfig.ts';
import { createPod, failureOf, sendJson, startServer, temporaryDirectory } from './support.ts';

let home = '';
beforeEach(async () => {
  home = await temporaryDirectory();
});

const write = async (name: string, text: string): Promise<string> => {
  const file = join(home, name);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, text);
  return file;
};

const toYaml = (name: string, { current = name, server = `https://${name}.example`, user = `{token: token-of-${name}}`, cluster = '', namespace = '' } = {}): string => `
apiVersion: v1
kind: Config
${current === '' ? '' : `current-context: ${current}`}
clusters:
- name: ${name}
  cluster:
    server: ${server}
${cluster}
contexts:
- name: ${name}
  context: {cluster: ${name}, user: ${name}${namespace === '' ? '' : `, namespace: ${namespace}`}}
users:
- name: ${name}
  user: ${user}
`;

const load = (env: Record<string, string>, options: { kubeconfig?: string; context?: string } = {}) => loadKubeconfig({ env, homeDirectory: home, ...options });
const connect = (options: Partial<ConnectOptions>) => connectCluster({ env: {}, homeDirectory: home, userAgent: 'kaito-ts/test', ...options });

describe('which files', () => {
  test.each([
    ['the flag alone, whatever KUBECONFIG says', { kubeconfig: '/x/flag' }, { KUBECONFIG: '/x/a' }, ['/x/flag']],
    ['each path of KUBECONFIG once, without the empty ones', {}, { KUBECONFIG: ['/x/a', '', '/x/b', '/x/a'].join(delimiter) }, ['/x/a', '/x/b']],
    ['the one in the home directory when KUBECONFIG is empty', {}, { KUBECONFIG: '' }, ['/home/jane/.kube/config']],
    ['the one in the home directory when nothing is said', {}, {}, ['/home/jane/.kube/config']],
  ])('%s', (_title, options, env, files) => {
    expect(findKubeconfigFiles({ env, homeDirectory: '/home/jane', ...options })).toEqual(files);
  });
});

describe('merging', () => {
  test('the first file that names a current context wins, and all contexts can be chosen', async () => {
    const [first, second] = [await write('a', toYaml('one', { namespace: 'team-a' })), await write('b', toYaml('two'))];
    const env = { KUBECONFIG: [first, second].join(delimiter) };
    expect(await load(env)).toMatchObject({ contextName: 'one', namespace: 'team-a', cluster: { server: 'https://one.example' }, files: [first, second] });
    expect(await load(env, { context: 'two' })).toMatchObject({ contextName: 'two', userName: 'two', user: { token: 'token-of-two' } });
  });

  test('a later file may name the current context that the first leaves open', async () => {
    const env = { KUBECONFIG: [await write('a', toYaml('one', { current: '' })), await write('b', toYaml('two'))].join(delimiter) };
    expect(await load(env)).toMatchObject({ contextName: 'two' });
  });

  test('of entries with the same name the first counts as a whole', async () => {
    const [first, second] = [await write('a', toYaml('one', { user: '{username: jane}' })), await write('b', toYaml('one', { server: 'https://late.example' }))];
    const chosen = await load({ KUBECONFIG: [first, second].join(delimiter) });
    expect(chosen).toMatchObject({ cluster: { server: 'https://one.example' }, user: { username: 'jane' } });
    expect(chosen?.user.token).toBeUndefined();
  });

  test('missing and empty files are passed over', async () => {
    const files = [join(home, 'missing'), await write('empty', ''), await write('comment', '# nothing\n'), await write('b', toYaml('two'))];
    expect(await load({ KUBECONFIG: files.join(delimiter) })).toMatchObject({ contextName: 'two' });
  });

  test('paths inside a file are relative to that file', async () => {
    const deep = await write('deep/config', toYaml('one', { cluster: '    certificate-authority: pki/ca.pem', user: '{tokenFile: secrets/token, client-certificate: pki/c.pem, client-key: pki/k.pem}' }));
    await write('deep/pki/ca.pem', 'the authority');
    await write('deep/pki/c.pem', 'the certificate');
    await write('deep/pki/k.pem', 'the key');
    expect(await load({ KUBECONFIG: deep })).toMatchObject({
      cluster: { caPem: 'the authority' },
      user: { tokenFile: join(home, 'deep/secrets/token'), certPem: 'the certificate', keyPem: 'the key' },
    });
  });

  test('data in the file wins over a path beside it', async () => {
    const data = Buffer.from('-----BEGIN from data').toString('base64');
    const file = await write('config', toYaml('one', { cluster: `    certificate-authority: /nowhere\n    certificate-authority-data: ${data}` }));
    expect(await load({ KUBECONFIG: file })).toMatchObject({ cluster: { caPem: '-----BEGIN from data' } });
  });

  test('JSON is read like YAML', async () => {
    const file = await write('config', JSON.stringify({ 'current-context': 'j', clusters: [{ name: 'j', cluster: { server: 'https://j.example' } }], contexts: [{ name: 'j', context: { cluster: 'j' } }] }));
    expect(await load({ KUBECONFIG: file })).toMatchObject({ contextName: 'j', userName: '', user: { impersonate: { groups: [] } } });
  });

  test('a plugin that is a path is one from the directory of its file, and a bare name stays one', async () => {
    const path = await write('deep/config', toYaml('one', { user: '{exec: {apiVersion: client.authentication.k8s.io/v1, command: bin/login, args: [a], env: [{name: N, value: V}], interactiveMode: Never}}' }));
    expect((await load({ KUBECONFIG: path }))?.user.exec).toEqual({ apiVersion: 'client.authentication.k8s.io/v1', command: join(home, 'deep/bin/login'), args: ['a'], env: { N: 'V' }, interactiveMode: 'Never', provideClusterInfo: false });
    const bare = await write('bare', toYaml('one', { user: '{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: kubelogin, env: null, args: null}}' }));
    expect((await load({ KUBECONFIG: bare }))?.user.exec).toMatchObject({ command: 'kubelogin', args: [], env: {}, interactiveMode: 'IfAvailable' });
  });
});

describe('the target', () => {
  test('names the cluster in all its words', async () => {
    const file = await write('.kube/config', toYaml('one', { namespace: 'team-a' }));
    expect((await connect({})).target).toEqual({ kubeconfig: [file], contextName: 'one', clusterName: 'one', userName: 'one', server: 'https://one.example', namespace: 'team-a' });
    expect((await connect({ namespace: 'other' })).target.namespace).toBe('other');
  });

  test('is the default namespace when nobody says', async () => {
    await write('.kube/config', toYaml('one'));
    expect((await connect({})).target.namespace).toBe('default');
  });
});

describe('what is wrong is said', () => {
  test('no kubeconfig: where was looked and what to do, the sandbox included', async () => {
    const failure = await failureOf(connect({ env: { KUBECONFIG: '/nowhere/a:/nowhere/b' }, serviceAccountDirectory: '/nowhere' }));
    expect(failure).toMatchObject({ name: 'NotFoundError', reason: 'KubeconfigNotFound', fact: 'Looked for: /nowhere/a, /nowhere/b' });
    expect(failure.hints?.join('\n')).toMatch(/az aks get-credentials[^]*KUBECONFIG[^]*kaito-ts sandbox/);
  });

  test('the file of the flag is missing', async () => {
    expect(await failureOf(connect({ kubeconfig: '/nowhere/config' }))).toMatchObject({ name: 'NotFoundError', message: 'There is no kubeconfig at /nowhere/config.' });
  });

  test('an unknown context: which ones there are', async () => {
    await write('.kube/config', toYaml('one'));
    expect(await failureOf(connect({ context: 'nope' }))).toMatchObject({ name: 'NotFoundError', reason: 'ContextNotFound', fact: expect.stringContaining('Contexts: one') });
  });

  test('a context of no kubeconfig at all: that there is none', async () => {
    expect(await failureOf(connect({ context: 'nope', env: { KUBECONFIG: '/nowhere/a' } }))).toMatchObject({ name: 'NotFoundError', reason: 'ContextNotFound', message: 'There is no kubeconfig, and so no context "nope".', fact: 'Looked for: /nowhere/a' });
  });

  test('no current context', async () => {
    await write('.kube/config', toYaml('one', { current: '' }));
    expect(await failureOf(connect({}))).toMatchObject({ name: 'UsageError', reason: 'NoCurrentContext', fact: 'Contexts: one' });
  });

  test('invalid YAML: the line, and not a word of the text', async () => {
    const file = await write('.kube/config', 'users:\n- name: a\n  user:\n    token: hunter2\n   password: hunter2\n');
    const failure = await failureOf(connect({}));
    expect(failure).toMatchObject({ name: 'UsageError', reason: 'KubeconfigInvalid', message: expect.stringMatching(`${file}:[45]:`) });
    expect(inspect(failure, { depth: 10, showHidden: true })).not.toContain('hunter2');
  });

  test('an alias without an anchor, which a password may look like', async () => {
    await write('.kube/config', 'users:\n- name: a\n  user: {password: *hunter2}\n');
    const failure = await failureOf(connect({}));
    expect(failure).toMatchObject({ name: 'UsageError', reason: 'KubeconfigInvalid' });
    expect(inspect(failure, { depth: 10, showHidden: true })).not.toContain('hunter2');
  });

  // Root may read every file.
  test.skipIf(process.getuid?.() === 0)('a file that may not be read', async () => {
    const file = await write('.kube/config', toYaml('one'));
    await chmod(file, 0o000);
    expect(await failureOf(connect({}))).toMatchObject({ name: 'AccessError', reason: 'KubeconfigUnreadable', hints: [`ls -l ${file}`] });
  });

  test('a directory in place of a file', async () => {
    expect(await failureOf(connect({ kubeconfig: home }))).toMatchObject({ name: 'AccessError', reason: 'KubeconfigUnreadable' });
  });

  test.each([
    ['a text in place of a mapping', 'just a text', 'not a mapping'],
    ['clusters that are no list', 'clusters: {a: 1}', 'clusters is not a list'],
    ['an entry without a name', 'clusters: [{cluster: {}}]', 'clusters[0] has no name'],
    ['a server that is no address', toYaml('one', { server: 'one.example' }), 'clusters[0].cluster.server is not the address'],
    ['a token that is a number', toYaml('one', { user: '{token: 4242}' }), 'users[0].user.token is not text'],
    ['certificate data that is none', toYaml('one', { user: '{client-certificate-data: NDI0Mg==}' }), 'users[0].user.client-certificate-data is not PEM text'],
    ['a plugin without a command', toYaml('one', { user: '{exec: {apiVersion: v1}}' }), 'users[0].user.exec.command is missing'],
    ['a context without its cluster', toYaml('one').replace('cluster: one,', 'cluster: gone,'), 'refers to the cluster "gone"'],
    ['a context without its user', toYaml('one').replace('user: one}', 'user: gone}'), 'refers to the user "gone"'],
  ])('%s', async (_title, text, fact) => {
    await write('.kube/config', text);
    const failure = await failureOf(connect({}));
    expect(failure).toMatchObject({ name: 'UsageError', reason: 'KubeconfigInvalid', fact: expect.stringContaining(fact) });
    expect(failure.fact).not.toContain('4242');
  });

  test('a certificate file that is not there', async () => {
    await write('.kube/config', toYaml('one', { cluster: '    certificate-authority: missing.pem' }));
    expect(await failureOf(connect({}))).toMatchObject({ name: 'AccessError', message: expect.stringContaining(join(home, '.kube/missing.pem')) });
  });
});

describe('inside a cluster', () => {
  test('the service account is used, and its token read again when it is refused', async () => {
    const tokens: (string | undefined)[] = [];
    const server = await startServer((seen, response) => {
      tokens.push(seen.headers.authorization);
      if (seen.headers.authorization === 'Bearer rotated') sendJson(response, createPod('web', '1'));
      else {
        void write('account/token', 'rotated\n').then(() => sendJson(response, { kind: 'Status', code: 401, reason: 'Unauthorized', message: 'Unauthorized' }, 401));
      }
    });
    await write('account/token', 'first\n');
    await write('account/ca.crt', server.caPem);
    await write('account/namespace', 'team-a\n');
    const { hostname, port } = new URL(server.url);
    const cluster = await connect({ env: { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port }, serviceAccountDirectory: join(home, 'account') });
    expect(cluster.target).toMatchObject({ contextName: 'in-cluster', namespace: 'team-a', kubeconfig: [] });
    expect(await cluster.get('Pod', 'web')).toBeDefined();
    expect(tokens).toEqual(['Bearer first', 'Bearer rotated']);
    cluster.close();
  });

  test('a kubeconfig comes first', async () => {
    await write('account/token', 'first');
    await write('.kube/config', toYaml('one'));
    const cluster = await connect({ env: { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' }, serviceAccountDirectory: join(home, 'account') });
    expect(cluster.target.contextName).toBe('one');
  });

  test('an IPv6 address of the server is put in brackets', async () => {
    await write('account/token', 'first');
    const cluster = await connect({ env: { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' }, serviceAccountDirectory: join(home, 'account') });
    expect(cluster.target.server).toBe('https://[fd00::1]:443');
  });
});
