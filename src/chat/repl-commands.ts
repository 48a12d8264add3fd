import { readFile, writeFile } from 'node:fs/promises';
import { FailedError, NotFoundError, UsageError } from '../domain/errors.ts';
import { commandRules, type ReplCommand } from './commands.ts';
import { clear, parseConversation, renderConversation, setParameter, setSystem, undo, type Conversation } from './conversation.ts';
import type { Answer } from './events.ts';
import { pickModel, type ServedModel } from './models.ts';
import { parameterNames, parameterRules } from './parameters.ts';
import { refuseUnsupported, toRespondent, type ChatOptions, type Seat } from './session.ts';
import { renderStats } from './stats.ts';
import { toMaxTokens } from './turn.ts';

export interface ReplState {
  models: readonly ServedModel[];
  seats: readonly Seat[];
  /** What `/retry` asks again, and how many turns each seat had before it. */
  lastAsked: { prompt: string; turnCounts: readonly number[] } | undefined;
  lastAnswers: readonly Answer[];
  isStatsShown: boolean;
}

/** `ask` is a question to go on with. */
export type CommandOutcome = 'quit' | { state: ReplState; say?: string; ask?: string };

/** Carries out one command on a state, and gives the next one. Only `/save` and `/load` touch anything else. */
export const runCommand = async (options: ChatOptions, state: ReplState, command: ReplCommand): Promise<CommandOutcome> => {
  switch (command.name) {
    case 'quit':
      return 'quit';
    case 'help':
      return { state, say: renderHelp() };
    case 'clear':
      return { state: { ...changeAll(state, clear), lastAsked: undefined }, say: 'The conversation is forgotten; system prompt and parameters are kept.' };
    case 'undo': {
      const undone = state.seats.map(({ conversation }) => undo(conversation).undone?.prompt).find((prompt) => prompt !== undefined);
      if (undone === undefined) throw new UsageError('There is nothing to take back.');
      return { state: { ...changeAll(state, (conversation) => undo(conversation).conversation), lastAsked: undefined }, say: `Taken back: ${firstLine(undone)}` };
    }
    case 'retry':
      return retry(state);
    case 'system': {
      const { text } = command;
      if (text === undefined) return { state, say: describeSystem(firstConversation(state).system) };
      return { state: changeAll(state, (conversation) => setSystem(conversation, text)), say: describeSystem(text) };
    }
    case 'set': {
      const next = changeAll(state, (conversation) => setParameter(conversation, command.parameter, command.value));
      for (const { conversation, respondent } of next.seats) refuseUnsupported(conversation, respondent.model);
      return { state: next, say: `${command.parameter} is ${command.value === undefined ? "the server's default" : String(command.value)}.` };
    }
    case 'params':
      return { state, say: renderParameters(state) };
    case 'model':
      if (command.model === undefined) return { state, say: renderModels(state, state.models) };
      return choose(options, state, { model: command.model });
    case 'adapter':
      if (command.adapter === undefined) return { state, say: renderModels(state, state.models.filter(({ parent }) => parent !== null)) };
      return choose(options, state, command.adapter === null ? {} : { adapter: command.adapter });
    case 'save':
      await save(onlySeat(state).conversation, command.file);
      return { state, say: `Saved to ${command.file}.` };
    case 'load': {
      const conversation = parseConversation(await load(command.file), command.file);
      for (const { respondent } of state.seats) refuseUnsupported(conversation, respondent.model);
      const count = conversation.turns.length;
      return { state: { ...changeAll(state, () => conversation), lastAsked: undefined }, say: `Loaded ${count} ${count === 1 ? 'turn' : 'turns'} from ${command.file}.` };
    }
    case 'stats':
      break;
  }
  return showStats(state, command.isShown);
};

const showStats = (state: ReplState, isShown: boolean | undefined): CommandOutcome => {
  if (isShown !== undefined) return { state: { ...state, isStatsShown: isShown }, say: isShown ? 'Every answer is followed by its stats.' : 'Stats are shown on /stats only.' };
  if (state.lastAnswers.length === 0) throw new UsageError('Nothing has been answered yet.');
  return { state, say: state.lastAnswers.map(renderStats).join('\n') };
};

/** When nothing was asked yet, it is the last question of a loaded conversation. */
const retry = (state: ReplState): CommandOutcome => {
  const { turns } = firstConversation(state);
  const asked = state.lastAsked ?? { prompt: turns.at(-1)?.prompt, turnCounts: state.seats.map(({ conversation }) => conversation.turns.length - 1) };
  if (asked.prompt === undefined) throw new UsageError('Nothing has been asked yet.');
  const seats = state.seats.map(({ respondent, conversation }, index) => ({ respondent, conversation: cutTo(conversation, asked.turnCounts[index] ?? 0) }));
  return { state: { ...state, seats }, ask: asked.prompt };
};

const cutTo = (conversation: Conversation, turnCount: number): Conversation => ({
  ...conversation,
  turns: conversation.turns.slice(0, turnCount),
  forgottenTurnCount: Math.min(conversation.forgottenTurnCount, turnCount),
});

/** The conversation goes on with somebody else. */
const choose = (options: ChatOptions, state: ReplState, wanted: { model?: string; adapter?: string }): CommandOutcome => {
  const { conversation } = onlySeat(state);
  const model = pickModel(state.models, wanted);
  refuseUnsupported(conversation, model);
  const seat = { conversation, respondent: toRespondent(options, state.models, model, false) };
  return { state: { ...state, seats: [seat] }, say: model.parent === null ? `Talking to ${model.id}.` : `Talking to ${model.parent} with adapter ${model.id}.` };
};

const onlySeat = ({ seats }: ReplState): Seat => {
  const [seat, ...others] = seats;
  if (seat && others.length === 0) return seat;
  throw new UsageError('Two models are being compared, and this works with one.', { hints: ['Chat without --compare.'] });
};

const changeAll = (state: ReplState, change: (conversation: Conversation) => Conversation): ReplState => ({
  ...state,
  seats: state.seats.map((seat) => ({ ...seat, conversation: change(seat.conversation) })),
});

/** Settings are the same at every seat. */
const firstConversation = ({ seats }: ReplState): Pick<Conversation, 'system' | 'turns' | 'parameters'> => seats[0]?.conversation ?? { system: '', turns: [], parameters: {} };

const save = async (conversation: Conversation, file: string): Promise<void> => {
  try {
    await writeFile(file, renderConversation(conversation), { mode: 0o600 });
  } catch (error) {
    throw new FailedError(`${file} could not be written.`, { fact: error instanceof Error ? error.message : String(error), cause: error });
  }
};

const load = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new NotFoundError(`${file} could not be read.`, { fact: error instanceof Error ? error.message : String(error), cause: error });
  }
};

const renderHelp = (): string => {
  const rules = Object.values(commandRules);
  const width = Math.max(...rules.map(({ usage }) => usage.length));
  return [
    ...rules.map(({ usage, summary }) => `  ${usage.padEnd(width)}  ${summary}`),
    `  ${'"""'.padEnd(width)}  begins and ends a question of several lines; \\ at the end of a line goes on too`,
    `  ${'Ctrl-C'.padEnd(width)}  stops the answer; twice at the prompt, leaves`,
  ].join('\n');
};

const renderParameters = (state: ReplState): string => {
  const { parameters } = firstConversation(state);
  const seat = state.seats[0];
  const width = Math.max(...parameterNames.map((name) => name.length));
  return parameterNames
    .filter((name) => !seat || parameterRules[name].dialects.some((dialect) => dialect === seat.respondent.model.dialect))
    .map((name) => {
      const fallback = name === 'max_tokens' && seat ? String(toMaxTokens(seat.respondent.model, seat.conversation)) : "server's default";
      return `  ${name.padEnd(width)}  ${String(parameters[name] ?? fallback).padEnd(16)}  ${parameterRules[name].meaning}`;
    })
    .join('\n');
};

const renderModels = ({ seats }: ReplState, models: readonly ServedModel[]): string => {
  if (models.length === 0) return 'The server has no adapters.';
  const chosen = new Set(seats.map(({ respondent }) => respondent.model.id));
  return models.map(({ id, parent }) => `${chosen.has(id) ? '*' : ' '} ${id}${parent === null ? '' : ` (adapter of ${parent})`}`).join('\n');
};

const describeSystem = (system: string): string => (system === '' ? 'There is no system prompt.' : `System prompt: ${system}`);

const firstLine = (text: string): string => text.split('\n')[0] ?? '';
