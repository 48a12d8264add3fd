import { KaitoError } from '../domain/errors.ts';
import type { ChatPiece, ChatRequest, Message } from './dialect.ts';
import { connectionLost, toAnswerError } from './errors.ts';
import { isRecord, parseJson } from './json.ts';

/**
 * `POST /chat {"prompt"}` of KAITO's early images: one JSON answer, `{"Result": "text"}`, with neither streaming, roles
 * nor a finish reason. They return the prompt with the answer unless told otherwise.
 */
export async function* streamLegacyChat({ baseUrl, messages, parameters, maxTokens, signal }: ChatRequest): AsyncGenerator<ChatPiece> {
  const { temperature, top_p: topP, top_k: topK, repetition_penalty: repetitionPenalty } = parameters;
  const body = {
    prompt: toPrompt(messages),
    return_full_text: false,
    generate_kwargs: {
      // It goes before max_length, the image's own limit of 200 tokens for prompt and answer together.
      max_new_tokens: maxTokens,
      ...(temperature === 0 ? { do_sample: false } : temperature === undefined ? {} : { temperature }),
      ...(topP === undefined ? {} : { top_p: topP }),
      ...(topK === undefined ? {} : { top_k: topK }),
      ...(repetitionPenalty === undefined ? {} : { repetition_penalty: repetitionPenalty }),
    },
  };
  const text = await post(`${baseUrl}/chat`, body, signal);
  const answer = parseJson(text);
  yield { type: 'content', text: isRecord(answer) && typeof answer.Result === 'string' ? answer.Result.trimStart() : text };
  yield { type: 'finish', reason: 'stop' };
}

const post = async (url: string, body: unknown, signal: AbortSignal): Promise<string> => {
  try {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal });
    const text = await response.text();
    if (!response.ok) throw toAnswerError(response.status, text);
    return text;
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof KaitoError ? error : connectionLost(error, false);
  }
};

/** A single question goes as it is, since these are often base models; a conversation as a transcript to be continued. */
const toPrompt = (messages: readonly Message[]): string => {
  const [only, ...others] = messages;
  if (only && others.length === 0) return only.content;
  const lines = messages.map(({ role, content }) => (role === 'system' ? `${content}\n` : `${role === 'user' ? 'User' : 'Assistant'}: ${content}`));
  return `${lines.join('\n')}\nAssistant:`;
};
