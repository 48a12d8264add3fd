import type { Usage } from './events.ts';
import type { Parameters } from './parameters.ts';

/**
 * How the three servers of KAITO's images differ, as records. `vllm` and `transformers` speak the OpenAI API, `legacy` is
 * what images before 0.2.0 of the common base answered.
 */
export type DialectName = 'vllm' | 'transformers' | 'legacy';

export interface Dialect {
  name: DialectName;
  /** Keys of the request that this server needs beside the common ones. */
  extraBody: Readonly<Record<string, unknown>>;
  /** What stopping an answer here leaves behind there: both servers generate to the end, because uvicorn 0.29 does not tell them that the client left. */
  afterStop: string;
}

export const dialects: Record<DialectName, Dialect> = {
  vllm: {
    name: 'vllm',
    // Without it vLLM counts no tokens.
    extraBody: { stream_options: { include_usage: true } },
    afterStop: 'the server goes on generating it in the background',
  },
  transformers: {
    name: 'transformers',
    extraBody: {},
    afterStop: 'the server goes on generating it, one request at a time, so the next answer may have to wait',
  },
  legacy: { name: 'legacy', extraBody: {}, afterStop: 'the server goes on generating it, so the next answer may have to wait' },
};

/** `/v1/models` says who serves. An unknown server gets the keys that every server takes. */
export const toDialectName = (ownedBy: string): DialectName => (ownedBy === 'vllm' ? 'vllm' : 'transformers');

export interface Message {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface ChatRequest {
  /** The server's root, without `/v1`. */
  baseUrl: string;
  model: string;
  messages: readonly Message[];
  parameters: Parameters;
  /** Always sent: the transformers server would stop at 1024, and vLLM only where the context ends. */
  maxTokens: number;
  dialect: Dialect;
  signal: AbortSignal;
  /** Longest silence of the server; fetch itself gives up after 300 seconds. */
  idleTimeoutMs?: number;
  /** For a server started with `--api-key`. */
  apiKey?: string;
}

/** What streams in, in the order of arrival. */
export type ChatPiece =
  | { type: 'content'; text: string }
  | { type: 'reasoning'; text: string }
  | { type: 'finish'; reason: string }
  | { type: 'usage'; usage: Usage };
