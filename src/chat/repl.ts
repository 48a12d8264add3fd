import { InterruptedError, KaitoError } from '../domain/errors.ts';
import type { LineEditor } from '../terminal/terminal.ts';
import { completeCommand, parseCommand } from './commands.ts';
import { dialects } from './dialect.ts';
import { addLine, noInput, type PendingInput } from './input.ts';
import { drain, toViewOptions } from './once.ts';
import { createTextView, type View } from './render.ts';
import { runCommand, type ReplState } from './repl-commands.ts';
import { openSession, type ChatOptions } from './session.ts';
import { takeTurn, toMaxTokens } from './turn.ts';

/** Talks until `/quit`, Ctrl-D, or Ctrl-C twice at the prompt. Rejects when the server never gets ready, or with the signal's reason. */
export const runRepl = async (options: ChatOptions): Promise<void> => {
  const { terminal, signal } = options;
  const session = await drain(openSession(options), viewOf(options, false));
  const state: ReplState = { models: session.models, seats: session.seats, lastAsked: undefined, lastAnswers: [], isStatsShown: options.isStatsShown ?? false };
  await viewOf(options, false).show({ type: 'note', message: greet(state) });

  const editor = await terminal.openLineEditor({ complete: completeCommand });
  // SIGTERM at the prompt: nobody is going to type any more.
  const onAbort = () => editor.close();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await converse(options, state, editor);
  } finally {
    signal.removeEventListener('abort', onAbort);
    editor.close();
  }
  signal.throwIfAborted();
};

const converse = async (options: ChatOptions, opening: ReplState, editor: LineEditor): Promise<void> => {
  let state = opening;
  let pending: PendingInput = noInput;
  let isLeaving = false;
  for (;;) {
    const isContinued = pending.isBlock || pending.lines.length > 0;
    const read = await editor.read(isContinued ? '... ' : '>>> ');
    if (read.type === 'ended') return;
    if (read.type === 'interrupted') {
      if (isLeaving && !isContinued) return;
      isLeaving = !isContinued;
      pending = noInput;
      if (isLeaving) await viewOf(options, false).show({ type: 'note', message: 'Press Ctrl-C again, or Ctrl-D, to leave.' });
      continue;
    }
    isLeaving = false;
    const added = addLine(pending, read.text);
    pending = added.pending;
    if (added.text === undefined || added.text.trim() === '') continue;

    const next = await respond(options, state, added.text);
    if (next === 'quit') return;
    state = next;
  }
};

/** To a command or a question. What goes wrong is told and the session goes on, unless the program is ending. */
const respond = async (options: ChatOptions, state: ReplState, text: string): Promise<ReplState | 'quit'> => {
  const view = viewOf(options, state.isStatsShown);
  try {
    const command = parseCommand(text);
    if (!command) return await ask(options, state, text.trim(), view);
    const outcome = await runCommand(options, state, command);
    if (outcome === 'quit') return 'quit';
    if (outcome.say !== undefined) await view.show({ type: 'note', message: outcome.say });
    return outcome.ask === undefined ? outcome.state : await ask(options, outcome.state, outcome.ask, view);
  } catch (error) {
    options.signal.throwIfAborted();
    if (!(error instanceof KaitoError)) throw error;
    await view.show({ type: 'failed', message: error.message, ...(error.fact === undefined ? {} : { fact: error.fact }), hints: error.hints });
    return state;
  }
};

/** Every seat in turn. One that fails keeps its conversation as it was, so that `/retry` can ask it again. */
const ask = async (options: ChatOptions, state: ReplState, prompt: string, view: View): Promise<ReplState> => {
  const { terminal, signal } = options;
  const stop = new AbortController();
  const removeHandler = terminal.onInterrupt(() => stop.abort(new InterruptedError('SIGINT')));
  const seats = [...state.seats];
  const lastAnswers = [];
  try {
    for (const [index, { respondent, conversation }] of state.seats.entries()) {
      if (stop.signal.aborted) break;
      const result = await drain(takeTurn(respondent, { conversation, prompt, signal, stop: stop.signal }), view);
      seats[index] = { respondent, conversation: result.conversation };
      lastAnswers.push(result.answer);
      if (result.answer.finishReason === 'interrupted') {
        const { model } = respondent;
        await view.show({ type: 'note', message: `Stopped here; ${dialects[model.dialect].afterStop} (at most ${toMaxTokens(model, conversation)} tokens).` });
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof KaitoError)) throw error;
    const hints = [...error.hints, '/retry asks again; the conversation is kept.'];
    await view.show({ type: 'failed', message: error.message, ...(error.fact === undefined ? {} : { fact: error.fact }), hints });
  } finally {
    removeHandler();
  }
  return { ...state, seats, lastAnswers, lastAsked: { prompt, turnCounts: state.seats.map(({ conversation }) => conversation.turns.length) } };
};

const greet = ({ seats }: ReplState): string => {
  const names = seats.map(({ respondent: { speaker } }) => speaker.label ?? (speaker.adapter === null ? speaker.model : `${speaker.model} with adapter ${speaker.adapter}`));
  return `Talking to ${names.join(' and ')}. /help lists the commands, """ begins and ends several lines, Ctrl-D leaves.`;
};

const viewOf = (options: ChatOptions, isStatsShown: boolean): View => createTextView({ ...toViewOptions(options), isStatsShown });
