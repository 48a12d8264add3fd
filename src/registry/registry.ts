import type { PushFacts } from '../domain/facts.ts';
import type { ImageReference } from '../domain/image-reference.ts';
import type { RegistryCredentials } from './credentials.ts';

export interface RegistryCall {
  fetch: typeof fetch;
  signal: AbortSignal;
  credentials?: RegistryCredentials;
}

const timeoutMs = 15_000;

/**
 * Whether an upload to that repository is accepted, found out by beginning one and taking it back. The push comes after
 * hours of GPU time: a wrong password must not be found then.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
 */
export const checkPush = async (image: ImageReference, call: RegistryCall): Promise<PushFacts> => {
  const base = `https://${image.registry === 'docker.io' ? 'registry-1.docker.io' : image.registry}`;
  const bounded = { ...call, signal: AbortSignal.any([call.signal, AbortSignal.timeout(timeoutMs)]) };
  try {
    const authorization = await authorize(base, image, bounded);
    if ('refusal' in authorization) return { canPush: false, reason: 'refused', fact: authorization.refusal };
    const begun = await call.fetch(`${base}/v2/${image.repository}/blobs/uploads/`, { method: 'POST', headers: { ...authorization.headers, 'content-length': '0' }, signal: bounded.signal });
    if (begun.status !== 202) return begun.status >= 500 ? { canPush: false, reason: 'unreachable', fact: await describe(begun) } : { canPush: false, reason: 'refused', fact: await describe(begun) };
    const location = begun.headers.get('location');
    // A registry forgets an upload that nobody finishes; taking it back is politeness.
    if (location) await call.fetch(new URL(location, base), { method: 'DELETE', headers: authorization.headers, signal: bounded.signal }).catch(() => undefined);
    return { canPush: true };
  } catch (error) {
    call.signal.throwIfAborted();
    return { canPush: false, reason: 'unreachable', fact: rootCause(error) };
  }
};

type Authorization = { headers: Record<string, string> } | { refusal: string };

/** https://distribution.github.io/distribution/spec/auth/token/ */
const authorize = async (base: string, image: ImageReference, { fetch, signal, credentials }: RegistryCall): Promise<Authorization> => {
  const ping = await fetch(`${base}/v2/`, { signal });
  if (ping.status !== 401) return { headers: {} };
  const challenge = ping.headers.get('www-authenticate') ?? '';
  const basic = credentials && { authorization: `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}` };
  if (/^basic/i.test(challenge)) return basic ? { headers: basic } : { refusal: 'It wants a user and a password, and the Secret has none for it.' };
  const parameters = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value]));
  const realm = parameters.get('realm');
  if (!realm) return { refusal: `It answers 401 with a challenge that is not understood: ${challenge || '(none)'}` };
  const url = new URL(realm);
  const service = parameters.get('service');
  if (service) url.searchParams.set('service', service);
  url.searchParams.set('scope', `repository:${image.repository}:pull,push`);
  const answer = await fetch(url, { headers: basic ?? {}, signal });
  if (!answer.ok) return { refusal: `The token service answers ${await describe(answer)}` };
  const body: unknown = await answer.json();
  const token = typeof body === 'object' && body !== null ? ('token' in body ? body.token : 'access_token' in body ? body.access_token : undefined) : undefined;
  return typeof token === 'string' ? { headers: { authorization: `Bearer ${token}` } } : { refusal: 'The token service answers without a token.' };
};

const describe = async (answer: Response): Promise<string> => {
  const body = (await answer.text().catch(() => '')).slice(0, 300);
  const message = /"message"\s*:\s*"([^"]*)"/.exec(body)?.[1];
  return `${answer.status}${message ? `: ${message}` : answer.statusText ? ` ${answer.statusText}` : ''}`;
};

/** fetch says only "fetch failed"; what happened is in the cause. */
const rootCause = (error: unknown): string => {
  let current = error;
  while (current instanceof Error && current.cause !== undefined) current = current.cause;
  return current instanceof Error ? current.message : String(current);
};
