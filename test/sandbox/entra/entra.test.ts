import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { ClientAssertionCredential, ClientSecretCredential } from '@azure/identity';
import { afterEach, describe, expect, it } from 'vitest';
import { type Entra, type EntraOptions, startEntra } from '../../../src/sandbox/entra/entra.ts';
import { createFaults } from '../../../src/sandbox/faults.ts';
import { createCertificateAuthority } from '../../../src/sandbox/tls.ts';

const authority = createCertificateAuthority();
const tls = authority.issue();
const managementScope = 'https://management.azure.com/.default';
const servers: Entra[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** A tenant and a client of its own for each test, because the SDK remembers tokens for the whole process. */
const start = async (options: Partial<EntraOptions> = {}) => {
  const [tenantId, clientId, secret] = [randomUUID(), randomUUID(), 'a secret'];
  const entra = await startEntra({ tls, tenantId, clients: [{ id: clientId, secret }], faults: createFaults([]), now: () => new Date(), ...options });
  servers.push(entra);
  const sdkOptions = { authorityHost: entra.url, disableInstanceDiscovery: true, tlsOptions: { ca: authority.certificatePem }, retryOptions: { maxRetries: 0 } };
  return { entra, tenantId, clientId, secret, sdkOptions };
};

const assertionWith = (claims: object): string =>
  ['{"alg":"RS256"}', JSON.stringify(claims), 'signature'].map((part) => Buffer.from(part).toString('base64url')).join('.');

describe('a login with a client secret', () => {
  it('gives a token that says for what, for whom and how long it is good', async () => {
    const { entra, tenantId, clientId, secret, sdkOptions } = await start();
    const before = Date.now();
    const token = await new ClientSecretCredential(tenantId, clientId, secret, sdkOptions).getToken(managementScope);
    const claims = entra.verify(token.token);
    expect(claims).toMatchObject({ aud: 'https://management.azure.com', tid: tenantId, appid: clientId, iss: `https://sts.windows.net/${tenantId}/` });
    expect(claims?.oid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(token.expiresOnTimestamp).toBeGreaterThan(before + 3_500_000);
  });

  it('works from the environment, with the authority trusted through NODE_EXTRA_CA_CERTS', async () => {
    const { entra, tenantId, clientId, secret } = await start();
    const folder = mkdtempSync(join(tmpdir(), 'kaito-ts-entra-'));
    try {
      writeFileSync(join(folder, 'ca.pem'), authority.certificatePem);
      const script = `
        const { EnvironmentCredential } = await import('@azure/identity');
        const token = await new EnvironmentCredential({ disableInstanceDiscovery: true }).getToken('${managementScope}');
        process.stdout.write(token.token);`;
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
        timeout: 120_000,
        env: {
          NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
          AZURE_AUTHORITY_HOST: entra.url,
          AZURE_TENANT_ID: tenantId,
          AZURE_CLIENT_ID: clientId,
          AZURE_CLIENT_SECRET: secret,
        },
      });
      expect(entra.verify(stdout)).toMatchObject({ appid: clientId });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is refused with AADSTS7000215 when the secret is wrong', async () => {
    const { tenantId, clientId, sdkOptions } = await start();
    const login = new ClientSecretCredential(tenantId, clientId, 'another secret', sdkOptions).getToken(managementScope);
    await expect(login).rejects.toMatchObject({ name: 'AuthenticationRequiredError', message: expect.stringMatching(/invalid_client.*AADSTS7000215: Invalid client secret provided/) });
  });

  it('is refused in the same words by the fault not-logged-in, even though the secret is right', async () => {
    const { tenantId, clientId, secret, sdkOptions } = await start({ faults: createFaults(['not-logged-in']) });
    await expect(new ClientSecretCredential(tenantId, clientId, secret, sdkOptions).getToken(managementScope)).rejects.toThrow(/AADSTS7000215/);
  });

  it('is refused with AADSTS700016 when nobody knows the application', async () => {
    const { tenantId, sdkOptions } = await start();
    const stranger = randomUUID();
    await expect(new ClientSecretCredential(tenantId, stranger, 'x', sdkOptions).getToken(managementScope)).rejects.toThrow(`AADSTS700016: Application with identifier '${stranger}'`);
  });

  it('is refused with AADSTS90002 when the tenant is another one', async () => {
    const { clientId, secret, sdkOptions, entra } = await start();
    const elsewhere = randomUUID();
    await expect(new ClientSecretCredential(elsewhere, clientId, secret, sdkOptions).getToken(managementScope)).rejects.toThrow(/tenant|endpoints_resolution_error/i);
    const answer = await post(`${entra.url}/${elsewhere}/oauth2/v2.0/token`, {});
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request', error_codes: [90002], error_description: expect.stringContaining(`AADSTS90002: Tenant '${elsewhere}' not found.`) } });
  });

  it.each([
    ['two resources', 'https://a/.default https://b/.default', 70011],
    ['a permission instead of .default', 'https://management.azure.com/user_impersonation', 1002012],
    ['a resource that the tenant does not know', 'https://example.com/.default', 500011],
  ])('is refused when the scope names %s', async (_, scope, code) => {
    const { entra, tenantId, clientId, secret } = await start();
    const answer = await post(`${entra.url}/${tenantId}/oauth2/v2.0/token`, { grant_type: 'client_credentials', client_id: clientId, client_secret: secret, scope });
    expect(answer).toMatchObject({ status: 400, body: { error_codes: [code] } });
  });

  it('is refused when a part of the form is missing', async () => {
    const { entra, tenantId, clientId, secret } = await start();
    const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: secret, scope: managementScope };
    for (const name of ['grant_type', 'client_id', 'scope'] as const) {
      const answer = await post(`${entra.url}/${tenantId}/oauth2/v2.0/token`, { ...form, [name]: '' });
      expect(answer).toMatchObject({ status: 400, body: { error_codes: [900144], error_description: expect.stringContaining(`'${name}'`) } });
    }
    const answer = await post(`${entra.url}/${tenantId}/oauth2/v2.0/token`, { ...form, client_secret: undefined });
    expect(answer).toMatchObject({ status: 401, body: { error_codes: [7000218] } });
  });
});

const expiry = (inSeconds: number): number => Math.floor(Date.now() / 1000) + inSeconds;

describe('a login with an assertion', () => {
  it('is accepted when the assertion is made out to Entra', async () => {
    const { entra, tenantId, clientId, sdkOptions } = await start();
    const assertion = assertionWith({ sub: 'repo:a/b:ref:refs/heads/main', aud: 'api://AzureADTokenExchange', exp: expiry(300) });
    const token = await new ClientAssertionCredential(tenantId, clientId, async () => assertion, sdkOptions).getToken(managementScope);
    expect(entra.verify(token.token)).toMatchObject({ appid: clientId });
  });

  it.each([
    ['AADSTS700024', 'it has run out', assertionWith({ aud: 'api://AzureADTokenExchange', exp: expiry(-10) })],
    ['AADSTS700212', 'it is made out to somebody else', assertionWith({ aud: 'https://github.com/kaito', exp: expiry(300) })],
    ['AADSTS50027', 'it is no token at all', 'not.a.token'],
  ])('is refused with %s when %s', async (code, _, assertion) => {
    const { tenantId, clientId, sdkOptions } = await start();
    await expect(new ClientAssertionCredential(tenantId, clientId, async () => assertion, sdkOptions).getToken(managementScope)).rejects.toThrow(code);
  });
});

describe('a token', () => {
  it('is worth nothing after its time, in other hands, or changed', async () => {
    let time = Date.now();
    const { entra, tenantId, clientId, secret, sdkOptions } = await start({ now: () => new Date(time) });
    const { token } = await new ClientSecretCredential(tenantId, clientId, secret, sdkOptions).getToken(managementScope);
    expect(entra.verify(token)).toBeDefined();

    const [header, payload, signature] = token.split('.');
    const claims = { ...JSON.parse(Buffer.from(payload ?? '', 'base64url').toString()), oid: randomUUID() };
    expect(entra.verify(`${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`)).toBeUndefined();
    expect(entra.verify(`${header}.${payload}.`)).toBeUndefined();
    expect(entra.verify('anything')).toBeUndefined();
    const other = await start();
    expect(other.entra.verify(token)).toBeUndefined();

    time += 3_601_000;
    expect(entra.verify(token)).toBeUndefined();
  });
});

const post = (url: string, form: Record<string, string | undefined>): Promise<{ status: number; body: unknown }> =>
  new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', ca: authority.certificatePem, timeout: 60_000 }, (response) => {
      json(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    sent.once('error', reject);
    const fields = new URLSearchParams();
    for (const [name, value] of Object.entries(form)) if (value !== undefined) fields.set(name, value);
    sent.end(fields.toString());
  });
