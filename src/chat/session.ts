import type { Clock } from '../domain/clock.ts';
import { KaitoError, UsageError } from '../domain/errors.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { Conversation } from './conversation.ts';
import { pointToServer, reasons } from './errors.ts';
import type { ChatEvent } from './events.ts';
import { waitUntilReady, type Connection } from './health.ts';
import { baseOf, legacyModel, listModels, pickModel, type ServedModel } from './models.ts';
import { unsupportedParameters } from './parameters.ts';
import type { Respondent } from './turn.ts';

/** What `runOnce` and `runRepl` are given. */
export interface ChatOptions {
  terminal: Terminal;
  connection: Connection;
  clock: Clock;
  /** Aborts with the error that the program ends with. */
  signal: AbortSignal;
  /** The system prompt and the parameters, and what was said before when it was saved. */
  conversation: Conversation;
  /** Undefined takes the base model. */
  model?: string;
  adapter?: string;
  /** Asks the base model and the adapter, one after the other. */
  isComparing?: boolean;
  /** How long to wait for a server that is loading. */
  readyTimeoutMs: number;
  isStatsShown?: boolean;
  /** Whether a terminal is shown what a reasoning model thinks; never part of stdout. */
  isReasoningShown?: boolean;
  /** Applies to a terminal only. */
  isMarkdownRendered?: boolean;
  /** For a server started with `--api-key`. */
  apiKey?: string;
}

/** One that answers, and what it has been told: compared models each remember their own answers. */
export interface Seat {
  respondent: Respondent;
  conversation: Conversation;
}

export interface Session {
  models: readonly ServedModel[];
  /** One, or two when comparing. */
  seats: readonly Seat[];
}

/** Waits for the server, learns what it serves, and chooses who answers. */
export async function* openSession(options: ChatOptions): AsyncGenerator<ChatEvent, Session> {
  const { connection, clock, signal, readyTimeoutMs, conversation, apiKey } = options;
  yield* waitUntilReady({ connection, clock, signal, timeoutMs: readyTimeoutMs });
  const models = await listModelsOrLegacy(connection, { signal, ...(apiKey === undefined ? {} : { apiKey }) });
  const chosen = options.isComparing ? pickPair(models, options) : [pickModel(models, options)];
  for (const model of chosen) refuseUnsupported(conversation, model);
  return { models, seats: chosen.map((model) => ({ conversation, respondent: toRespondent(options, models, model, chosen.length > 1) })) };
}

export const toRespondent = (options: ChatOptions, models: readonly ServedModel[], model: ServedModel, isLabelled: boolean): Respondent => {
  const { connection, clock, readyTimeoutMs, apiKey } = options;
  const isAdapter = model.parent !== null;
  return {
    connection,
    clock,
    readyTimeoutMs,
    model,
    speaker: {
      model: baseOf(models, model).id,
      adapter: isAdapter ? model.id : null,
      ...(isLabelled ? { label: isAdapter ? `adapter ${model.id}` : `base ${model.id}` } : {}),
    },
    ...(apiKey === undefined ? {} : { apiKey }),
  };
};

/** A parameter that the server would ignore or refuse is said before anything is asked. */
export const refuseUnsupported = ({ parameters }: Conversation, { dialect }: ServedModel): void => {
  const names = unsupportedParameters(parameters, dialect);
  if (names.length === 0) return;
  throw new UsageError(`The ${dialect === 'legacy' ? 'server of this early image' : `${dialect} runtime`} does not know ${names.join(', ')}.`, { hints: ['Leave it out.'] });
};

const listModelsOrLegacy = async (connection: Connection, options: Parameters<typeof listModels>[1]): Promise<ServedModel[]> => {
  try {
    return await listModels(await connection.baseUrl(), options);
  } catch (error) {
    // A healthy server without /v1 is an early image.
    if (error instanceof KaitoError && error.reason === reasons.noSuchPath) return [legacyModel];
    throw pointToServer(error, connection);
  }
};

/** The base and one of its adapters. */
const pickPair = (models: readonly ServedModel[], { adapter }: ChatOptions): ServedModel[] => {
  const adapters = models.filter(({ parent }) => parent !== null);
  const [only, ...others] = adapters;
  if (adapter === undefined && only && others.length > 0) {
    throw new UsageError('Several adapters could be compared with the base model.', { hints: [`Name one with --adapter: ${adapters.map(({ id }) => id).join(', ')}.`] });
  }
  if (adapter === undefined && !only) throw new UsageError('There is no adapter to compare with the base model.', { hints: ['Serve with --adapter, or chat without --compare.'] });
  const compared = pickModel(models, { adapter: adapter ?? only?.id ?? '' });
  return [baseOf(models, compared), compared];
};
