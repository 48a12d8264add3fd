/**
 * Every failure that a person can cause or mend. Each says what happened (`message`), the fact that shows it
 * (`fact`), and the commands or changes that help next (`hints`). `reason` is a word to branch on: KAITO's condition
 * reasons where KAITO has one. The original error stays in `cause`. Rendering happens once, in `outputs/`.
 */
export abstract class KaitoError extends Error {
  /** Written out in each class, because the names of classes do not survive bundling. */
  abstract override readonly name: string;
  abstract readonly exitCode: ExitCode;
  /** The evidence, in the words of whoever gave it: the API server, Azure, the trainer. */
  readonly fact: string | undefined;
  /** Changed by `rewriteHints` and `addHints` alone. */
  hints: readonly string[];
  /** What is wrong in files, place by place; `fact` has it as text. */
  readonly remarks: readonly Remark[];
  readonly #reason: string | undefined;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.#reason = details.reason;
    this.fact = details.fact;
    this.hints = details.hints ?? [];
    this.remarks = details.remarks ?? [];
  }

  /** Where an error is thrown, it is not known what of the command line a hint must repeat. */
  rewriteHints(rewrite: (hint: string) => string): void {
    this.hints = this.hints.map(rewrite);
  }

  /** Nor which command helps: who catches it on the way may know. */
  addHints(hints: readonly string[]): void {
    this.hints = [...this.hints, ...hints];
  }

  get reason(): string {
    return this.#reason ?? this.name.replace(/Error$/, '');
  }
}

export interface ErrorDetails {
  reason?: string;
  fact?: string;
  hints?: readonly string[];
  remarks?: readonly Remark[];
  cause?: unknown;
}

/** Something that is to be said of one place in a file. */
export interface Remark {
  severity: 'error' | 'warning';
  /** A word to look for: the code of the rule. */
  code: string;
  message: string;
  /** Absent for stdin. */
  file?: string;
  line: number;
  column: number;
}

export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  access: 4,
  quota: 5,
  capacity: 6,
  timeout: 7,
  workloadFailed: 8,
  conflict: 9,
  preflightRefused: 10,
  bug: 70,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What each code means, for `help exit-codes` and the README. */
export const exitCodeMeanings: Record<keyof typeof exitCodes, string> = {
  done: 'done, or nothing to do',
  failed: 'failed for a reason none of the other codes names',
  usage: 'the command line or a file given is wrong',
  notFound: 'something that was named does not exist',
  access: 'not logged in, or not permitted',
  quota: 'the Azure subscription has no quota left for this size',
  capacity: 'Azure has no machines of this size right now',
  timeout: 'still going on when the time limit was reached',
  workloadFailed: 'the tuning Job or the model server failed',
  conflict: 'somebody else owns or is changing the same thing',
  preflightRefused: 'a check made before spending anything refused',
  bug: 'a defect in kaito-ts',
  interrupted: 'interrupted with Ctrl-C; what runs in the cluster goes on',
  terminated: 'ended by SIGTERM; what runs in the cluster goes on',
};

/** None of the named failures below: the network went away, a server answered nonsense. */
export class FailedError extends KaitoError {
  override readonly name = 'FailedError';
  readonly exitCode = exitCodes.failed;
}
export class UsageError extends KaitoError {
  override readonly name = 'UsageError';
  readonly exitCode = exitCodes.usage;
}
export class NotFoundError extends KaitoError {
  override readonly name = 'NotFoundError';
  readonly exitCode = exitCodes.notFound;
}
/** No login, an expired login, or a refusal by RBAC. */
export class AccessError extends KaitoError {
  override readonly name = 'AccessError';
  readonly exitCode = exitCodes.access;
}
export class QuotaError extends KaitoError {
  override readonly name = 'QuotaError';
  readonly exitCode = exitCodes.quota;
}
export class CapacityError extends KaitoError {
  override readonly name = 'CapacityError';
  readonly exitCode = exitCodes.capacity;
}
export class TimeoutError extends KaitoError {
  override readonly name = 'TimeoutError';
  readonly exitCode = exitCodes.timeout;
}
export class WorkloadError extends KaitoError {
  override readonly name = 'WorkloadError';
  readonly exitCode = exitCodes.workloadFailed;
}
export class ConflictError extends KaitoError {
  override readonly name = 'ConflictError';
  readonly exitCode = exitCodes.conflict;
}
export class PreflightError extends KaitoError {
  override readonly name = 'PreflightError';
  readonly exitCode = exitCodes.preflightRefused;
}
/** What goes on elsewhere cannot be looked at. That says nothing of how it goes, so nothing may be taken back for it. */
export class UnseenError extends KaitoError {
  override readonly name = 'UnseenError';
  readonly exitCode: ExitCode;
  constructor(message: string, details: ErrorDetails & { cause: KaitoError }) {
    super(message, { reason: details.cause.reason, ...details });
    this.exitCode = details.cause.exitCode;
  }
}
/** A state that the program believed impossible. */
export class BugError extends KaitoError {
  override readonly name = 'BugError';
  readonly exitCode = exitCodes.bug;
}
export class InterruptedError extends KaitoError {
  override readonly name = 'InterruptedError';
  readonly exitCode: ExitCode;
  constructor(signal: 'SIGINT' | 'SIGTERM', details: ErrorDetails = {}) {
    super(signal === 'SIGINT' ? 'Interrupted.' : 'Terminated.', { reason: 'Interrupted', ...details });
    this.exitCode = signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated;
  }
}
