import { execFile, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HttpsServer, serveHttps } from '../../src/sandbox/https.ts';
import { createCertificateAuthority } from '../../src/sandbox/tls.ts';

const has = (program: string, ...args: string[]): boolean => spawnSync(program, args).status === 0;
const run = promisify(execFile);

const authority = createCertificateAuthority();
const identity = authority.issue({ names: ['kubernetes.default.svc', 'api.sandbox'], ipAddresses: ['10.0.0.1', 'fd00::12:1'] });

describe('certificates', () => {
  it('carry the names asked for and the loopback ones', () => {
    const certificate = new X509Certificate(identity.certPem);
    for (const name of ['localhost', 'kubernetes.default.svc', 'api.sandbox']) expect(certificate.checkHost(name)).toBe(name);
    for (const address of ['127.0.0.1', '::1', '10.0.0.1', 'fd00::12:1']) expect(certificate.checkIP(address)).toBe(address);
    expect(certificate.checkHost('example.com')).toBeUndefined();
  });

  it('are signed by their authority, and by no other', () => {
    const certificate = new X509Certificate(identity.certPem);
    expect(certificate.checkIssued(new X509Certificate(authority.certificatePem))).toBe(true);
    expect(certificate.verify(new X509Certificate(authority.certificatePem).publicKey)).toBe(true);
    expect(certificate.verify(new X509Certificate(createCertificateAuthority().certificatePem).publicKey)).toBe(false);
    expect(new X509Certificate(authority.certificatePem).ca).toBe(true);
    expect(certificate.ca).toBe(false);
  });

  it('are valid now and for less than a month', () => {
    const { validFromDate, validToDate } = new X509Certificate(identity.certPem);
    expect(validFromDate.getTime()).toBeLessThan(Date.now());
    expect(validToDate.getTime()).toBeGreaterThan(Date.now());
    expect(validToDate.getTime() - Date.now()).toBeLessThan(31 * 24 * 3600 * 1000);
  });
});

describe('a server with such a certificate', () => {
  let server: HttpsServer;
  let folder: string;
  let authorityFile: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kaito-ts-tls-'));
    authorityFile = join(folder, 'ca.pem');
    writeFileSync(authorityFile, authority.certificatePem);
    server = await serveHttps(identity, async ({ url, body }) => ({ status: 200, body: { path: url.pathname, body } }));
  });
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  it('is refused by a client that was not told to trust the authority', async () => {
    const failure = await new Promise<Error & { code?: string }>((resolve, reject) => {
      get(server.url, () => reject(new Error('It was trusted.'))).once('error', resolve);
    });
    expect(failure.code).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  });

  it('is trusted by Node through NODE_EXTRA_CA_CERTS', async () => {
    const script = 'console.log(await (await fetch(process.argv[1])).text())';
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script, `${server.url}//a`], {
      env: { NODE_EXTRA_CA_CERTS: authorityFile },
      timeout: 120_000,
    });
    expect(JSON.parse(stdout)).toEqual({ path: '//a', body: '' });
  });

  it.skipIf(!has('curl', '--version'))('is trusted by curl (needs curl)', async () => {
    const { stdout } = await run('curl', ['-sS', '--noproxy', '*', '--max-time', '20', '--cacert', authorityFile, '-d', 'hello', `${server.url}/b`]);
    expect(JSON.parse(stdout)).toEqual({ path: '/b', body: 'hello' });
  });

  it.skipIf(!has('kubectl', 'version', '--client'))('is trusted by kubectl through certificate-authority-data (needs kubectl)', async () => {
    const kubeconfig = join(folder, 'kubeconfig');
    const data = Buffer.from(authority.certificatePem).toString('base64');
    const cluster = { server: server.url, 'certificate-authority-data': data };
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'c',
        clusters: [{ name: 'c', cluster }],
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
        users: [{ name: 'u', user: { token: 't' } }],
      }),
    );
    const { stdout } = await run('kubectl', ['--kubeconfig', kubeconfig, 'get', '--raw', '/version'], { timeout: 120_000 });
    expect(JSON.parse(stdout)).toEqual({ path: '/version', body: '' });
  });

  it.skipIf(!has('openssl', 'version'))('passes `openssl verify` in strict mode (needs openssl)', async () => {
    const certificateFile = join(folder, 'server.pem');
    writeFileSync(certificateFile, identity.certPem);
    const options = ['verify', '-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 'localhost', '-CAfile', authorityFile, certificateFile];
    expect((await run('openssl', options)).stdout).toContain(': OK');
  });
});
