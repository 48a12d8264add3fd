import type { KaitoError, Remark } from './errors.ts';
import type { ObjectReference } from './kubernetes.ts';
import type { Plan, Step } from './plan.ts';
import type { WorkspaceStatus } from './status.ts';

/** Everything that a command produces. Text, JSON and NDJSON are renderings of the same events. */
export type Event =
  | { type: 'planned'; plan: Plan; dryRun: boolean }
  | { type: 'stepStarted'; index: number; total: number; step: Step }
  | { type: 'stepDone'; index: number; total: number; step: Step; detail?: string; elapsedMs: number }
  | { type: 'applied'; object: ObjectReference; outcome: 'created' | 'configured' | 'unchanged' }
  | { type: 'deleted'; object: ObjectReference; existed: boolean }
  /** Something is awaited: told when the reason changes, and as a heartbeat. */
  | { type: 'waiting'; what: string; reason: string; elapsedMs: number; timeoutMs: number }
  | { type: 'progress'; progress: Progress }
  | { type: 'note'; message: string; hints?: readonly string[] }
  | { type: 'warning'; message: string; hints?: readonly string[] }
  | { type: 'log'; container: string; text: string }
  | { type: 'statuses'; statuses: WorkspaceStatus[]; wide: boolean; namespace: string | undefined }
  /** A table for people, data for machines: as a whole, and `each` row by itself where that makes sense. */
  | { type: 'table'; columns: string[]; rows: string[][]; data: unknown; each?: readonly object[] }
  /** One of a stream of data: told as it comes, and by machine-readable outputs alone. */
  | { type: 'item'; item: unknown; text: string; remarks?: readonly Remark[] }
  /** Text that is itself the data: a manifest, an answer. */
  | { type: 'text'; text: string }
  /** The last word of a command: facts by name. `summary` is what text output prints. One that stays to hold something open says so, and is heard at once. */
  | { type: 'result'; result: Record<string, unknown>; summary: string[]; hints?: readonly string[]; staysOpen?: true }
  /** The command ends with this exit code although nothing failed, as a command that was run for somebody. */
  | { type: 'exit'; exitCode: number }
  | { type: 'failed'; error: KaitoError };

export type Progress =
  | { phase: 'training'; step: number; totalSteps: number; loss?: number; epoch?: number; secondsPerStep?: number; remainingSeconds?: number }
  | { phase: 'preparing'; what: string; percent?: number }
  | { phase: 'weights'; percent?: number; bytesPerSecond?: number; remainingSeconds?: number };
