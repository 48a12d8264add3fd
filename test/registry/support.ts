import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request } from 'node:https';
import { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { createCertificateAuthority } from '../../src/sandbox/tls.ts';

export const authority = createCertificateAuthority();

/** fetch over node:https that trusts the tests' own authority, which the built-in one cannot be told to. */
export const trustingFetch: typeof fetch = (input, { method = 'GET', headers = {}, signal } = {}) =>
  new Promise((resolve, reject) => {
    const outgoing = request(input instanceof Request ? input.url : input, { method, headers: Object.fromEntries(new Headers(headers)), ca: authority.certificatePem, ...(signal ? { signal } : {}) }, (incoming) => {
      const fields = Object.entries(incoming.headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] satisfies [string, string]]));
      const { statusCode = 0, statusMessage = '' } = incoming;
      resolve(new Response([204, 304].includes(statusCode) ? null : Readable.toWeb(incoming), { status: statusCode, statusText: statusMessage, headers: fields }));
    });
    outgoing.on('error', (error) => reject(new TypeError('fetch failed', { cause: error })));
    outgoing.end();
  });

export interface ScriptedRegistry {
  host: string;
  /** `POST /v2/mine/blobs/uploads/ Bearer t`, in order. */
  readonly requests: string[];
}

/** A registry that says exactly what the test wants, over real TLS on loopback. */
export const startScriptedRegistry = async (answer: (request: IncomingMessage, response: ServerResponse, host: string) => void): Promise<ScriptedRegistry> => {
  const { keyPem, certPem } = authority.issue();
  const requests: string[] = [];
  const server = createServer({ key: keyPem, cert: certPem }, (incoming, response) => {
    requests.push([incoming.method, incoming.url, incoming.headers.authorization].filter(Boolean).join(' '));
    answer(incoming, response, host());
  });
  const host = (): string => {
    const address = server.address();
    return `127.0.0.1:${typeof address === 'object' && address ? address.port : ''}`;
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { host: host(), requests };
};
