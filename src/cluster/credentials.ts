import { readFile } from 'node:fs/promises';
import { AccessError } from '../domain/errors.ts';
import type { UserEntry } from './kubeconfig-entries.ts';

/** What one request shows to be let in. */
export interface Credential {
  headers: Record<string, string | string[]>;
  /** A client certificate, PEM. */
  tls: { cert?: string; key?: string };
}

export interface CredentialSource {
  /** The same object as long as it stays good. */
  get(signal?: AbortSignal): Promise<Credential>;
  /** The server answered 401. True when the next `get` may give another one. */
  refuse(credential: Credential): boolean;
}

/** Tokens in files are rotated by whoever wrote them; client-go reads them again as often. */
const tokenFileAgeMs = 60_000;

/** Of the ways that a user entry can name, except for plugins: certificate, token, token file, name and password. */
export const createStaticCredentials = (user: UserEntry, now: () => number = Date.now): CredentialSource => {
  const { tokenFile } = user;
  const build = (token: string | undefined): Credential => ({ headers: toAuthorization(user, token), tls: toClientTls(user) });
  if (tokenFile === undefined) {
    const credential = build(user.token);
    return { get: () => Promise.resolve(credential), refuse: () => false };
  }

  let held: { credential: Credential; token: string; readAt: number } | undefined;
  return {
    async get() {
      if (held !== undefined && now() - held.readAt < tokenFileAgeMs) return held.credential;
      const token = await readToken(tokenFile);
      held = { token, readAt: now(), credential: held?.token === token ? held.credential : build(token) };
      return held.credential;
    },
    refuse(credential) {
      if (held?.credential === credential) held.readAt = Number.NEGATIVE_INFINITY;
      return true;
    },
  };
};

/** Adds the impersonation of the user entry to whatever credential. */
export const withImpersonation = (source: CredentialSource, user: UserEntry): CredentialSource => {
  const impersonation = toImpersonation(user);
  if (Object.keys(impersonation).length === 0) return source;
  const wrapped = new WeakMap<Credential, Credential>();
  const originals = new WeakMap<Credential, Credential>();
  return {
    async get(signal) {
      const original = await source.get(signal);
      const credential = wrapped.get(original) ?? { ...original, headers: { ...original.headers, ...impersonation } };
      wrapped.set(original, credential);
      originals.set(credential, original);
      return credential;
    },
    refuse: (credential) => source.refuse(originals.get(credential) ?? credential),
  };
};

const readToken = async (file: string): Promise<string> => {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    const fact = error instanceof Error ? error.message : String(error);
    throw new AccessError(`The token file ${file} cannot be read.`, { reason: 'TokenFile', fact, cause: error });
  }
};

const toAuthorization = ({ username, password }: UserEntry, token: string | undefined): Credential['headers'] => {
  if (token !== undefined) return { authorization: `Bearer ${token}` };
  if (username !== undefined) return { authorization: `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}` };
  return {};
};

const toClientTls = ({ certPem, keyPem }: UserEntry): Credential['tls'] => ({
  ...(certPem === undefined ? {} : { cert: certPem }),
  ...(keyPem === undefined ? {} : { key: keyPem }),
});

/** https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation: groups are one header line each. */
const toImpersonation = ({ impersonate }: UserEntry): Credential['headers'] => ({
  ...(impersonate.user === undefined ? {} : { 'Impersonate-User': impersonate.user }),
  ...(impersonate.uid === undefined ? {} : { 'Impersonate-Uid': impersonate.uid }),
  ...(impersonate.groups.length === 0 ? {} : { 'Impersonate-Group': impersonate.groups }),
  ...Object.fromEntries(Object.entries(impersonate.extra).map(([key, values]) => [`Impersonate-Extra-${encodeURIComponent(key.toLowerCase())}`, values])),
});
