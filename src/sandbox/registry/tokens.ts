import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SandboxClock } from '../clock.ts';
import { parseScope, type Access, type Action, type Scope } from './access.ts';
import { writeJson } from './exchange.ts';
import { RegistryProblem } from './problem.ts';

export interface RegistryUser {
  name: string;
  password: string;
  /** Credentials that may only pull. */
  isReadOnly?: boolean;
}

/** Opaque tokens and what each is good for. They expire, so that clients have to renew them as with real registries. */
export interface Tokens {
  issue(user: RegistryUser | undefined, asked: readonly Scope[]): string;
  verify(token: string): Access | undefined;
  /** Whether the token's owner asked for this scope when it was issued, and did not get it. */
  wasRefused(token: string, scope: Scope): boolean;
}

const lifetimeSeconds = 300;
const maximumTokens = 10_000;

interface IssuedToken {
  user: string | undefined;
  asked: readonly Scope[];
  granted: readonly Scope[];
  expiresAtMs: number;
}

const covers = (scopes: readonly Scope[], repository: string, action: Action): boolean =>
  scopes.some((scope) => scope.repository === repository && scope.actions.includes(action));

export const createTokens = (options: { clock: SandboxClock; anonymousPull: boolean }): Tokens => {
  const issued = new Map<string, IssuedToken>();
  const isGranted = (user: RegistryUser | undefined, action: Action) =>
    user ? !user.isReadOnly || action === 'pull' : options.anonymousPull && action === 'pull';
  const find = (token: string) => {
    const found = issued.get(token);
    return found && found.expiresAtMs > options.clock.now().getTime() ? found : undefined;
  };
  return {
    issue: (user, asked) => {
      const nowMs = options.clock.now().getTime();
      // Insertion order is age, so the oldest go first, expired or not, when there are too many.
      for (const [token, { expiresAtMs }] of issued) {
        if (expiresAtMs > nowMs && issued.size < maximumTokens) break;
        issued.delete(token);
      }
      const token = randomBytes(32).toString('base64url');
      const granted = asked.map(({ repository, actions }) => ({
        repository,
        actions: actions.filter((action) => isGranted(user, action)),
      }));
      issued.set(token, { user: user?.name, asked, granted, expiresAtMs: nowMs + lifetimeSeconds * 1000 });
      return token;
    },
    verify: (token) => {
      const found = find(token);
      return found && { user: found.user, allows: (repository, action) => covers(found.granted, repository, action) };
    },
    wasRefused: (token, scope) => {
      const asked = find(token)?.asked ?? [];
      return scope.actions.every((action) => covers(asked, scope.repository, action));
    },
  };
};

const equals = (given: string, expected: string): boolean => {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
};

/**
 * `GET /token`: Basic credentials, or none, for a token. Wrong credentials are 401; scopes that are not granted are left
 * out silently. https://distribution.github.io/distribution/spec/auth/token/
 */
export const answerTokenRequest = (
  request: IncomingMessage,
  response: ServerResponse,
  options: { query: URLSearchParams; users: readonly RegistryUser[]; tokens: Tokens; clock: SandboxClock },
): void => {
  // containerd tries POST first, and falls back to GET on exactly this answer.
  if (request.method !== 'GET') throw new RegistryProblem('UNSUPPORTED');
  const user = authenticate(request.headers.authorization, options.users);
  const scopes = options.query
    .getAll('scope')
    .flatMap((text) => text.split(' '))
    .flatMap((text) => parseScope(text) ?? []);
  const token = options.tokens.issue(user, scopes);
  writeJson(response, {
    token,
    access_token: token,
    expires_in: lifetimeSeconds,
    issued_at: options.clock.now().toISOString(),
  });
};

/** Undefined for a request without credentials, which is anonymous. */
const authenticate = (authorization: string | undefined, users: readonly RegistryUser[]): RegistryUser | undefined => {
  if (authorization === undefined) return undefined;
  const encoded = /^Basic (?<encoded>\S+)$/i.exec(authorization)?.groups?.['encoded'] ?? '';
  const credentials = Buffer.from(encoded, 'base64').toString('utf8');
  const separator = credentials.indexOf(':');
  const [name, password] = [credentials.slice(0, separator), credentials.slice(separator + 1)];
  const user = separator < 0 ? undefined : users.find((candidate) => candidate.name === name && equals(password, candidate.password));
  if (!user) throw new RegistryProblem('UNAUTHORIZED');
  return user;
};
