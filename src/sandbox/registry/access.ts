import type { IncomingMessage } from 'node:http';
import type { Tokens } from './tokens.ts';
import { RegistryProblem } from './problem.ts';

export type Action = 'pull' | 'push' | 'delete';

/** What the bearer of a request may do; anonymous bearers have a token as well. */
export interface Access {
  user: string | undefined;
  allows(repository: string, action: Action): boolean;
}

export interface Scope {
  repository: string;
  actions: readonly Action[];
}

const isAction = (text: string): text is Action => text === 'pull' || text === 'push' || text === 'delete';

/** `repository:team/adapter:pull,push`. Other resource types and unknown actions are left out, as token servers do. */
export const parseScope = (text: string): Scope | undefined => {
  const match = /^repository:(?<repository>[^:]+(?::\d+[^:]*)?):(?<actions>[a-z,*]+)$/.exec(text);
  const { repository, actions } = match?.groups ?? {};
  if (repository === undefined || actions === undefined) return undefined;
  return { repository, actions: actions.split(',').filter(isAction) };
};

/** Throws the 401 that tells a client where to get a token and for what. */
const challenge = (request: IncomingMessage, scope: string | undefined, error?: string): never => {
  const host = request.headers.host ?? 'localhost';
  const parts = [`realm="https://${host}/token"`, `service="${host}"`];
  if (scope !== undefined) parts.push(`scope="${scope}"`);
  if (error !== undefined) parts.push(`error="${error}"`);
  throw new RegistryProblem('UNAUTHORIZED', { headers: { 'www-authenticate': `Bearer ${parts.join(',')}` } });
};

/** The access behind a request's bearer token; a request without a valid one is challenged. */
export const requireToken = (request: IncomingMessage, tokens: Tokens, scope?: Scope): Access => {
  const scopeText = scope && `repository:${scope.repository}:${scope.actions.join(',')}`;
  const bearer = /^Bearer (?<token>\S+)$/i.exec(request.headers.authorization ?? '')?.groups?.['token'];
  if (bearer === undefined) return challenge(request, scopeText);
  const access = tokens.verify(bearer);
  if (!access) return challenge(request, scopeText, 'invalid_token');
  if (!scope || scope.actions.every((action) => access.allows(scope.repository, action))) return access;
  // A known user who asked for more than is granted is denied; anyone else may still log in.
  if (access.user !== undefined && tokens.wasRefused(bearer, scope)) throw new RegistryProblem('DENIED');
  return challenge(request, scopeText, 'insufficient_scope');
};
