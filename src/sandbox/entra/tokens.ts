import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** What an access token says; the names are those of Entra's own claims. */
export interface TokenClaims {
  /** What the token is good for: `https://management.azure.com`, or an application's id. */
  aud: string;
  iss: string;
  /** Tenant. */
  tid: string;
  /** Client id of the application that logged in. */
  appid: string;
  /** Object id of its service principal. */
  oid: string;
  sub: string;
  /** Seconds since 1970, as are the other two. */
  iat: number;
  nbf: number;
  exp: number;
}

export interface Tokens {
  issue(claims: { audience: string; issuer: string; tenantId: string; clientId: string; lifetimeSeconds: number }): string;
  /** Undefined unless this sandbox made the token and it has not run out. */
  verify(token: string): TokenClaims | undefined;
}

/** JSON Web Tokens signed with a key that dies with the sandbox. `now` is in milliseconds since 1970. */
export const createTokens = (now: () => number): Tokens => {
  const key = randomBytes(32);
  const signatureOf = (signed: string): Buffer => createHmac('sha256', key).update(signed).digest();

  return {
    issue({ audience, issuer, tenantId, clientId, lifetimeSeconds }) {
      const seconds = Math.floor(now() / 1000);
      const oid = objectIdOf(clientId);
      const claims: TokenClaims = {
        aud: audience,
        iss: issuer,
        tid: tenantId,
        appid: clientId,
        oid,
        sub: oid,
        iat: seconds,
        nbf: seconds,
        exp: seconds + lifetimeSeconds,
      };
      const signed = `${encode({ typ: 'JWT', alg: 'HS256' })}.${encode({ ...claims, idtyp: 'app', ver: '1.0' })}`;
      return `${signed}.${signatureOf(signed).toString('base64url')}`;
    },
    verify(token) {
      const [header, payload, signature] = token.split('.');
      if (header === undefined || payload === undefined || signature === undefined) return undefined;
      const wanted = signatureOf(`${header}.${payload}`);
      const given = Buffer.from(signature, 'base64url');
      if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
      // Signed by us, so these are the claims that `issue` wrote.
      const claims: TokenClaims = JSON.parse(Buffer.from(payload, 'base64url').toString());
      return claims.exp * 1000 > now() ? claims : undefined;
    },
  };
};

/** The claims of any JSON Web Token, unverified; undefined when it is not one. */
export const decodePayload = (token: string): Record<string, unknown> | undefined => {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString());
    return typeof claims === 'object' && claims !== null ? { ...claims } : undefined;
  } catch {
    return undefined;
  }
};

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Service principals have an id of their own, which here follows from the application's. */
const objectIdOf = (clientId: string): string => {
  const hex = createHash('sha256').update(clientId).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-');
};
