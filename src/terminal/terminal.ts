/**
 * Where the program meets a person or a pipe. What kind of place that is, is data, so that a test can say "a pipe, 80
 * columns, no colour" without having one. The real one is `system.ts`.
 */
export interface Terminal {
  readonly isStdinTty: boolean;
  readonly isStdoutTty: boolean;
  readonly isStderrTty: boolean;
  /** Whether somebody can be asked, or shown a spinner: stdin and stderr are a terminal, and neither `CI` nor `TERM=dumb` is set. */
  readonly isInteractive: boolean;
  /** Of the terminal as it is now; 80 where there is none. */
  readonly columns: number;
  readonly stdoutColorLevel: ColorLevel;
  readonly stderrColorLevel: ColorLevel;

  /** Data. Resolves when the stream has taken the text, so awaiting it is the back-pressure. A closed pipe ends the program quietly. */
  writeOut(text: string): Promise<void>;
  /** Narration; otherwise as `writeOut`. */
  writeErr(text: string): Promise<void>;

  /** All of stdin as UTF-8 text; the empty string when it is a terminal, because nobody was asked to type. */
  readAll(signal?: AbortSignal): Promise<string>;

  /** UsageError that names the flag when nobody can be asked; InterruptedError on Ctrl-C. */
  confirm(question: string, options: ConfirmOptions): Promise<boolean>;

  openLineEditor(options?: LineEditorOptions): Promise<LineEditor>;

  /**
   * While registered, Ctrl-C calls the handler instead of ending the program; the handler added last is the one called.
   * Returns what removes it. SIGTERM always ends the program.
   */
  onInterrupt(handler: () => void): () => void;
}

/** chalk's levels: none, 16, 256 and all colours. */
export type ColorLevel = 0 | 1 | 2 | 3;

export interface ConfirmOptions {
  /** The flag that answers yes beforehand: `--yes`. */
  yesFlag: string;
  signal?: AbortSignal;
}

export interface LineEditorOptions {
  /** Full candidates for the line so far, for the Tab key. */
  complete?: (line: string) => string[];
}

/** Lines typed by a person, with history and editing. What is typed between two reads is kept for the next. */
export interface LineEditor {
  /** `interrupted` is Ctrl-C at the prompt (the line so far is dropped), `ended` is Ctrl-D or the end of input. */
  read(prompt: string): Promise<LineRead>;
  close(): void;
}

export type LineRead = { type: 'line'; text: string } | { type: 'interrupted' } | { type: 'ended' };
