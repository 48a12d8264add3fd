/** What happens while talking to a model, as plain data; `render.ts` makes text of it, and a command JSON. */
export type ChatEvent =
  /** Told when the reason changes, and as a heartbeat. */
  | { type: 'waiting'; reason: string; elapsedMs: number; timeoutMs: number; weights?: WeightsProgress }
  | { type: 'asked'; speaker: Speaker; prompt: string }
  | { type: 'reasoning'; speaker: Speaker; text: string }
  | { type: 'content'; speaker: Speaker; text: string }
  /** The request did not get through and is sent again, before any of the answer was seen. */
  | { type: 'retrying'; reason: 'Overloaded' | 'ConnectionLost'; fact: string; attempt: number; attemptCount: number; delayMs: number }
  /** The context was full: the oldest turns are no longer sent. */
  | { type: 'forgot'; speaker: Speaker; turnCount: number; contextLengthTokens: number }
  | { type: 'answered'; speaker: Speaker; answer: Answer }
  | { type: 'note'; message: string }
  | { type: 'failed'; message: string; fact?: string; hints: readonly string[] };

/** Who answers. `label` is undefined unless several do. */
export interface Speaker {
  model: string;
  adapter: string | null;
  label?: string;
}

export interface WeightsProgress {
  bytesPerSecond?: number;
  remainingSeconds?: number;
}

/** One turn, as `-o json` prints it. */
export interface Answer {
  model: string;
  adapter: string | null;
  prompt: string;
  answer: string;
  /** What a reasoning model thought before it answered; absent when it told nothing. */
  reasoning?: string;
  /** The server's word (`stop`, `length`), or `interrupted` when the answer was stopped here. */
  finishReason: string;
  /** Null when the server did not say. */
  usage: Usage | null;
  timings: Timings;
}

export interface Usage {
  promptTokens: number;
  completionTokens: number;
  totalTokens: number;
}

export interface Timings {
  /** Until the first token of reasoning or answer; null when none came. */
  timeToFirstTokenMs: number | null;
  totalMs: number;
  /** Of generation alone, without the first token's wait; null when it cannot be told. */
  tokensPerSecond: number | null;
}
