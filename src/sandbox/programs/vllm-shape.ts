import { randomBytes } from 'node:crypto';

/** How a stream's choice ends; undefined while it goes on. */
export interface Ending {
  finish_reason: 'stop' | 'length';
  stop_reason: string | null;
}

/** What differs between the two completion endpoints: their names, and where the text stands. Key order is vLLM's. */
export interface Shape {
  idPrefix: string;
  object: string;
  chunkObject: string;
  /** A chat's stream opens with a chunk that only names the role. */
  opening: { choice: object; extras: object } | undefined;
  choice(this: void, index: number, text: string, ending: Ending): object;
  chunkChoice(this: void, text: string, ending: Ending | undefined): object;
  /** What follows the usage in a whole answer. */
  extras: object;
}

export const chatShape: Shape = {
  idPrefix: 'chatcmpl',
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  opening: {
    choice: { index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null },
    extras: { prompt_token_ids: null, prompt_text: null },
  },
  choice: (index, content, ending) => ({
    index,
    message: { role: 'assistant', content, refusal: null, annotations: null, audio: null, function_call: null, reasoning: null },
    logprobs: null,
    ...ending,
    token_ids: null,
    routed_experts: null,
  }),
  chunkChoice: (content, ending) => ({ index: 0, delta: { content }, logprobs: null, ...(ending ?? { finish_reason: null }), token_ids: null }),
  extras: { prompt_logprobs: null, prompt_token_ids: null, prompt_text: null, kv_transfer_params: null, metrics: null },
};

export const completionShape: Shape = {
  idPrefix: 'cmpl',
  object: 'text_completion',
  chunkObject: 'text_completion',
  opening: undefined,
  choice: (index, text, ending) => ({
    index,
    text,
    logprobs: null,
    ...ending,
    token_ids: null,
    prompt_logprobs: null,
    prompt_token_ids: null,
    routed_experts: null,
  }),
  chunkChoice: (text, ending) => ({
    index: 0,
    text,
    logprobs: null,
    ...(ending ?? { finish_reason: null, stop_reason: null }),
    prompt_token_ids: null,
    token_ids: null,
  }),
  extras: { kv_transfer_params: null, metrics: null },
};

export const randomId = (): string => randomBytes(8).toString('hex');
