import * as z from 'zod';
import type { ImageReference } from './oci-reference.ts';

export interface Credentials {
  username: string;
  password: string;
}

/** The registry refused, or could not be reached; the message is what oras and skopeo print. */
export class RegistryError extends Error {}

export interface RegistryRequest {
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT';
  headers?: Record<string, string>;
  body?: Buffer<ArrayBuffer>;
  /** Statuses besides 2xx that are no refusal. */
  accepted?: readonly number[];
}

/** Sends one request to a repository: a path below it, or a whole address. Throws a RegistryError. */
export type RegistryClient = (path: string, request?: RegistryRequest) => Promise<Response>;

/** A client for one repository, which logs in when it is told to: with a bearer token, or with name and password. */
export const createRegistryClient = (
  { host, repository }: ImageReference,
  { fetch, credentials, actions }: { fetch: typeof globalThis.fetch; credentials: Credentials | undefined; actions: string },
): RegistryClient => {
  let authorization: string | undefined;
  const send = async (url: URL, { method = 'GET', headers = {}, body }: RegistryRequest): Promise<Response> => {
    try {
      return await fetch(url, { method, headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) }, ...(body ? { body } : {}) });
    } catch (error) {
      throw new RegistryError(`${method} "${url.href}": ${describeNetworkError(error, url)}`, { cause: error });
    }
  };

  return async (path, request = {}) => {
    const url = new URL(path, `https://${host}/v2/${repository}/`);
    let response = await send(url, request);
    if (response.status === 401) {
      const challenge = response.headers.get('www-authenticate') ?? '';
      await response.body?.cancel();
      authorization = await answerChallenge(challenge, { fetch, credentials, scope: `repository:${repository}:${actions}` });
      response = await send(url, request);
    }
    if (response.ok || request.accepted?.includes(response.status)) return response;
    throw new RegistryError(`${request.method ?? 'GET'} "${url.href}": response status code ${response.status}: ${await describeRefusal(response)}`);
  };
};

const tokenAnswer = z.object({ token: z.string().optional(), access_token: z.string().optional() });

/** https://distribution.github.io/distribution/spec/auth/token/ */
const answerChallenge = async (challenge: string, login: { fetch: typeof globalThis.fetch; credentials: Credentials | undefined; scope: string }): Promise<string | undefined> => {
  const { credentials } = login;
  const basic = credentials && `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
  if (!/^bearer\s/i.test(challenge)) return basic;
  const parameters = Object.fromEntries([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]));
  const url = URL.parse(parameters['realm'] ?? '');
  if (!url) throw new RegistryError(`the challenge names no token service: ${challenge}`);
  url.searchParams.set('scope', parameters['scope'] ?? login.scope);
  if (parameters['service']) url.searchParams.set('service', parameters['service']);
  let response: Response;
  try {
    response = await login.fetch(url, basic === undefined ? {} : { headers: { authorization: basic } });
  } catch (error) {
    throw new RegistryError(`GET "${url.href}": ${describeNetworkError(error, url)}`, { cause: error });
  }
  if (!response.ok) throw new RegistryError(`GET "${url.href}": response status code ${response.status}: ${await describeRefusal(response)}`);
  const { token, access_token: accessToken } = tokenAnswer.parse(await response.json());
  return `Bearer ${token ?? accessToken ?? ''}`;
};

const refusal = z.object({ errors: z.tuple([z.object({ code: z.string(), message: z.string().optional() })], z.unknown()) });

/** `denied: requested access to the resource is denied`, or the status in words. */
const describeRefusal = async (response: Response): Promise<string> => {
  try {
    const [first] = refusal.parse(await response.json()).errors;
    return `${first.code.toLowerCase().replaceAll('_', ' ')}: ${first.message ?? ''}`;
  } catch {
    return response.statusText;
  }
};

const describeNetworkError = (error: unknown, url: URL): string => {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const code: unknown = typeof cause === 'object' && cause !== null ? Reflect.get(cause, 'code') : undefined;
  if (code === 'ECONNREFUSED') return `dial tcp ${url.host}: connect: connection refused`;
  return cause instanceof Error ? cause.message : String(cause);
};
