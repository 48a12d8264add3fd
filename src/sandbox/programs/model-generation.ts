import type { SandboxClock } from '../clock.ts';
import { toTokens } from './model-text.ts';

/** What of a request bounds and shapes its generation. */
export interface Sampling {
  maxTokens: number;
  /** Below it the end of the answer is passed over, and the answer starts again. */
  minTokens: number;
  ignoreEnd: boolean;
  stop: readonly string[];
}

export interface Generation {
  tokens: readonly string[];
  /** The end-of-sequence token counts as one, so this may be one more than there are tokens. */
  completionTokens: number;
  finishReason: 'stop' | 'length';
  /** The stop sequence that ended it. */
  stopReason: string | null;
}

/** The `stop` of a request: one text, or a list of them. */
export const toStop = (stop: unknown): string[] => {
  if (typeof stop === 'string') return [stop];
  return Array.isArray(stop) ? stop.filter((item) => typeof item === 'string') : [];
};

/** Forty tokens a second, in sandbox time: about what one GPU gives one reader. */
export const tokenMs = 25;

/** Cuts what the model would say to what was asked for. `keepStop` is the transformers way: the stop text stays in. */
export const toGeneration = (text: string, sampling: Sampling, options: { keepStop: boolean }): Generation => {
  const answer = toTokens(text);
  const tokens: string[] = [];
  let said = '';
  while (tokens.length < sampling.maxTokens) {
    const position = tokens.length % (answer.length + 1);
    const isEnd = position === answer.length;
    if (isEnd && !sampling.ignoreEnd && tokens.length >= sampling.minTokens) {
      return { tokens, completionTokens: tokens.length + 1, finishReason: 'stop', stopReason: null };
    }
    const token = isEnd ? ' ' : (answer[position] ?? '');
    tokens.push(token);
    said += token;
    const stop = sampling.stop.find((candidate) => candidate !== '' && said.includes(candidate));
    if (stop !== undefined) return { ...cutAt(tokens, said, stop, options), finishReason: 'stop', stopReason: stop };
  }
  return { tokens, completionTokens: tokens.length, finishReason: 'length', stopReason: null };
};

const cutAt = (
  tokens: readonly string[],
  said: string,
  stop: string,
  { keepStop }: { keepStop: boolean },
): Pick<Generation, 'tokens' | 'completionTokens'> => {
  const kept = said.slice(0, said.indexOf(stop) + (keepStop ? stop.length : 0));
  return { tokens: toTokens(kept), completionTokens: tokens.length };
};

/**
 * Calls back for each token in its time, and goes on when nobody reads any more: neither server stops when its client
 * goes away. Ends early only with the container.
 */
export const generate = async (
  { tokens }: Generation,
  options: { clock: SandboxClock; ended: AbortSignal; onToken: (token: string, isLast: boolean) => void },
): Promise<void> => {
  for (const [index, token] of tokens.entries()) {
    await options.clock.sleep(tokenMs, options.ended);
    options.onToken(token, index === tokens.length - 1);
  }
};
