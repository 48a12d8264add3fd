import type { ChatPiece } from './dialect.ts';
import { toStreamError } from './errors.ts';
import type { Usage } from './events.ts';
import { isRecord, parseJson } from './json.ts';

/**
 * What one event of the stream says. vLLM's last chunk may carry text and the finish reason together, its usage comes
 * alone with `choices: []`; the transformers server sends the usage with the finish reason. Throws when it is an error.
 */
export const parseChunk = (data: string): ChatPiece[] => {
  const chunk = parseJson(data);
  if (!isRecord(chunk) || (chunk.error !== undefined && chunk.error !== null)) throw toStreamError(data);

  const pieces: ChatPiece[] = [];
  const choice: unknown = Array.isArray(chunk.choices) ? chunk.choices[0] : undefined;
  if (isRecord(choice)) {
    if (isRecord(choice.delta)) {
      // `reasoning` since vLLM 0.11, `reasoning_content` before.
      const reasoning = choice.delta.reasoning ?? choice.delta.reasoning_content;
      if (typeof reasoning === 'string' && reasoning !== '') pieces.push({ type: 'reasoning', text: reasoning });
      const { content } = choice.delta;
      if (typeof content === 'string' && content !== '') pieces.push({ type: 'content', text: content });
    }
    if (typeof choice.finish_reason === 'string') pieces.push({ type: 'finish', reason: choice.finish_reason });
  }
  const usage = toUsage(chunk.usage);
  if (usage) pieces.push({ type: 'usage', usage });
  return pieces;
};

const toUsage = (value: unknown): Usage | undefined => {
  if (!isRecord(value)) return undefined;
  const { prompt_tokens: promptTokens, completion_tokens: completionTokens = 0 } = value;
  if (typeof promptTokens !== 'number' || typeof completionTokens !== 'number') return undefined;
  return { promptTokens, completionTokens, totalTokens: promptTokens + completionTokens };
};
