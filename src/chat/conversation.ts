import { UsageError } from '../domain/errors.ts';
import type { Message } from './dialect.ts';
import { isRecord, parseJson } from './json.ts';
import { isParameterName, type Parameters, type ParameterValue } from './parameters.ts';

/** What was said, as a value: each change is a new one, so undo and retry need no undoing. */
export interface Conversation {
  system: string;
  /** From the oldest to the newest. */
  turns: readonly Turn[];
  /** How many of the oldest turns no longer fit the model's context: kept for the reader, not sent. */
  forgottenTurnCount: number;
  /** Whether earlier turns are sent with the next one. */
  hasMemory: boolean;
  parameters: Parameters;
}

export interface Turn {
  prompt: string;
  answer: string;
  finishReason: string;
}

export const startConversation = (given: Partial<Pick<Conversation, 'system' | 'hasMemory' | 'parameters'>> = {}): Conversation => ({
  system: '',
  turns: [],
  forgottenTurnCount: 0,
  hasMemory: true,
  parameters: {},
  ...given,
});

/** The messages that ask for an answer to `prompt`. */
export const toMessages = (conversation: Conversation, prompt: string): Message[] => {
  const { system, turns, forgottenTurnCount, hasMemory } = conversation;
  const remembered = hasMemory ? turns.slice(forgottenTurnCount) : [];
  return [
    ...(system === '' ? [] : [{ role: 'system', content: system } as const]),
    ...remembered.flatMap((turn): Message[] => [
      { role: 'user', content: turn.prompt },
      { role: 'assistant', content: turn.answer },
    ]),
    { role: 'user', content: prompt },
  ];
};

export const addTurn = (conversation: Conversation, turn: Turn): Conversation => ({ ...conversation, turns: [...conversation.turns, turn] });

/** Without the last turn; the turn is returned so that it can be asked again. */
export const undo = (conversation: Conversation): { conversation: Conversation; undone: Turn | undefined } => {
  const turns = conversation.turns.slice(0, -1);
  return {
    conversation: { ...conversation, turns, forgottenTurnCount: Math.min(conversation.forgottenTurnCount, turns.length) },
    undone: conversation.turns.at(-1),
  };
};

/** Forgets the turns, keeps the system prompt and the parameters. */
export const clear = (conversation: Conversation): Conversation => ({ ...conversation, turns: [], forgottenTurnCount: 0 });

export const setSystem = (conversation: Conversation, system: string): Conversation => ({ ...conversation, system });

/** Undefined takes the server's own default again. */
export const setParameter = (conversation: Conversation, name: keyof Parameters, value: ParameterValue | undefined): Conversation => {
  const { [name]: _previous, ...others } = conversation.parameters;
  return { ...conversation, parameters: value === undefined ? others : { ...others, [name]: value } };
};

/**
 * Forgets the oldest quarter of what is still sent, at least one turn; undefined when there is none left. The server
 * stops counting where the context ends, so by how much the prompt is too long cannot be known.
 */
export const forgetOldest = (conversation: Conversation): Conversation | undefined => {
  const sentTurnCount = conversation.hasMemory ? conversation.turns.length - conversation.forgottenTurnCount : 0;
  if (sentTurnCount === 0) return undefined;
  return { ...conversation, forgottenTurnCount: conversation.forgottenTurnCount + Math.ceil(sentTurnCount / 4) };
};

/** A file that a person can read and `parseConversation` reads back. */
export const renderConversation = (conversation: Conversation): string => `${JSON.stringify({ version: 1, ...conversation }, null, 2)}\n`;

/** UsageError that names the file and what is wrong with it. */
export const parseConversation = (text: string, file: string): Conversation => {
  const refuse = (fact: string) => new UsageError(`${file} is not a saved conversation.`, { fact });
  const saved = parseJson(text);
  if (!isRecord(saved)) throw refuse('it is not a JSON object');
  if (saved.version !== 1) throw refuse(`its version is ${JSON.stringify(saved.version)}, and 1 was expected`);
  const { system = '', turns = [], forgottenTurnCount = 0, hasMemory = true, parameters = {} } = saved;
  if (typeof system !== 'string') throw refuse('"system" is not a text');
  if (typeof hasMemory !== 'boolean') throw refuse('"hasMemory" is not true or false');
  if (!Array.isArray(turns) || !turns.every(isTurn)) throw refuse('"turns" is not a list of { prompt, answer, finishReason }');
  if (typeof forgottenTurnCount !== 'number' || !Number.isInteger(forgottenTurnCount) || forgottenTurnCount < 0 || forgottenTurnCount > turns.length) {
    throw refuse('"forgottenTurnCount" is not a number of turns');
  }
  if (!isParameters(parameters)) throw refuse('"parameters" has a name or a value that does not exist');
  return { system, turns, forgottenTurnCount, hasMemory, parameters };
};

const isTurn = (value: unknown): value is Turn =>
  isRecord(value) && typeof value.prompt === 'string' && typeof value.answer === 'string' && typeof value.finishReason === 'string';

const isParameters = (value: unknown): value is Parameters =>
  isRecord(value) &&
  Object.entries(value).every(
    ([name, given]) => isParameterName(name) && (typeof given === 'number' || typeof given === 'string' || (Array.isArray(given) && given.every((part) => typeof part === 'string'))),
  );
