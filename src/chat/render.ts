import { styleText } from 'node:util';
import type { ColorLevel, Terminal } from '../terminal/terminal.ts';
import type { ChatEvent, WeightsProgress } from './events.ts';
import { createMarkdownText, plainText, type AnswerText } from './markdown.ts';
import { toPreview } from './preview.ts';
import { renderStats } from './stats.ts';

/** Shows events as they happen. */
export interface View {
  show(event: ChatEvent): Promise<void>;
  /** Ends a line that was begun, as after a failure in the middle of an answer. */
  close(): Promise<void>;
}

export interface ViewOptions {
  terminal: Terminal;
  isStatsShown: boolean;
  isReasoningShown: boolean;
  isMarkdownRendered: boolean;
}

/** The answer to stdout, whatever is said about it to stderr. */
export const createTextView = ({ terminal, isStatsShown, isReasoningShown, isMarkdownRendered }: ViewOptions): View => {
  let answer: AnswerText | undefined;
  /** The stream whose last line has not ended: on a terminal both draw on the same one. */
  let openLine: 'out' | 'err' | undefined;
  let answerCount = 0;
  let isPreviewShown = false;

  /** The end of a block that is still growing, in one line that the finished block replaces: a slow model is seen to write. */
  const preview = async (unfinished: string) => {
    if (!terminal.isInteractive || !terminal.isStdoutTty) return;
    const text = toPreview(unfinished, terminal.columns);
    if (text === '' && !isPreviewShown) return;
    if (openLine === 'err') await endLine();
    isPreviewShown = text !== '';
    await terminal.writeOut(`${eraseLine}${dim(terminal.stdoutColorLevel, text)}`);
  };

  const writeAnswer = async (text: string) => {
    if (text === '') return;
    await preview('');
    if (openLine === 'err') await endLine();
    openLine = text.endsWith('\n') ? undefined : 'out';
    await terminal.writeOut(text);
  };

  const endLine = async () => {
    if (openLine === 'out') await terminal.writeOut('\n');
    if (openLine === 'err') await terminal.writeErr('\n');
    openLine = undefined;
  };

  const finishAnswer = async () => {
    if (!answer) return;
    await preview('');
    await writeAnswer(answer.end());
    answer = undefined;
    if (openLine !== undefined) await endLine();
  };

  const narrate = async (text: string) => {
    await preview('');
    // Where stdout is a pipe, a line break in the middle of the answer would become part of it.
    if (openLine === 'err' || (openLine === 'out' && terminal.isStdoutTty)) await endLine();
    await terminal.writeErr(`${dim(terminal.stderrColorLevel, text)}\n`);
  };

  const show = async (event: ChatEvent): Promise<void> => {
    switch (event.type) {
      case 'asked':
        if (event.speaker.label !== undefined) await terminal.writeOut(`${answerCount > 0 ? '\n' : ''}${event.speaker.label}:\n`);
        answerCount += 1;
        answer =
          isMarkdownRendered && terminal.isStdoutTty ? await createMarkdownText({ columns: terminal.columns, hasColor: terminal.stdoutColorLevel > 0 }) : plainText;
        return;
      case 'content':
        await writeAnswer((answer ?? plainText).push(event.text));
        return preview((answer ?? plainText).unfinished());
      case 'reasoning':
        if (!isReasoningShown || !terminal.isStderrTty) return;
        await preview('');
        if (openLine === 'out') await endLine();
        openLine = event.text.endsWith('\n') ? undefined : 'err';
        return terminal.writeErr(dim(terminal.stderrColorLevel, event.text));
      case 'answered':
        await finishAnswer();
        if (event.answer.finishReason === 'length') await narrate(`The answer was cut at max_tokens${event.answer.usage ? ` (${event.answer.usage.completionTokens})` : ''}; set a larger one to read on.`);
        if (isStatsShown) await narrate(`${event.speaker.label === undefined ? '' : `${event.speaker.label}: `}${renderStats(event.answer)}`);
        return;
      case 'waiting':
        return narrate(`Waiting: ${event.reason}${event.weights ? renderWeights(event.weights) : ''} (${seconds(event.elapsedMs)} of at most ${seconds(event.timeoutMs)}).`);
      case 'retrying': {
        const what = event.reason === 'Overloaded' ? 'The server has too many requests waiting' : 'The server could not be reached';
        return narrate(`${what} (${event.fact}); trying again in ${seconds(event.delayMs)}, attempt ${event.attempt + 1} of ${event.attemptCount}.`);
      }
      case 'forgot':
        return narrate(`The context of ${event.contextLengthTokens} tokens is full: the oldest ${event.turnCount === 1 ? 'turn is' : `${event.turnCount} turns are`} no longer sent.`);
      case 'note':
        return narrate(event.message);
      case 'failed':
        await finishAnswer();
        await narrate([event.message, ...(event.fact === undefined ? [] : [`  ${event.fact}`]), ...event.hints.map((hint) => `  hint: ${hint}`)].join('\n'));
        return;
    }
  };

  return { show, close: finishAnswer };
};

/** One JSON object a line, on stdout; for a program that wants the answer as it comes. */
export const createNdjsonView = (terminal: Terminal): View => ({
  show: (event) => terminal.writeOut(`${JSON.stringify(event)}\n`),
  close: async () => {},
});

/** Narration without the answer, which the caller prints as a whole. */
export const createNarrationView = (options: ViewOptions): View => {
  const view = createTextView(options);
  return { show: async (event) => (narration.has(event.type) ? view.show(event) : undefined), close: () => view.close() };
};

const narration: ReadonlySet<ChatEvent['type']> = new Set(['waiting', 'retrying', 'forgot', 'note']);

const renderWeights = ({ bytesPerSecond, remainingSeconds }: WeightsProgress): string =>
  [bytesPerSecond === undefined ? '' : `, ${(bytesPerSecond / 1e6).toFixed(0)} MB/s`, remainingSeconds === undefined || remainingSeconds === 0 ? '' : `, about ${seconds(remainingSeconds * 1000)} left`].join('');

const eraseLine = '\r\u001b[K';

const seconds = (durationMs: number): string => `${Math.round(durationMs / 1000)} s`;

const dim = (level: ColorLevel, text: string): string => (level > 0 && text !== '' ? styleText('dim', text, { validateStream: false }) : text);
