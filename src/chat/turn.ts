import type { Clock } from '../domain/clock.ts';
import { FailedError, KaitoError } from '../domain/errors.ts';
import { createSanitiser } from '../terminal/sanitise.ts';
import { streamChat } from './client.ts';
import { addTurn, forgetOldest, toMessages, type Conversation } from './conversation.ts';
import { dialects, type ChatRequest } from './dialect.ts';
import { parseContextLengthTokens, pointToServer, reasons } from './errors.ts';
import type { Answer, ChatEvent, Speaker, Usage } from './events.ts';
import { waitUntilReady, type Connection } from './health.ts';
import type { ServedModel } from './models.ts';
import { toTimings } from './stats.ts';

/** Who is asked, and through what. */
export interface Respondent {
  connection: Connection;
  clock: Clock;
  model: ServedModel;
  speaker: Speaker;
  readyTimeoutMs: number;
  apiKey?: string;
}

export interface TurnOptions {
  conversation: Conversation;
  prompt: string;
  /** Ends the whole program: the turn rejects with its reason. */
  signal: AbortSignal;
  /** Ends this answer alone: what has come so far is the answer. */
  stop: AbortSignal;
}

/** The conversation after the turn; as before it when nothing was answered. */
export interface TurnResult {
  conversation: Conversation;
  answer: Answer;
}

const attemptCount = 5;
const firstDelayMs = 2000;

/**
 * Asks once and gives the answer as it comes. Sends again, and says so, while nothing of the answer was seen: when the
 * server is overloaded, when it could not be reached or is loading (a replaced pod), and with fewer old turns when its context is full.
 */
export async function* takeTurn(respondent: Respondent, { conversation: before, prompt, signal, stop }: TurnOptions): AsyncGenerator<ChatEvent, TurnResult> {
  const { connection, clock, model, speaker } = respondent;
  const answering = startAnswer();
  const either = AbortSignal.any([signal, stop]);
  let conversation = before;
  yield { type: 'asked', speaker, prompt };

  for (let attempt = 1, delayMs = firstDelayMs; ; ) {
    answering.startedAtMs = clock.now();
    try {
      yield* streamAnswer(respondent, toRequest(respondent, conversation, prompt, await connection.baseUrl(), either), answering);
      break;
    } catch (error) {
      signal.throwIfAborted();
      if (stop.aborted) {
        answering.finishReason = 'interrupted';
        break;
      }
      if (!(error instanceof KaitoError) || answering.hasBegun) throw pointToServer(error, connection);
      if (error.reason === reasons.contextFull) {
        conversation = forgetOrThrow(conversation, error);
        yield {
          type: 'forgot',
          speaker,
          turnCount: conversation.forgottenTurnCount - before.forgottenTurnCount,
          contextLengthTokens: parseContextLengthTokens(error.fact) ?? model.contextLengthTokens ?? 0,
        };
        continue;
      }
      const { reason } = error;
      if ((reason !== reasons.overloaded && reason !== reasons.connectionLost && reason !== reasons.loading) || attempt === attemptCount) throw pointToServer(error, connection);
      if (reason !== reasons.loading) yield { type: 'retrying', reason, fact: error.fact ?? error.message, attempt, attemptCount, delayMs };
      attempt += 1;
      const isInTime = yield* waitBetweenAttempts(respondent, reason, reason === reasons.loading ? 0 : delayMs, { signal, stop });
      if (!isInTime) {
        answering.finishReason = 'interrupted';
        break;
      }
      delayMs *= 2;
    }
  }

  const { text, reasoning, finishReason, usage } = answering;
  const answer: Answer = {
    model: speaker.model,
    adapter: speaker.adapter,
    prompt,
    answer: text,
    ...(reasoning === '' ? {} : { reasoning }),
    finishReason,
    usage,
    timings: toTimings(answering, clock.now(), usage),
  };
  yield { type: 'answered', speaker, answer };
  return { conversation: text === '' ? conversation : addTurn(conversation, { prompt, answer: text, finishReason }), answer };
}

interface Answering {
  text: string;
  reasoning: string;
  finishReason: string;
  usage: Usage | null;
  hasBegun: boolean;
  startedAtMs: number;
  firstTokenAtMs: number | null;
}

const startAnswer = (): Answering => ({ text: '', reasoning: '', finishReason: 'stop', usage: null, hasBegun: false, startedAtMs: 0, firstTokenAtMs: null });

/** Fills `answering`, so that what has come is there when the stream breaks or is stopped. */
async function* streamAnswer({ clock, speaker }: Respondent, request: ChatRequest, answering: Answering): AsyncGenerator<ChatEvent> {
  // Here, where text from outside enters: everything after it may print, save and send what it gets.
  const sanitisers = { content: createSanitiser(), reasoning: createSanitiser() };
  for await (const piece of streamChat(request)) {
    if (piece.type === 'finish') answering.finishReason = piece.reason;
    else if (piece.type === 'usage') answering.usage = piece.usage;
    else {
      answering.hasBegun = true;
      answering.firstTokenAtMs ??= clock.now();
      yield* say(piece.type, sanitisers[piece.type].push(piece.text));
    }
  }
  yield* say('reasoning', sanitisers.reasoning.end());
  yield* say('content', sanitisers.content.end());

  function* say(type: 'content' | 'reasoning', text: string): Generator<ChatEvent> {
    if (text === '') return;
    if (type === 'content') answering.text += text;
    else answering.reasoning += text;
    yield { type, speaker, text };
  }
}

const toRequest = ({ model, apiKey }: Respondent, conversation: Conversation, prompt: string, baseUrl: string, signal: AbortSignal): ChatRequest => ({
  baseUrl,
  model: model.id,
  messages: toMessages(conversation, prompt),
  parameters: conversation.parameters,
  maxTokens: toMaxTokens(model, conversation),
  dialect: dialects[model.dialect],
  signal,
  ...(apiKey === undefined ? {} : { apiKey }),
});

/** Bounded, because a server goes on generating after the client left; and no more than half the context, to leave room for the question. */
export const toMaxTokens = ({ contextLengthTokens }: ServedModel, { parameters }: Conversation): number =>
  typeof parameters.max_tokens === 'number' ? parameters.max_tokens : Math.min(1024, Math.floor((contextLengthTokens ?? Infinity) / 2));

const forgetOrThrow = (conversation: Conversation, error: KaitoError): Conversation => {
  const shorter = forgetOldest(conversation);
  if (shorter) return shorter;
  throw new FailedError('The question alone is longer than the model can read.', {
    reason: error.reason,
    ...(error.fact === undefined ? {} : { fact: error.fact }),
    hints: ['Ask with less text, or set a smaller max_tokens.'],
    cause: error,
  });
};

/** False when the person stopped waiting. */
async function* waitBetweenAttempts(respondent: Respondent, reason: string, delayMs: number, { signal, stop }: Pick<TurnOptions, 'signal' | 'stop'>): AsyncGenerator<ChatEvent, boolean> {
  const { connection, clock, readyTimeoutMs } = respondent;
  const either = AbortSignal.any([signal, stop]);
  try {
    await clock.sleep(delayMs, either);
    // A server that went away comes back loading: its health says when it can be asked again.
    if (reason !== reasons.overloaded) yield* waitUntilReady({ connection, clock, signal: either, timeoutMs: readyTimeoutMs });
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (stop.aborted) return false;
    throw error;
  }
}
