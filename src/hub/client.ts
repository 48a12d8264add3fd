import { FailedError, KaitoError, NotFoundError } from '../domain/errors.ts';
import { parseConfigFile, parseModelInfo, parseTree } from './answers.ts';
import { chooseWeights, mayBeWeights, type Config, type ModelFacts, type RepositoryFile } from './model-facts.ts';
import { toHubError, toUnreachableError, type Question } from './refusals.ts';
import type { HubSettings } from './settings.ts';

export interface HubRequest {
  id: string;
  /** A commit; absent: the newest. */
  revision?: string;
  nearest: readonly string[];
  signal: AbortSignal;
}

export type ModelInfo = Omit<ModelFacts, 'files' | 'config'>;

/** The hub over HTTP: https://huggingface.co/docs/hub/api. Each question has a bound, and throws a KaitoError. */
export interface HubClient {
  readInfo(request: HubRequest): Promise<ModelInfo>;
  /** Everything else about that commit. */
  readFacts(info: ModelInfo, request: HubRequest): Promise<ModelFacts>;
}

export const createHubClient = ({ endpoint, token, userAgent, timeoutMs }: HubSettings): HubClient => {
  const headers = { 'user-agent': userAgent, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
  // Over another origin fetch itself leaves the token out, and follows at most 20 redirections.
  const ask = async (path: string, { id, nearest, signal }: HubRequest): Promise<Answer> => {
    const question: Question = { id, host: endpoint.host, page: at(endpoint, id).href, hasToken: token !== undefined, nearest };
    const url = at(endpoint, path);
    try {
      const answer = await fetch(url, { headers, signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) });
      const text = await readText(answer, url.host);
      if (answer.ok) return { text, place: url.href, next: nextPage(answer.headers.get('link'), endpoint) };
      throw toHubError({ status: answer.status, code: answer.headers.get('x-error-code') ?? '', message: (answer.headers.get('x-error-message') ?? messageOf(text)).slice(0, 300) }, question);
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof KaitoError ? error : toUnreachableError(error, question, timeoutMs);
    }
  };

  const readFiles = async ({ id, commit }: ModelInfo, request: HubRequest): Promise<RepositoryFile[]> => {
    const files: RepositoryFile[] = [];
    let path: string | undefined = `api/models/${id}/tree/${commit}?recursive=true`;
    for (let page = 0; path !== undefined; page += 1) {
      if (page === pageCountMax) throw new FailedError(`${id} has more files than can be read.`, { reason: 'TooManyFiles', fact: `After ${pageCountMax} pages there are still more.` });
      const answer: Answer = await ask(path, request);
      files.push(...parseTree(answer.text, answer.place));
      path = answer.next;
    }
    return files.filter(mayBeWeights);
  };

  const readConfig = async ({ id, commit }: ModelInfo, isMistralFormat: boolean, request: HubRequest): Promise<Config> => {
    for (const file of ['config.json', ...(isMistralFormat ? ['params.json'] : [])]) {
      try {
        const { text, place } = await ask(`${id}/resolve/${commit}/${file}`, request);
        return parseConfigFile(text, place);
      } catch (error) {
        if (!(error instanceof NotFoundError)) throw error;
      }
    }
    throw new FailedError(`${id} has no config.json, so nothing is known about how it is built.`, { reason: 'NoModelConfig', hints: [`Look at its files: ${at(endpoint, `${id}/tree/${commit}`).href}`] });
  };

  return {
    async readInfo(request) {
      const { text, place } = await ask(`api/models/${request.id}${request.revision === undefined ? '' : `/revision/${request.revision}`}`, request);
      return parseModelInfo(text, place);
    },
    async readFacts(info, request) {
      const files = await readFiles(info, request);
      // Without weights no configuration makes a model of it.
      const weights = chooseWeights(files);
      return { ...info, files, config: weights ? await readConfig(info, weights.isMistralFormat, request) : {} };
    },
  };
};

interface Answer {
  text: string;
  /** Where it came from, for sentences about what is wrong with it. */
  place: string;
  /** The path of the next page. */
  next: string | undefined;
}

/** Pages have up to 1000 files each. */
const pageCountMax = 20;

/** Far above any configuration or page of files. */
const answerBytesMax = 16 * 2 ** 20;

const at = (endpoint: URL, path: string): URL => new URL(`${endpoint.href.replace(/\/$/, '')}/${path}`);

/** `Link: <https://.../tree/...&cursor=...>; rel="next"`, followed on the same hub only: the token goes along. */
const nextPage = (link: string | null, endpoint: URL): string | undefined => {
  const target = /<([^>]+)>\s*;\s*rel="?next"?/.exec(link ?? '')?.[1];
  if (target === undefined || !URL.canParse(target, endpoint.href)) return undefined;
  const url = new URL(target, endpoint);
  const base = endpoint.pathname.replace(/\/$/, '');
  return url.origin === endpoint.origin && url.pathname.startsWith(`${base}/`) ? `${url.pathname.slice(base.length + 1)}${url.search}` : undefined;
};

const readText = async (answer: Response, host: string): Promise<string> => {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the rest.
    if (bytes > answerBytesMax) throw new FailedError(`${host} answered with more than ${answerBytesMax / 2 ** 20} MiB.`, { reason: 'MalformedHubAnswer' });
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
};

const messageOf = (text: string): string => /"error"\s*:\s*"([^"]*)"/.exec(text)?.[1] ?? '';
