import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Access } from './access.ts';
import type { RegistryContent } from './content.ts';
import { RegistryProblem } from './problem.ts';

/** One request to a repository and everything needed to answer it. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** HEAD counts as GET; Node leaves the body out by itself. */
  method: string;
  query: URLSearchParams;
  content: RegistryContent;
  /** The repository's name. */
  name: string;
  /** A digest, tag or upload session; empty where the path has none. */
  reference: string;
  access: Access;
}

export type Handler = (exchange: Exchange) => void | Promise<void>;

/** Whole bodies are held in memory, so they have a bound; a sandbox adapter is some megabytes. */
export const maximumBlobBytes = 512 * 1024 * 1024;
export const maximumManifestBytes = 4 * 1024 * 1024;

export const readBody = async (request: IncomingMessage, maximumBytes: number): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  // Left early, the stream must survive: a destroyed request takes the socket, and with it the answer, along.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    if (!Buffer.isBuffer(chunk)) continue;
    sizeBytes += chunk.length;
    if (sizeBytes > maximumBytes) throw new RegistryProblem('SIZE_INVALID', { headers: { connection: 'close' } });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

export const writeJson = (
  response: ServerResponse,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void => {
  const text = JSON.stringify(body);
  response.writeHead(200, { 'content-type': 'application/json', ...headers, 'content-length': Buffer.byteLength(text) });
  response.end(text);
};
