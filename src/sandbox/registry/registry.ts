import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { SandboxClock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import type { TlsIdentity } from '../tls.ts';
import { requireToken, type Action } from './access.ts';
import { answerBlob } from './blobs.ts';
import type { RegistryContent } from './content.ts';
import { writeJson, type Handler } from './exchange.ts';
import { answerManifest } from './manifests.ts';
import { RegistryProblem, writeProblem } from './problem.ts';
import { answerReferrers } from './referrers.ts';
import { answerTags } from './tags.ts';
import { answerTokenRequest, createTokens, type RegistryUser, type Tokens } from './tokens.ts';
import { answerUpload } from './uploads.ts';

export interface RegistryOptions {
  /** The certificate has to name every host under which the registry is to be reached. */
  tls: TlsIdentity;
  users: readonly RegistryUser[];
  /** Whether a client without credentials may pull; true unless told otherwise. */
  anonymousPull?: boolean;
  clock: SandboxClock;
  faults: Faults;
}

export interface SandboxRegistry {
  url: string;
  /** `127.0.0.1:<port>`, as it stands in an image reference. */
  host: string;
  port: number;
  /** What is stored, for seeding and for tests. */
  content: RegistryContent;
  close(): Promise<void>;
}

/**
 * An OCI registry (distribution spec v1.1) over TLS on loopback, with bearer tokens as the public registries use them.
 * Everything outside the specification is 404, every other method 405.
 */
export const startRegistry = async (options: RegistryOptions): Promise<SandboxRegistry> => {
  const content: RegistryContent = new Map();
  const tokens = createTokens({ clock: options.clock, anonymousPull: options.anonymousPull ?? true });
  const server = createServer({ key: options.tls.keyPem, cert: options.tls.certPem }, (request, response) => {
    answer(request, response, { ...options, content, tokens }).catch((error: unknown) => {
      refuse(request, response, error);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('The registry has no port.');
  const host = `127.0.0.1:${address.port}`;
  return {
    url: `https://${host}`,
    host,
    port: address.port,
    content,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};

interface Registry extends RegistryOptions {
  content: RegistryContent;
  tokens: Tokens;
}

/** Longest first: a repository's name may itself contain `blobs` or `tags`. */
const routes: readonly { pattern: RegExp; answer: Handler }[] = [
  { pattern: /^\/v2\/(?<name>.+)\/blobs\/uploads\/(?<reference>[^/]*)$/, answer: answerUpload },
  { pattern: /^\/v2\/(?<name>.+)\/blobs\/uploads(?<reference>)$/, answer: answerUpload },
  { pattern: /^\/v2\/(?<name>.+)\/blobs\/(?<reference>[^/]+)$/, answer: answerBlob },
  { pattern: /^\/v2\/(?<name>.+)\/manifests\/(?<reference>[^/]+)$/, answer: answerManifest },
  { pattern: /^\/v2\/(?<name>.+)\/referrers\/(?<reference>[^/]+)$/, answer: answerReferrers },
  { pattern: /^\/v2\/(?<name>.+)\/tags\/list(?<reference>)$/, answer: answerTags },
];

const namePattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;

const answer = async (request: IncomingMessage, response: ServerResponse, registry: Registry): Promise<void> => {
  response.setHeader('docker-distribution-api-version', 'registry/2.0');
  if (registry.faults.has('registry-down')) throw new RegistryProblem('UNAVAILABLE');
  const { pathname, searchParams: query } = new URL(`https://registry${request.url ?? '/'}`);
  const path = decodePath(pathname);
  if (path === '/token') return answerTokenRequest(request, response, { ...registry, query });

  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
  if (path === '/v2/' || path === '/v2') {
    requireToken(request, registry.tokens);
    if (method !== 'GET') throw new RegistryProblem('UNSUPPORTED');
    return writeJson(response, {});
  }
  for (const route of routes) {
    const { name, reference = '' } = route.pattern.exec(path)?.groups ?? {};
    if (name === undefined) continue;
    if (!namePattern.test(name)) throw new RegistryProblem('NAME_INVALID', { detail: { name } });
    const access = requireToken(request, registry.tokens, { repository: name, actions: actionsOf(method, route.answer) });
    if (registry.faults.has('push-refused') && method !== 'GET') throw new RegistryProblem('DENIED');
    return route.answer({ request, response, method, query, content: registry.content, name, reference, access });
  }
  throw new RegistryProblem('NOT_FOUND');
};

/** Giving up an upload is part of pushing; only what is already published needs the right to delete. */
const actionsOf = (method: string, answer: Handler): Action[] => {
  if (method === 'GET') return ['pull'];
  return method === 'DELETE' && answer !== answerUpload ? ['delete'] : ['pull', 'push'];
};

const decodePath = (pathname: string): string => {
  try {
    return decodeURIComponent(pathname);
  } catch {
    throw new RegistryProblem('NAME_INVALID');
  }
};

const refuse = (request: IncomingMessage, response: ServerResponse, error: unknown): void => {
  // The rest of a body that nobody wants is read away, or the client would get a reset instead of the reason.
  request.resume();
  if (response.headersSent) {
    response.destroy();
  } else if (error instanceof RegistryProblem) {
    writeProblem(response, error);
  } else {
    response.writeHead(500, { 'content-length': 0 }).end();
  }
};
