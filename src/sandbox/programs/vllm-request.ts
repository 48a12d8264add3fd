import { fromJson, reprOf } from './model-python.ts';
import { toStop, type Sampling } from './model-generation.ts';
import { countPromptTokens, toTokens, type ChatMessage } from './model-text.ts';
import type { ModelRequest } from './model-http.ts';
import { badParameter, badRequest, overlongPrompt, schemaRefusal, unknownModel, VllmRefusal } from './vllm-refusal.ts';

/** A request after every check, ready to be answered. */
export interface VllmRequest {
  /** The name the client used, or the base model's. */
  model: string;
  messages: readonly ChatMessage[];
  promptTokens: number;
  sampling: Sampling;
  choices: number;
  stream: boolean;
  includeUsage: boolean;
  /** Usage in every chunk. */
  continuousUsage: boolean;
}

interface Limits {
  models: readonly string[];
  maxModelLengthTokens: number;
}

type Fields = Readonly<Record<string, unknown>>;

const chat = { path: '/v1/chat/completions', handler: 'create_chat_completion' };
const completion = { path: '/v1/completions', handler: 'create_completion' };

/** Checks in vLLM's order: the body's form, the schema, the model, the conversation, the numbers, the length. */
export const readChatRequest = (request: ModelRequest, limits: Limits): VllmRequest => {
  const fields = readFields(request, chat);
  checkOptions(fields, chat);
  if (fields['messages'] === undefined) {
    throw schemaRefusal(chat, { type: 'missing', location: ['body', 'messages'], message: 'Field required', input: fromJson(fields) });
  }
  if (!Array.isArray(fields['messages'])) {
    throw schemaRefusal(chat, { type: 'list_type', location: ['body', 'messages'], message: 'Input should be a valid list', input: fromJson(fields['messages']) });
  }
  const asked = integerField(fields, 'max_completion_tokens', chat) ?? integerField(fields, 'max_tokens', chat);
  const model = modelOf(fields, limits);
  const messages = readMessages(fields['messages'], model);
  const parameter = fields['max_completion_tokens'] === undefined ? 'max_tokens' : 'max_completion_tokens';
  return finishRequest(fields, { model, messages, promptTokens: countPromptTokens(messages), asked, parameter, limits, endpoint: chat });
};

export const readCompletionRequest = (request: ModelRequest, limits: Limits): VllmRequest => {
  const fields = readFields(request, completion);
  checkOptions(fields, completion);
  const prompt = Array.isArray(fields['prompt']) ? fields['prompt'].join('') : fields['prompt'];
  if (typeof prompt !== 'string') throw badRequest('Either prompt or prompt_embeds must be provided and non-empty.');
  // Sixteen tokens is this endpoint's own default, as it was OpenAI's.
  const asked = integerField(fields, 'max_tokens', completion) ?? 16;
  const model = modelOf(fields, limits);
  const messages = [{ role: 'user', content: prompt }];
  return finishRequest(fields, { model, messages, promptTokens: Math.max(1, toTokens(prompt).length), asked, parameter: 'max_tokens', limits, endpoint: completion });
};

const readFields = (request: ModelRequest, endpoint: typeof chat): Fields => {
  if (!/^application\/(?:[\w.-]+\+)?json\b/.test(request.headers['content-type'] ?? '')) {
    const reason = "Unsupported Media Type: Only 'application/json' is allowed";
    throw new VllmRefusal(400, 'Bad Request', `1 validation error:\n  ${reason} ["${reason}"]`);
  }
  const body = parseBody(request.body, endpoint);
  if (Array.isArray(body)) throw new VllmRefusal(500, 'InternalServerError', "'list' object has no attribute 'get'");
  if (!isFields(body)) {
    throw schemaRefusal(endpoint, { type: 'model_attributes_type', location: ['body'], message: 'Input should be a valid dictionary or object to extract fields from', input: fromJson(body) });
  }
  return body;
};

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

const parseBody = (text: string, endpoint: typeof chat): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw schemaRefusal(endpoint, { type: 'json_invalid', location: ['body', 0], message: 'JSON decode error', input: new Map(), context: "'Expecting value'" });
  }
};

/** Options that only make sense together with another. */
const checkOptions = (fields: Fields, endpoint: typeof chat): void => {
  const refuse = (reason: string, param: string) =>
    schemaRefusal(endpoint, {
      type: 'value_error',
      location: ['body'],
      message: `Value error, ${reason} (parameter=${param})`,
      input: fromJson(fields),
      context: `VLLMValidationError('${reason}')`,
      param,
    });
  if (isFields(fields['stream_options']) && fields['stream'] !== true) {
    throw refuse('Stream options can only be defined when `stream=True`.', 'stream_options');
  }
  const choice = fields['tool_choice'];
  if (choice !== undefined && choice !== null && choice !== 'none' && !Array.isArray(fields['tools'])) {
    throw refuse('When using `tool_choice`, `tools` must be set.', 'tool_choice');
  }
};

const integerField = (fields: Fields, name: string, endpoint: typeof chat): number | undefined => {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  const number = typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number)) return number;
  const [type, message] =
    typeof value === 'string'
      ? ['int_parsing', 'Input should be a valid integer, unable to parse string as an integer']
      : ['int_type', 'Input should be a valid integer'];
  throw schemaRefusal(endpoint, { type, location: ['body', name], message, input: fromJson(value) });
};

const numberField = (fields: Fields, name: string): number | undefined => {
  const value = fields[name];
  return typeof value === 'number' ? value : undefined;
};

const modelOf = (fields: Fields, { models }: Limits): string => {
  const asked = typeof fields['model'] === 'string' && fields['model'] !== '' ? fields['model'] : (models[0] ?? '');
  if (!models.includes(asked)) throw unknownModel(asked);
  return asked;
};

const roles = new Set(['system', 'developer', 'user', 'assistant', 'tool']);

const readMessages = (messages: readonly unknown[], model: string): ChatMessage[] => {
  if (messages.length === 0) throw badRequest('Cannot apply chat template to an empty conversation. Provide at least one message.');
  return messages.map((message) => {
    const fields = isFields(message) ? message : {};
    const role = String(fields['role']);
    if (!roles.has(role)) throw badRequest(`Unknown role: ${role}`);
    return { role, content: contentText(fields['content'], model) };
  });
};

const contentText = (content: unknown, model: string): string => {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part: unknown) => {
      const fields = isFields(part) ? part : {};
      if (fields['type'] !== 'text') throw badRequest(`${model} is not a multimodal model`);
      return typeof fields['text'] === 'string' ? fields['text'] : '';
    })
    .join('\n');
};

const finishRequest = (
  fields: Fields,
  parts: {
    model: string;
    messages: readonly ChatMessage[];
    promptTokens: number;
    asked: number | undefined;
    parameter: string;
    limits: Limits;
    endpoint: typeof chat;
  },
): VllmRequest => {
  const { asked, parameter, promptTokens, endpoint } = parts;
  const lengthTokens = parts.limits.maxModelLengthTokens;
  if (asked !== undefined && asked > lengthTokens) {
    throw badParameter(
      `${parameter}=${asked} cannot be greater than max_model_len=max_total_tokens=${lengthTokens}. Please request fewer output tokens.`,
      parameter,
      BigInt(asked),
    );
  }
  if (promptTokens + (asked ?? 1) > lengthTokens) throw overlongPrompt(lengthTokens, asked ?? 0);
  checkNumbers(fields, asked, parameter);
  const streamOptions = isFields(fields['stream_options']) ? fields['stream_options'] : {};
  return {
    model: parts.model,
    messages: parts.messages,
    promptTokens,
    sampling: {
      maxTokens: asked ?? lengthTokens - promptTokens,
      minTokens: integerField(fields, 'min_tokens', endpoint) ?? 0,
      ignoreEnd: fields['ignore_eos'] === true,
      stop: toStop(fields['stop']),
    },
    choices: integerField(fields, 'n', endpoint) ?? 1,
    stream: fields['stream'] === true,
    includeUsage: streamOptions['include_usage'] === true,
    continuousUsage: streamOptions['continuous_usage_stats'] === true,
  };
};

const checkNumbers = (fields: Fields, maxTokens: number | undefined, parameter: string): void => {
  const temperature = numberField(fields, 'temperature') ?? 1;
  const topP = numberField(fields, 'top_p') ?? 1;
  const choices = numberField(fields, 'n') ?? 1;
  if (choices < 1) throw badParameter(`n must be at least 1, got ${choices}.`, 'n', BigInt(Math.trunc(choices)));
  if (temperature < 0) throw badParameter(`temperature must be non-negative, got ${reprOf(temperature)}.`, 'temperature', temperature);
  if (topP <= 0 || topP > 1) throw badParameter(`top_p must be in (0, 1], got ${reprOf(topP)}.`, 'top_p', topP);
  if (maxTokens !== undefined && maxTokens < 1) {
    throw badParameter(`${parameter} must be at least 1, got ${maxTokens}.`, parameter, BigInt(maxTokens));
  }
  if (choices > 1 && temperature === 0) throw badRequest(`n must be 1 when using greedy sampling, got ${choices}.`);
};
