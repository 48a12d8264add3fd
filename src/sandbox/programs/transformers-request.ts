import { toStop, type Sampling } from './model-generation.ts';
import type { ModelRequest } from './model-http.ts';
import { countPromptTokens, type ChatMessage } from './model-text.ts';

export interface TransformersRequest {
  messages: readonly ChatMessage[];
  promptTokens: number;
  sampling: Sampling;
  stream: boolean;
}

/** Why a request is not answered: FastAPI's `detail` with its status, or an exception that only the log tells. */
export type ReadRequest =
  | { kind: 'request'; request: TransformersRequest }
  | { kind: 'detail'; status: 400 | 422; detail: unknown }
  | { kind: 'exception'; error: string };

/** What transformers 5's server knows, whether it heeds it or not; anything else is 422. */
const knownFields = new Set(
  `audio chat_template_kwargs frequency_penalty function_call functions generation_config logit_bias logprobs
  max_completion_tokens max_tokens messages metadata modalities model n parallel_tool_calls prediction presence_penalty
  prompt_cache_key reasoning_effort response_format safety_identifier seed service_tier stop store stream stream_options
  temperature tool_choice tools top_logprobs top_p user verbosity web_search_options`.split(/\s+/),
);

const roles = new Set(['system', 'user', 'assistant', 'tool']);

const defaultMaxTokens = 1024;

/** `pinned` is `<path>@<revision>`, the only model there is; requests may name it so, or by its served name. */
export const readRequest = ({ body, headers }: ModelRequest, names: { pinned: string; served: string }): ReadRequest => {
  const parsed = parseBody(body, headers['content-type']);
  if (parsed === undefined) {
    const detail = [{ type: 'json_invalid', loc: ['body', 0], msg: 'JSON decode error', input: {}, ctx: { error: 'Expecting value' } }];
    return { kind: 'detail', status: 422, detail };
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    const detail = [{ type: 'dict_type', loc: ['body'], msg: 'Input should be a valid dictionary', input: parsed }];
    return { kind: 'detail', status: 422, detail };
  }
  const fields: Readonly<Record<string, unknown>> = { ...parsed };
  const unexpected = Object.keys(fields).filter((key) => !knownFields.has(key));
  if (unexpected.length > 0) {
    const set = unexpected.map((key) => `'${key}'`).join(', ');
    return { kind: 'detail', status: 422, detail: `Unexpected fields in the request: {${set}}` };
  }
  const model = fields['model'];
  if (typeof model === 'string' && model !== names.served && model !== names.pinned) {
    return { kind: 'detail', status: 400, detail: `Server is pinned to '${names.pinned}'; requested '${model}'.` };
  }
  const error = findException(fields, body);
  if (error !== undefined) return { kind: 'exception', error };
  const messages = toMessages(fields['messages']);
  return {
    kind: 'request',
    request: {
      messages,
      promptTokens: countPromptTokens(messages),
      sampling: { maxTokens: Number(fields['max_tokens'] ?? defaultMaxTokens), minTokens: 0, ignoreEnd: false, stop: toStop(fields['stop']) },
      stream: fields['stream'] === true,
    },
  };
};

/** Without a JSON content type FastAPI hands the body on as text, which then is no dictionary. */
const parseBody = (body: string, contentType: string | undefined): unknown => {
  if (!/^application\/(?:[\w.-]+\+)?json\b/.test(contentType ?? '')) return body;
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

/** What the server does not check before it uses it: each is a 500 without a word for the client. */
const findException = (fields: Readonly<Record<string, unknown>>, body: string): string | undefined => {
  const { messages, max_tokens: maxTokens } = fields;
  if (messages === undefined) return "KeyError: 'messages'";
  if (!Array.isArray(messages)) return "TypeError: string indices must be integers, not 'str'";
  if (messages.length === 0) return 'ValueError: Cannot apply chat template to an empty conversation. Provide at least one message.';
  const unknown = messages.map(roleOf).find((role) => !roles.has(role));
  if (unknown !== undefined) return `jinja2.exceptions.TemplateError: Unknown role: ${unknown}`;
  if (typeof maxTokens === 'string') return "TypeError: '>=' not supported between instances of 'str' and 'int'";
  if (typeof maxTokens === 'number' && maxTokens < 1) return `ValueError: \`max_new_tokens\` must be greater than 0, but is ${maxTokens}.`;
  // Read from the text: as JavaScript numbers, 1 and 1.0 are the same, and only the float is good enough for torch.
  const bias = /"logit_bias"\s*:\s*\{(?<entries>[^}]*)\}/.exec(body)?.groups?.['entries'] ?? '';
  if (/:\s*-?\d+\s*(?:,|$)/.test(bias)) return 'ValueError: sequence_bias has to be a dict with floats as values';
  return undefined;
};

const roleOf = (message: unknown): string =>
  typeof message === 'object' && message !== null && 'role' in message ? String(message.role) : 'None';

const toMessages = (messages: unknown): ChatMessage[] =>
  Array.isArray(messages)
    ? messages.map((message: unknown) => ({ role: roleOf(message), content: textOf(message) }))
    : [];

const textOf = (message: unknown): string => {
  const content: unknown = typeof message === 'object' && message !== null && 'content' in message ? message.content : '';
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part: unknown) => (typeof part === 'object' && part !== null && 'text' in part && typeof part.text === 'string' ? part.text : ''))
    .join('');
};
