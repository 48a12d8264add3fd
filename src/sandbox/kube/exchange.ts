import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SandboxClock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import type { PodRuntime } from '../kubelet/pod-runtime.ts';
import type { Authorize, User } from './access.ts';
import type { VersionedStore } from './store.ts';
import type { Target } from './target.ts';

/** What all requests share. */
export interface Api {
  store: VersionedStore;
  runtime: PodRuntime;
  clock: SandboxClock;
  faults: Faults;
  authorize: Authorize;
}

/** One request for objects, authenticated and authorised, with the way to answer it. */
export interface Exchange {
  api: Api;
  target: Target;
  query: URLSearchParams;
  request: IncomingMessage;
  response: ServerResponse;
  user: User;
}

export const sendJson = (response: ServerResponse, code: number, body: unknown, mediaType = 'application/json'): void => {
  const text = JSON.stringify(body);
  response.writeHead(code, { 'content-type': mediaType, 'content-length': Buffer.byteLength(text), 'cache-control': 'no-cache, private' });
  // A HEAD request gets the length of what a GET would bring, and no more.
  response.end(response.req.method === 'HEAD' ? undefined : text);
};

export const sendText = (response: ServerResponse, code: number, text: string): void => {
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' });
  response.end(text);
};
