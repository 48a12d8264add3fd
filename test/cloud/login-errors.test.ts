import { describe, expect, it } from 'vitest';
import { toLoginError } from '../../src/cloud/login-errors.ts';
import { parseAzureSettings } from '../../src/cloud/settings.ts';

const settings = parseAzureSettings({ AZURE_TENANT_ID: 't', ACTIONS_ID_TOKEN_REQUEST_URL: 'https://x', ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'hush' });

const named = (name: string, message: string): Error => Object.assign(new Error(message), { name });

describe('toLoginError', () => {
  it.each([
    ['AADSTS70021', /no federated credential of the application matches this job/],
    ['AADSTS700024', /the federated token has expired/],
    ['AADSTS700016', /does not exist in that tenant/],
    ['AADSTS7000222', /the client secret has expired/],
    ['AADSTS53003', /a conditional access policy/],
  ])('explains %s', (code, meaning) => {
    const error = toLoginError(named('AuthenticationRequiredError', `invalid_client: Error(s): 1 - Timestamp: now - Description: ${code}: Told at length. Trace ID: 1 Correlation ID: 2`), settings);
    expect(error).toMatchObject({ exitCode: 4, reason: code, message: expect.stringMatching(meaning), fact: `${code}: Told at length.` });
  });

  it('tells a number that it does not know as it is', () => {
    expect(toLoginError(new Error('AADSTS123456: Something new.'), settings)).toMatchObject({ message: 'Azure refused the login (AADSTS123456).', fact: 'AADSTS123456: Something new.' });
  });

  it('finds the number inside the errors of a chain', () => {
    const chain = Object.assign(named('AggregateAuthenticationError', 'ChainedTokenCredential authentication failed.'), { errors: [named('AuthenticationError', 'AADSTS7000215: Wrong.')] });
    expect(toLoginError(new AggregateError([chain], 'None.'), settings)).toMatchObject({ reason: 'AADSTS7000215' });
  });

  it('does not take a machine without a metadata address for a broken network', () => {
    const absent = named('CredentialUnavailableError', 'ManagedIdentityCredential: Network unreachable. Message: network_error');
    expect(toLoginError(new AggregateError([absent], 'None.'), settings)).toMatchObject({ exitCode: 4, reason: 'NotLoggedIn' });
    expect(toLoginError(named('AuthenticationError', 'network_error: See https://aka.ms/msal.js.errors'), settings)).toMatchObject({ exitCode: 1, reason: 'AuthorityUnreachable' });
  });

  it.each([
    [named('CredentialUnavailableError', "Please run 'az login' from a command prompt to authenticate before using this credential."), /az: not logged in/],
    [named('CredentialUnavailableError', 'Azure CLI could not be found. Please visit https://aka.ms/azure-cli for installation instructions.'), /az: not installed/],
    [named('CredentialUnavailableError', 'Unexpected end of JSON input'), /az: did not answer in time/],
    [named('TimeoutError', 'The operation was aborted due to timeout'), /nothing answered in time/],
    [new Error('Invalid value for AZURE_TOKEN_CREDENTIALS = nonsense. Valid values are prod or dev.'), /Invalid value for AZURE_TOKEN_CREDENTIALS = nonsense/],
  ])('says of %s what is lacking', (cause, lack) => {
    expect(toLoginError(cause, settings)).toMatchObject({ reason: 'NotLoggedIn', fact: expect.stringMatching(lack), cause });
  });

  it('says that a login was late, rather than not there, and to try again', () => {
    const { message, hints } = toLoginError(named('TimeoutError', 'The operation was aborted due to timeout'), settings);
    expect(message).toBe('No login to Azure came in time.');
    expect(hints[0]).toBe('Run the same command again');
  });

  it('offers three ways out, the third for the GitHub job it is in', () => {
    const { hints } = toLoginError(new Error('no'), settings);
    expect(hints).toEqual([expect.stringContaining('az login --tenant t'), expect.stringContaining('AZURE_CLIENT_SECRET'), expect.stringMatching(/^In this GitHub job:/)]);
    expect(hints.join()).not.toContain('hush');
  });
});
