import type { PullFacts, PushFacts } from '../domain/facts.ts';
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
  const base = baseOf(image);
  const bounded = within(call);
  try {
    const authorization = await authorize(base, image, 'pull,push', bounded);
    if ('refusal' in authorization) return { canPush: false, reason: 'refused', fact: authorization.refusal };
    const begun = await call.fetch(`${base}/v2/${image.repository}/blobs/uploads/`, { method: 'POST', headers: { ...authorization.headers, 'content-length': '0' }, signal: bounded.signal });
    if (begun.status !== 202) return { canPush: false, reason: isPassing(begun) ? 'unreachable' : 'refused', fact: await describe(begun) };
    await takeBack(begun, base, authorization.headers, bounded);
    return { canPush: true };
  } catch (error) {
    call.signal.throwIfAborted();
    return { canPush: false, reason: 'unreachable', fact: rootCause(error) };
  }
};

/**
 * Whether that manifest can be had. HEAD, because a pull counts against the limits of some registries.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 */
export const checkPull = async (image: ImageReference, call: RegistryCall): Promise<PullFacts> => {
  const base = baseOf(image);
  const bounded = within(call);
  try {
    const authorization = await authorize(base, image, 'pull', bounded);
    if ('refusal' in authorization) return { canPull: false, reason: 'refused', fact: authorization.refusal };
    const answer = await call.fetch(`${base}/v2/${image.repository}/manifests/${image.digest ?? image.tag ?? 'latest'}`, { method: 'HEAD', headers: { ...authorization.headers, accept: manifestTypes }, signal: bounded.signal });
    if (answer.ok) return { canPull: true };
    return { canPull: false, reason: answer.status === 404 ? 'missing' : [401, 403].includes(answer.status) ? 'refused' : 'unreachable', fact: await describe(answer) };
  } catch (error) {
    call.signal.throwIfAborted();
    return { canPull: false, reason: 'unreachable', fact: rootCause(error) };
  }
};

/** A registry answers 404 for a manifest of a type that was not asked for. */
const manifestTypes = ['application/vnd.oci.image.index.v1+json', 'application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json', 'application/vnd.docker.distribution.manifest.v2+json'].join(', ');

const baseOf = ({ registry }: ImageReference): string => `https://${registry === 'docker.io' ? 'registry-1.docker.io' : registry}`;

const within = (call: RegistryCall): RegistryCall => ({ ...call, signal: AbortSignal.any([call.signal, AbortSignal.timeout(timeoutMs)]) });

/** Nothing that was said about this push: asked later, it may be accepted. */
const isPassing = ({ status }: Response): boolean => status >= 500 || status === 429;

/** A registry forgets an upload that nobody finishes; taking it back is politeness. The token is for the registry alone. */
const takeBack = async (begun: Response, base: string, headers: Record<string, string>, { fetch, signal }: RegistryCall): Promise<void> => {
  const location = URL.parse(begun.headers.get('location') ?? '', `${base}/v2/`);
  await begun.body?.cancel();
  if (location?.origin === new URL(base).origin) await fetch(location, { method: 'DELETE', headers, signal }).catch(() => undefined);
};

type Authorization = { headers: Record<string, string> } | { refusal: string };

/** https://distribution.github.io/distribution/spec/auth/token/ */
const authorize = async (base: string, image: ImageReference, actions: 'pull' | 'pull,push', { fetch, signal, credentials }: RegistryCall): Promise<Authorization> => {
  const ping = await fetch(`${base}/v2/`, { signal });
  await ping.body?.cancel();
  if (ping.status !== 401) return { headers: {} };
  const challenge = ping.headers.get('www-authenticate') ?? '';
  const basic = credentials && { authorization: `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}` };
  if (/^basic/i.test(challenge)) return basic ? { headers: basic } : { refusal: 'It wants a user and a password, and the Secret has none for it.' };
  const parameters = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value]));
  const url = URL.parse(parameters.get('realm') ?? '');
  if (!url) return { refusal: `It answers 401 with a challenge that is not understood: ${challenge || '(none)'}` };
  const service = parameters.get('service');
  if (service) url.searchParams.set('service', service);
  url.searchParams.set('scope', `repository:${image.repository}:${actions}`);
  const answer = await fetch(url, { headers: basic ?? {}, signal });
  if (!answer.ok && isPassing(answer)) throw new Error(`The token service answers ${await describe(answer)}`);
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
