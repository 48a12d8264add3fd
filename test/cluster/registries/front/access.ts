import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { RegistryUser } from './settings.ts';

/** A token service and what it guards, as Azure Container Registry has them. https://distribution.github.io/distribution/spec/auth/token/ */
export interface Access {
  /** The answer of the token service. */
  issue(request: TokenRequest): Answer;
  /** The answer that refuses a request; undefined when it may go on. */
  refuse(request: { method: string; path: string; authorization: string | undefined }): Answer | undefined;
}

export interface TokenRequest {
  scopes: readonly string[];
  /** Of basic authentication, or of a form. */
  credentials: { name: string; password: string } | undefined;
}

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body: unknown;
}

interface Grant {
  type: string;
  name: string;
  actions: string[];
}

const lifetimeSeconds = 3600;

export const createAccess = (host: string, users: readonly RegistryUser[]): Access => {
  const key = randomBytes(32);
  const sign = (text: string): string => createHmac('sha256', key).update(text).digest('base64url');

  const seal = (claims: object): string => {
    const text = [{ alg: 'HS256', typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    return `${text}.${sign(text)}`;
  };
  const unseal = (token: string): Grant[] | undefined => {
    const [header = '', claims = '', signature = ''] = token.split('.');
    const expected = sign(`${header}.${claims}`);
    if (signature.length !== expected.length || !timingSafeEqual(Buffer.from(signature), Buffer.from(expected))) return undefined;
    const { access, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { access: Grant[]; exp: number };
    return exp * 1000 > Date.now() ? access : undefined;
  };

  const challenge = (scope: string | undefined, error?: string): Record<string, string> => ({
    'www-authenticate': `Bearer realm="https://${host}/oauth2/token",service="${host}"${scope ? `,scope="${scope}"` : ''}${error ? `,error="${error}"` : ''}`,
  });

  return {
    issue: ({ scopes, credentials }) => {
      const user = users.find(({ name, password }) => name === credentials?.name && password === credentials.password);
      if (!user) return { status: 401, headers: challenge(undefined), body: unauthorized() };
      const access = scopes.flatMap((scope) => {
        const [, type = '', name = '', actions = ''] = /^(\w+):(.+):([\w,*]*)$/.exec(scope) ?? [];
        const granted = actions.split(',').filter((action) => action === 'pull' || user.canPush);
        return type === '' ? [] : [{ type, name, actions: granted }];
      });
      const now = Math.floor(Date.now() / 1000);
      return { status: 200, body: { access_token: seal({ iss: 'Azure Container Registry', aud: host, sub: user.name, jti: randomUUID(), iat: now, exp: now + lifetimeSeconds, access }), expires_in: lifetimeSeconds } };
    },

    refuse: ({ method, path, authorization }) => {
      const repository = /^\/v2\/(?<name>.+?)\/(?:manifests|blobs|tags|referrers)\//.exec(path)?.groups?.['name'];
      const action = method === 'GET' || method === 'HEAD' ? 'pull' : method === 'DELETE' && !path.includes('/uploads/') ? 'delete' : 'push';
      const scope = repository && `repository:${repository}:${action === 'push' ? 'pull,push' : action}`;
      const grants = authorization?.startsWith('Bearer ') ? unseal(authorization.slice('Bearer '.length)) : undefined;
      if (!grants) return { status: 401, headers: challenge(scope), body: unauthorized(repository, action) };
      if (!repository) return undefined;
      const isGranted = grants.some(({ type, name, actions }) => type === 'repository' && name === repository && (actions.includes(action) || actions.includes('*')));
      return isGranted ? undefined : { status: 401, headers: challenge(scope, 'insufficient_scope'), body: unauthorized(repository, action) };
    },
  };
};

const unauthorized = (repository?: string, action?: string): unknown => ({
  errors: [
    {
      code: 'UNAUTHORIZED',
      message: `authentication required, visit https://aka.ms/acr/authorization for more information. CorrelationId: ${randomUUID()}`,
      detail: repository ? [{ Type: 'repository', Class: '', Name: repository, Action: action }] : null,
    },
  ],
});
