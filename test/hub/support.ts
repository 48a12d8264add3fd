import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createHub, type Hub } from '../../src/hub/hub.ts';
import type { HubSettings } from '../../src/hub/settings.ts';

/** A model as the loopback hub has it. */
export interface HubRepository {
  id: string;
  sha: string;
  /** Commits before that one, with the same files. */
  earlier?: string[];
  /** Given to this token only. */
  token?: string;
  gated?: boolean | 'auto' | 'manual';
  private?: boolean;
  license?: string;
  tree: { type?: string; path: string; size?: number }[];
  /** Texts by path. */
  files: Record<string, string>;
}

export interface LoopbackHub {
  endpoint: string;
  /** Path and query of each request, in order. */
  requests: string[];
  /** Authorization of each request. */
  tokens: (string | undefined)[];
  repositories: Map<string, HubRepository>;
  /** Answers everything from now on, in place of what is there. */
  intercept?: (request: IncomingMessage, response: ServerResponse) => void;
}

/** Speaks as much of the hub's HTTP as sizing needs, errors and pages included: https://huggingface.co/docs/hub/api */
export const startHub = async (repositories: readonly HubRepository[], { pageSize = 1000 }: { pageSize?: number } = {}): Promise<LoopbackHub> => {
  const hub: LoopbackHub = { endpoint: '', requests: [], tokens: [], repositories: new Map(repositories.map((repository) => [repository.id, repository])) };
  const server = createServer((request, response) => {
    hub.requests.push(request.url ?? '');
    hub.tokens.push(request.headers.authorization);
    if (hub.intercept) hub.intercept(request, response);
    else answer(hub, request, response, pageSize);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('The hub has no port.');
  hub.endpoint = `http://127.0.0.1:${address.port}`;
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return hub;
};

const answer = (hub: LoopbackHub, request: IncomingMessage, response: ServerResponse, pageSize: number): void => {
  const url = new URL(request.url ?? '/', hub.endpoint);
  const refuse = (status: number, code: string, message: string): void => void response.writeHead(status, { 'x-error-code': code, 'x-error-message': message, 'content-type': 'application/json' }).end(JSON.stringify({ error: message }));
  const send = (body: string, headers: Record<string, string> = {}): void => void response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(body);
  const [, id = '', rest = ''] = /^\/(?:api\/models\/)?([^/]+\/[^/]+)(.*)$/.exec(url.pathname) ?? [];
  const repository = [...hub.repositories.values()].find((candidate) => candidate.id.toLowerCase() === id.toLowerCase());
  const isKnown = repository && (repository.token === undefined || request.headers.authorization === `Bearer ${repository.token}`);
  if (!repository || (repository.private && !isKnown)) return refuse(request.headers.authorization === undefined ? 401 : 404, 'RepoNotFound', 'Repository not found');
  if (repository.id !== id) return void response.writeHead(307, { location: `${url.pathname.replace(id, repository.id)}${url.search}` }).end();
  const [, commit, path] = /^\/(?:resolve|tree|revision)\/([^/]+)\/?(.*)$/.exec(rest) ?? [];
  if (commit !== undefined && ![repository.sha, ...(repository.earlier ?? [])].includes(commit)) return refuse(404, 'RevisionNotFound', `Invalid rev id: ${commit}`);
  if (rest === '' || rest.startsWith('/revision/')) {
    return send(JSON.stringify({ id: repository.id, sha: commit ?? repository.sha, gated: repository.gated ?? false, private: repository.private ?? false, cardData: repository.license === undefined ? {} : { license: repository.license } }));
  }
  if (rest.startsWith('/tree/')) {
    const from = Number(url.searchParams.get('cursor') ?? 0);
    const next = from + pageSize < repository.tree.length ? { link: `<${hub.endpoint}${url.pathname}?recursive=true&cursor=${from + pageSize}>; rel="next"` } : undefined;
    return send(JSON.stringify(repository.tree.slice(from, from + pageSize)), next);
  }
  if (!isKnown) return refuse(request.headers.authorization === undefined ? 401 : 403, 'GatedRepo', `Access to model ${repository.id} is restricted.`);
  const text = repository.files[path ?? ''];
  return text === undefined ? refuse(404, 'EntryNotFound', 'Entry not found') : send(text);
};

export const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'kaito-hub-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

export interface TestHub extends Hub {
  settings: HubSettings;
  clock: { timeMs: number };
  read(id: string, options?: { revision?: string; nearest?: string[]; signal?: AbortSignal }): ReturnType<Hub['readModel']>;
}

/** The client's side of it, with a cache and a clock of its own. */
export const openHub = (hub: Pick<LoopbackHub, 'endpoint'>, settings: Partial<HubSettings> = {}): TestHub => {
  const clock = { timeMs: Date.UTC(2026, 5, 18) };
  const all: HubSettings = { endpoint: new URL(hub.endpoint), cacheFolder: settings.cacheFolder ?? temporaryFolder(), userAgent: 'kaito-ts/test', timeoutMs: 5000, ...settings };
  const { readModel } = createHub(all, { now: () => clock.timeMs });
  return { settings: all, clock, readModel, read: (id, { revision, nearest = [], signal = new AbortController().signal } = {}) => readModel({ id, nearest, signal, ...(revision === undefined ? {} : { revision }) }) };
};

export const commitOf = (digit: string): string => digit.repeat(40);

/** Small enough to be read at a glance; sizes as TinyLlama has them. */
export const tinyLlama: HubRepository = {
  id: 'TinyLlama/TinyLlama-1.1B-Chat-v1.0',
  sha: commitOf('a'),
  license: 'apache-2.0',
  tree: [
    { type: 'directory', path: 'onnx' },
    { type: 'file', path: 'README.md', size: 4000 },
    { type: 'file', path: 'model.safetensors', size: 2_200_119_864 },
    { type: 'file', path: 'pytorch_model.bin', size: 4_400_000_000 },
  ],
  files: { 'config.json': JSON.stringify({ architectures: ['LlamaForCausalLM'], hidden_size: 2048, num_hidden_layers: 22, num_attention_heads: 32, num_key_value_heads: 4, max_position_embeddings: 2048 }) },
};
