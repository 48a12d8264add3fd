import { text } from 'node:stream/consumers';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:https';
import type { TlsIdentity } from './tls.ts';

export interface HttpsRequest {
  method: string;
  url: URL;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface HttpsResponse {
  status: number;
  headers?: Record<string, string>;
  /** Sent as JSON; absent: no body at all. */
  body?: unknown;
}

export interface HttpsServer {
  /** `https://127.0.0.1:<port>`, without a slash at the end. */
  url: string;
  /** Also ends requests that are still being answered. */
  close(): Promise<void>;
}

/** Serves whole JSON answers over TLS, on a free port of the loopback interface. */
export const serveHttps = async (identity: TlsIdentity, answer: (request: HttpsRequest) => Promise<HttpsResponse>): Promise<HttpsServer> => {
  let origin = '';
  const server = createServer({ key: identity.keyPem, cert: identity.certPem }, (request, response) => {
    const respond = async (): Promise<void> => {
      const { status, headers, body } = await answer({
        method: request.method ?? 'GET',
        // Put together as text: resolved against the origin, a path such as `//x` would be taken for another host.
        url: new URL(`${origin}${request.url ?? '/'}`),
        headers: request.headers,
        body: await text(request),
      });
      const json = body === undefined ? '' : JSON.stringify(body);
      response.writeHead(status, {
        ...(body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
        ...(status === 204 ? {} : { 'content-length': Buffer.byteLength(json) }),
        ...headers,
      });
      response.end(json);
    };
    respond().catch((error: unknown) => {
      // The client has gone away, or this is a mistake of ours, which then must not look like a broken network.
      if (response.headersSent || response.destroyed) response.destroy();
      else response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error));
    });
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  origin = `https://127.0.0.1:${address.port}`;

  return {
    url: origin,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
