import { exitCodes, InterruptedError, UsageError } from '../domain/errors.ts';
import { sanitise } from '../terminal/sanitise.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { dialects } from './dialect.ts';
import type { Answer, ChatEvent } from './events.ts';
import { createNarrationView, createNdjsonView, createTextView, type View } from './render.ts';
import { openSession, type ChatOptions, type Session } from './session.ts';
import { takeTurn } from './turn.ts';

export interface OnceOptions extends ChatOptions {
  /** From the command line; what is piped in goes before it. */
  prompt: string | undefined;
  /** `json` prints nothing but narration: the caller has the answers. */
  output: OnceOutput;
}

type OnceOutput = 'text' | 'json' | 'ndjson';

/** Whether there is a question already, or nobody to ask for one. */
export const isOneShot = (terminal: Terminal, prompt: string | undefined): boolean => prompt !== undefined || !terminal.isStdinTty;

/** Asks one question. Returns one answer, or two when comparing: the base model's first. */
export const runOnce = async (options: OnceOptions): Promise<Answer[]> => {
  const { signal } = options;
  const prompt = joinPrompt(sanitise(await readPiped(options)), options.prompt);
  const view = views[options.output](options);
  let session: Session | undefined;
  try {
    session = await drain(openSession(options), view);
    const answers: Answer[] = [];
    for (const { respondent, conversation } of session.seats) {
      const { answer } = await drain(takeTurn(respondent, { conversation, prompt, signal, stop: signal }), view);
      answers.push(answer);
    }
    return answers;
  } catch (error) {
    throw session && error instanceof InterruptedError ? withAfterwards(error, session) : error;
  } finally {
    await view.close();
  }
};

/** A pipe that nobody closes, as some CI systems give, looks like a hang: after a while it is said what is awaited. */
const readPiped = async ({ terminal, clock, signal }: ChatOptions): Promise<string> => {
  const isRead = new AbortController();
  void clock.sleep(3000, isRead.signal).then(
    () => terminal.writeErr('Reading from stdin until it ends; "< /dev/null" gives it an end.\n'),
    () => {},
  );
  try {
    return await terminal.readAll(signal);
  } finally {
    isRead.abort();
  }
};

/** The piped text is what the question is about, so it comes first, as in `cat report.txt | kaito-ts chat "Summarise this."`. */
export const joinPrompt = (piped: string, prompt: string | undefined): string => {
  const parts = [piped.trimEnd(), prompt ?? ''].filter((part) => part.trim() !== '');
  if (parts.length > 0) return parts.join('\n\n');
  throw new UsageError('There is nothing to ask.', { hints: ['Give a prompt, pipe one in, or chat from a terminal.'] });
};

/** `-o json`: the answer's own fields, or both under one prompt. */
export const toResult = (answers: readonly Answer[]): Record<string, unknown> => {
  const [only, ...others] = answers;
  return only && others.length === 0 ? { ...only } : { prompt: only?.prompt, answers };
};

const views: Record<OnceOutput, (options: OnceOptions) => View> = {
  text: (options) => createTextView(toViewOptions(options)),
  json: (options) => createNarrationView(toViewOptions(options)),
  ndjson: ({ terminal }) => createNdjsonView(terminal),
};

export const toViewOptions = ({ terminal, isStatsShown = false, isReasoningShown = true, isMarkdownRendered = true }: ChatOptions) => ({
  terminal,
  isStatsShown,
  isReasoningShown,
  isMarkdownRendered,
});

/** Shows every event, and gives what the generator returns. */
export const drain = async <T>(events: AsyncGenerator<ChatEvent, T>, view: View): Promise<T> => {
  const returned = Promise.withResolvers<T>();
  // `for await` ends the generator when showing fails, but drops what it returns.
  const captured = (async function* () {
    returned.resolve(yield* events);
  })();
  for await (const event of captured) await view.show(event);
  return returned.promise;
};

/** Stopping here does not stop the server, which surprises whoever pays for it. */
const withAfterwards = (error: InterruptedError, { seats }: Session): InterruptedError => {
  const dialect = seats[0]?.respondent.model.dialect ?? 'vllm';
  return new InterruptedError(error.exitCode === exitCodes.terminated ? 'SIGTERM' : 'SIGINT', { fact: dialects[dialect].afterStop, hints: error.hints, cause: error });
};
