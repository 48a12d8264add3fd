import { createServer } from 'node:http';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { describeToken } from '../../src/cloud/credentials.ts';
import { cluster, fakeToken, startAzure } from './support.ts';

const nobody = { AZURE_CLIENT_ID: undefined, AZURE_TENANT_ID: undefined, AZURE_CLIENT_SECRET: undefined };

describe('login', () => {
  it('says who this is and where the login comes from, and nothing secret', async () => {
    const azure = await startAzure(() => ({ status: 500 }));
    const { description } = await azure.open().login();
    expect(description).toBe(`service principal ${azure.environment['AZURE_CLIENT_ID']} (environment)`);
  });

  it('asks for a token for the endpoint it was told, or for the audience that goes with it', async () => {
    const azure = await startAzure(() => ({ status: 500 }));
    await azure.open().login();
    await azure.open({ environment: { AZURE_RESOURCE_MANAGER_AUDIENCE: 'https://management.azure.com/' } }).login();
    expect(azure.logins.filter(({ method }) => method === 'POST').map(({ body }) => new URLSearchParams(body).get('scope'))).toEqual([
      expect.stringContaining(`${azure.url}/.default`),
      expect.stringContaining('https://management.azure.com/.default'),
    ]);
  });

  it('asks once for one token, however many calls wait for it', async () => {
    const azure = await startAzure(() => ({ status: 200, body: { value: [] } }));
    const cloud = azure.open();
    await Promise.all([cloud.login(), cloud.listAgentPools(cluster), cloud.listUsages(cluster)]);
    expect(azure.logins.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  it('says what the number of a refusal means, and three ways out', async () => {
    const azure = await startAzure(
      () => ({ status: 500 }),
      ({ method }) =>
        method === 'POST'
          ? { status: 401, body: { error: 'invalid_client', error_description: "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID. Trace ID: 1 Correlation ID: 2", error_codes: [7000215], correlation_id: '2', trace_id: '1' } }
          : { status: 404 },
    );
    const error = await azure.open().login().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      exitCode: 4,
      reason: 'AADSTS7000215',
      message: 'Azure refused the login (AADSTS7000215): the client secret is wrong (the value is needed, not its id).',
      fact: expect.stringMatching(/^AADSTS7000215: Invalid client secret provided/),
      hints: [expect.stringContaining('az login --tenant'), expect.stringContaining('AZURE_CLIENT_SECRET'), expect.stringContaining('id-token: write')],
    });
    expect(JSON.stringify(error)).not.toContain('a secret');
  });

  it('says what each source lacks when there is no login at all', async () => {
    const azure = await startAzure(() => ({ status: 500 }));
    await expect(azure.open({ environment: nobody }).login()).rejects.toMatchObject({
      exitCode: 4,
      reason: 'NotLoggedIn',
      fact: 'environment: no AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH; workload identity: no AZURE_FEDERATED_TOKEN_FILE; az: not installed',
    });
  });

  it('uses a login by az before it asks the metadata address of machines', async () => {
    const azure = await startAzure(() => ({ status: 500 }));
    const bin = join(azure.environment['SSL_CERT_FILE'] ?? '', '..');
    const token = fakeToken({ upn: 'ana@example.com' });
    writeFileSync(join(bin, 'az'), `#!/bin/sh\necho '{"accessToken":"${token}","expiresOn":"2099-01-01 00:00:00.000000","expires_on":4070908800,"tokenType":"Bearer"}'\n`, { mode: 0o755 });
    let probes = 0;
    const metadata = createServer((_request, response) => {
      probes += 1;
      response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => metadata.listen(0, '127.0.0.1', () => resolve()));
    onTestFinished(() => void metadata.close());
    const address = metadata.address();
    const environment = { ...nobody, PATH: `${bin}:/usr/bin:/bin`, AZURE_POD_IDENTITY_AUTHORITY_HOST: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}` };
    expect(await azure.open({ environment }).login()).toEqual({ description: 'ana@example.com (az login)' });
    expect(probes).toBe(0);
  });

  it('uses the token of a GitHub job, asked for the audience that Azure expects', async () => {
    const azure = await startAzure(() => ({ status: 500 }));
    const asked: string[] = [];
    const gitHub = createServer((incoming, response) => {
      asked.push(`${incoming.headers.authorization} ${incoming.url}`);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ value: 'a.job.token' }));
    });
    await new Promise<void>((resolve) => gitHub.listen(0, '127.0.0.1', () => resolve()));
    onTestFinished(() => void gitHub.close());
    const address = gitHub.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const environment = { AZURE_CLIENT_SECRET: undefined, ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/token?job=1`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'runner' };
    const { description } = await azure.open({ environment }).login();
    expect(description).toMatch(/^service principal \S+ \(GitHub Actions\)$/);
    // The SDK asks for it more than once.
    expect([...new Set(asked)]).toEqual(['bearer runner /token?job=1&audience=api%3A%2F%2FAzureADTokenExchange']);
    expect(new URLSearchParams(azure.logins.find(({ method }) => method === 'POST')?.body).get('client_assertion')).toBe('a.job.token');
  });

  it('names the host when the login service cannot be reached', async () => {
    const azure = await startAzure(() => ({ status: 500 }));
    await expect(azure.open({ environment: { AZURE_AUTHORITY_HOST: 'https://127.0.0.1:1' } }).login()).rejects.toMatchObject({ exitCode: 1, message: expect.stringContaining('127.0.0.1:1') });
  });

  it('stops waiting for a token when it is told to', async () => {
    const azure = await startAzure(() => ({ status: 500 }), () => 'hang');
    const reason = new Error('Enough.');
    await expect(azure.open().login({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const waiting = azure.open().login({ signal: controller.signal });
    await expect.poll(() => azure.logins.length).toBeGreaterThan(0);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });
});

describe('describeToken', () => {
  it.each([
    [{ upn: 'ana@example.com', appid: '04b0' }, 'ana@example.com (az login)'],
    [{ unique_name: 'live.com#bo@example.com' }, 'live.com#bo@example.com (az login)'],
    [{ appid: '1a2b' }, 'service principal 1a2b (az login)'],
    [{ appid: '1a2b', xms_mirid: '/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/runner' }, 'managed identity runner'],
    [{ oid: '0f0f' }, 'object 0f0f (az login)'],
    [{}, 'a login of az login'],
  ])('says of %j: %s', (claims, description) => {
    expect(describeToken(fakeToken(claims), 'az login')).toBe(description);
  });

  it('makes do with a token that cannot be read', () => {
    expect(describeToken('opaque', 'environment')).toBe('a login of environment');
  });
});
