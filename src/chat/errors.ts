import { AccessError, FailedError, KaitoError, NotFoundError, WorkloadError, type ErrorDetails } from '../domain/errors.ts';
import { sanitise } from '../terminal/sanitise.ts';
import { isRecord, parseJson } from './json.ts';

/** Words to branch on, in `reason`. */
export const reasons = {
  overloaded: 'Overloaded',
  contextFull: 'ContextFull',
  /** Before or in the middle of an answer: refused, reset, silent. */
  connectionLost: 'ConnectionLost',
  /** The stream ended in order, but the answer did not. */
  answerCut: 'AnswerCut',
  /** A server that was ready before, and was replaced since. */
  loading: 'Loading',
  /** On this request; in its log is why. */
  serverFailed: 'ServerFailed',
  /** The same in the middle of an answer. */
  answerFailed: 'AnswerFailed',
  /** No such path: an early image, or no KAITO server at all. */
  noSuchPath: 'NoSuchPath',
} as const;

/** Why a server failed is in its log. Which server that is only the connection knows; the commands come with the same error. */
export const pointToServer = (error: unknown, { hints = [] }: { hints?: readonly string[] }): unknown => {
  if (error instanceof KaitoError && (error.reason === reasons.serverFailed || error.reason === reasons.answerFailed)) error.addHints(hints);
  return error;
};

/** An answer that came with a failure status. `body` is whatever text came with it. */
export const toAnswerError = (status: number, body: string): KaitoError => {
  const said = describeBody(body);
  const fact = `HTTP ${status}${said === '' ? ' with no explanation' : `: ${said}`}`;
  const rule = rules.find(({ when }) => when(status, said));
  if (rule) return rule.toError(said, { fact });
  return new FailedError('The model server refused the request.', { reason: 'Refused', fact });
};

/** A failure told inside a stream that began well, possibly as JSON that does not parse. */
export const toStreamError = (data: string): KaitoError => {
  const raw = /^\{\s*"error":\s*"?(?<text>[\s\S]*?)"?\s*\}?$/.exec(data)?.groups?.text;
  const fact = parseJson(data) === undefined ? sanitise(raw ?? data) : describeBody(data);
  return new WorkloadError('The model server failed in the middle of the answer.', { reason: reasons.answerFailed, fact });
};

export const connectionLost = (cause: unknown, hasBegun: boolean): KaitoError =>
  new FailedError(hasBegun ? 'The connection was lost in the middle of the answer.' : 'The model server could not be reached.', {
    reason: reasons.connectionLost,
    fact: describeCause(cause),
    cause,
  });

export const answerCut = (): KaitoError =>
  new FailedError('The answer was cut off.', { reason: reasons.answerCut, fact: 'the stream ended without a finish reason, as when the server is stopped or runs out of memory' });

/** The reason of a fetch failure is at the bottom: `fetch failed` explains nothing, `ECONNREFUSED` does. */
export const describeCause = (error: unknown): string => {
  let deepest: unknown = error;
  for (let depth = 0; depth < 8 && deepest instanceof Error; depth += 1) {
    const inner: unknown = deepest instanceof AggregateError ? deepest.errors[0] : deepest.cause;
    if (inner === undefined) break;
    deepest = inner;
  }
  return deepest instanceof Error ? deepest.message : String(deepest);
};

/** `error` as object or text, `detail` as text or list, plain text, or nothing: each of them is sent by some server. */
export const describeBody = (body: string): string => {
  const parsed = parseJson(body);
  const said = isRecord(parsed) ? describeRecord(parsed) : undefined;
  // vLLM's schema errors go on with the paths of its source files.
  return sanitise((said ?? body).split('\n\n  File ')[0] ?? '').trim();
};

const describeRecord = ({ error, detail, message }: Record<string, unknown>): string | undefined => {
  if (typeof error === 'string') return error;
  if (isRecord(error) && typeof error.message === 'string') return error.message;
  if (typeof detail === 'string') return detail;
  if (Array.isArray(detail)) return detail.map(describeDetail).join('; ');
  return typeof message === 'string' ? message : undefined;
};

/** One problem as FastAPI reports it. */
const describeDetail = (detail: unknown): string => {
  if (!isRecord(detail) || typeof detail.msg !== 'string') return JSON.stringify(detail);
  return Array.isArray(detail.loc) ? `${detail.loc.join('.')}: ${detail.msg}` : detail.msg;
};

/** Undefined when the text is about something else. Of vLLM, https://github.com/vllm-project/vllm/blob/v0.25.1/vllm/renderers/params.py */
export const parseContextLengthTokens = (text: string | undefined): number | undefined => {
  const found = /maximum context length is (\d+) tokens/.exec(text ?? '') ?? /max_model_len=(?:max_total_tokens=)?(\d+)/.exec(text ?? '');
  return found ? Number(found[1]) : undefined;
};

interface Rule {
  when: (status: number, said: string) => boolean;
  toError: (said: string, details: ErrorDetails) => KaitoError;
}

/** Looked through in order; grows with experience. */
const rules: Rule[] = [
  {
    when: (status, said) => status === 400 && /maximum context length is/.test(said),
    toError: (said, details) =>
      new FailedError(`The conversation is longer than the model's context of ${parseContextLengthTokens(said)} tokens.`, { ...details, reason: reasons.contextFull }),
  },
  {
    when: (status, said) => status === 400 && said.startsWith('max_tokens='),
    toError: (said, details) =>
      new FailedError(`max_tokens is more than the model's context of ${parseContextLengthTokens(said)} tokens.`, { ...details, reason: 'MaxTokensTooLarge', hints: ['Set a smaller max_tokens.'] }),
  },
  {
    when: (status, said) => status === 400 && /chat template/.test(said),
    toError: (_said, details) =>
      new FailedError('This model has no chat template, so it cannot chat.', { ...details, reason: 'NoChatTemplate', hints: ['Serve an instruct version of the model.'] }),
  },
  {
    when: (status, said) => status === 400 && said.startsWith('Server is pinned to'),
    toError: (_said, details) => new NotFoundError('The server serves one model under one name, and not that one.', details),
  },
  {
    when: (status) => status === 401 || status === 403,
    toError: (_said, details) => new AccessError('The model server wants an API key.', { ...details, reason: 'ApiKeyRequired' }),
  },
  {
    when: (status, said) => status === 404 && /does not exist/.test(said),
    toError: (said, details) => new NotFoundError(said, details),
  },
  {
    // As long as vLLM loads its weights, everything is answered so: https://github.com/kaito-project/kaito/blob/056b8280/presets/workspace/inference/vllm/inference_api.py#L368
    when: (status, said) => status === 404 && said === '',
    toError: (_said, details) => new FailedError('The model server is loading its weights.', { ...details, reason: reasons.loading, hints: ['Try again later.'] }),
  },
  {
    when: (status) => status === 404 || status === 405,
    toError: (_said, details) => new FailedError('This server has no chat API.', { ...details, reason: reasons.noSuchPath }),
  },
  {
    when: (status) => status === 429,
    toError: (_said, details) => new FailedError('The model server has too many requests waiting.', { ...details, reason: reasons.overloaded, hints: ['Try again later, or serve with more GPUs.'] }),
  },
  {
    when: (status) => status >= 500,
    toError: (_said, details) => new WorkloadError('The model server failed on this request.', { ...details, reason: reasons.serverFailed }),
  },
];
