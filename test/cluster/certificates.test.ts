import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect, promisify } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type CertificateAuthority, createCertificateAuthority } from '../../src/sandbox/tls.ts';
import { connectTo, createPod, failureOf, portOf, sendJson, startServer, temporaryDirectory, toKubeconfig } from './support.ts';

const serveWith = async (authority: CertificateAuthority): Promise<{ url: string; caPem: string }> => {
  const { keyPem, certPem } = authority.issue();
  const server = createServer({ key: keyPem, cert: certPem });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { url: `https://127.0.0.1:${portOf(server)}`, caPem: authority.certificatePem };
};

test.each([
  ['has run out', '2020-01-01'],
  ['is not valid yet', '2099-01-01'],
])('a certificate that %s is told as that', async (_title, date) => {
  vi.useFakeTimers({ now: new Date(date), toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const server = await serveWith(createCertificateAuthority());
  vi.useRealTimers();
  expect(await failureOf((await connectTo(server)).get('Pod', 'web'))).toMatchObject({ name: 'FailedError', reason: 'CertificateExpired' });
});

test('an authority in NODE_EXTRA_CA_CERTS is trusted where the kubeconfig names none', async () => {
  const server = await startServer((_seen, response) => sendJson(response, createPod('web', '1')));
  const directory = await temporaryDirectory();
  const [kubeconfig, extra] = [join(directory, 'config'), join(directory, 'ca.pem')];
  await writeFile(kubeconfig, JSON.stringify(toKubeconfig(server.url, '')));
  await writeFile(extra, server.caPem);
  const script = `
    import { connectCluster } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, '../../src/cluster/kubernetes.ts')).href)};
    const cluster = await connectCluster({ kubeconfig: ${JSON.stringify(kubeconfig)}, env: {}, homeDirectory: '/', userAgent: 'test' });
    console.log((await cluster.get('Pod', 'web').catch(({ reason }) => ({ metadata: { name: reason } }))).metadata.name);
    cluster.close();`;
  const run = async (env: NodeJS.ProcessEnv): Promise<string> => (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env })).stdout.trim();
  expect(await run({ NODE_EXTRA_CA_CERTS: extra })).toBe('web');
  expect(await run({})).toBe('CertificateUntrusted');
});

const toUser = (certPem: string, keyPem: string): object => ({
  'client-certificate-data': Buffer.from(certPem).toString('base64'),
  'client-key-data': Buffer.from(keyPem).toString('base64'),
});

test('a client certificate of the kubeconfig is shown to the server', async () => {
  const { certPem, keyPem } = createCertificateAuthority().issue({ names: ['jane'] });
  const server = await startServer((_seen, response) => sendJson(response, createPod('web', '1')), { asksForCertificate: true });
  const cluster = await connectTo(server, { user: toUser(certPem, keyPem) });
  await cluster.get('Pod', 'web');
  expect(server.requests[0]?.clientName).toBe('jane');
  expect(server.requests[0]?.headers.authorization).toBeUndefined();
});

test('a client certificate that does not belong to its key is an error without their text', async () => {
  const server = await startServer((_seen, response) => sendJson(response, createPod('web', '1')));
  const { certPem } = createCertificateAuthority().issue();
  const { keyPem } = createCertificateAuthority().issue();
  const failure = await failureOf((await connectTo(server, { user: toUser(certPem, keyPem) })).get('Pod', 'web'));
  expect(failure).toMatchObject({ name: 'AccessError', reason: 'ClientCertificate' });
  expect(inspect(failure, { depth: 10, showHidden: true })).not.toContain('BEGIN');
});
