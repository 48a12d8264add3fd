import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A whole process to be timed: arguments of node, and what it needs to find. */
export interface Program {
  what: string;
  arguments: readonly string[];
  environment?: Readonly<Record<string, string>>;
}

export interface Measured {
  what: string;
  /** Of single runs, in the order in which they were made. */
  wallMs: number[];
  cpuMs: number[];
  peakRssMiB: number[];
}

interface Usage {
  userCPUTime: number;
  systemCPUTime: number;
  maxRSS: number;
}

const usageHook = fileURLToPath(new URL('usage.cjs', import.meta.url));

/**
 * Runs the programs in turn, A B C A B C, so that a busy machine is busy for all of them. The clock is read without a hook
 * in the process; CPU and memory are those of runs of their own, which tell them when they end.
 */
export const measure = async (programs: readonly Program[], { rounds, warmUps = 2 }: { rounds: number; warmUps?: number }): Promise<Measured[]> => {
  const measured = programs.map(({ what }): Measured => ({ what, wallMs: [], cpuMs: [], peakRssMiB: [] }));
  for (let round = -warmUps; round < rounds; round += 1) {
    for (const [index, program] of programs.entries()) {
      const startedAt = performance.now();
      await runProgram(program, []);
      const wallMs = performance.now() - startedAt;
      const usage = await runProgram(program, ['--require', usageHook]);
      if (round < 0 || usage === undefined) continue;
      measured[index]?.wallMs.push(wallMs);
      measured[index]?.cpuMs.push((usage.userCPUTime + usage.systemCPUTime) / 1000);
      measured[index]?.peakRssMiB.push(usage.maxRSS / 1024);
    }
  }
  return measured;
};

const runProgram = async ({ what, arguments: args, environment = {} }: Program, nodeOptions: readonly string[]): Promise<Usage | undefined> => {
  const child = spawn(process.execPath, [...nodeOptions, ...args], { stdio: ['ignore', 'pipe', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] ?? '', ...environment } });
  const texts = [1, 2, 3].map((number) => {
    const chunks: Buffer[] = [];
    child.stdio[number]?.on('data', (chunk: Buffer) => chunks.push(chunk));
    return chunks;
  });
  const [exitCode]: unknown[] = await once(child, 'close');
  const [, errors = '', usage = ''] = texts.map((chunks) => Buffer.concat(chunks).toString());
  if (exitCode !== 0) throw new Error(`${what} ended with exit code ${String(exitCode)}:\n${errors}`);
  return usage === '' ? undefined : JSON.parse(usage);
};

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
};

/** The middle half of the values: how much a median is worth on this machine. */
export const spread = (values: readonly number[]): [number, number] => {
  const sorted = values.toSorted((left, right) => left - right);
  return [sorted[Math.floor(sorted.length / 4)] ?? 0, sorted[Math.ceil((sorted.length * 3) / 4) - 1] ?? 0];
};
