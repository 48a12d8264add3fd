import { StringDecoder } from 'node:string_decoder';
import type { ContainerLog, LogEntry } from './pod-runtime.ts';

export interface WritableLog extends ContainerLog {
  write(stream: LogEntry['stream'], text: string): void;
  end(): void;
}

/** A line longer than this becomes several entries, as containerd's buffer has it. */
const longestEntryBytes = 16 * 1024;

/** Entries end at a line feed only: a progress bar that redraws with `\r` is one long line, told when it is over. */
export const createContainerLog = (now: () => Date): WritableLog => {
  const entries: LogEntry[] = [];
  const listeners = new Set<(entry: LogEntry | undefined) => void>();
  const partial = { stdout: '', stderr: '' };
  let ended = false;

  const add = (stream: LogEntry['stream'], text: string): void => {
    const entry = { time: now(), stream, text };
    entries.push(entry);
    for (const listener of listeners) listener(entry);
  };

  return {
    get ended() {
      return ended;
    },
    entries: () => entries,
    follow(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    write(stream, text) {
      if (ended) return;
      const lines = (partial[stream] + text).split('\n');
      partial[stream] = lines.pop() ?? '';
      for (const line of lines) add(stream, `${line}\n`);
      while (Buffer.byteLength(partial[stream]) > longestEntryBytes) {
        const entry = firstBytes(partial[stream], longestEntryBytes);
        add(stream, entry);
        partial[stream] = partial[stream].slice(entry.length);
      }
    },
    end() {
      if (ended) return;
      for (const stream of ['stdout', 'stderr'] as const) if (partial[stream] !== '') add(stream, partial[stream]);
      ended = true;
      for (const listener of listeners) listener(undefined);
      listeners.clear();
    },
  };
};

/** In whole characters; containerd does not mind cutting one. */
const firstBytes = (text: string, sizeBytes: number): string => new StringDecoder('utf8').write(Buffer.from(text).subarray(0, sizeBytes));

/** The end of a log, as it stands in for a termination message: at most so many lines and bytes. */
export const tailOf = (log: ContainerLog, lineCount = 80, sizeBytes = 2048): string => {
  const text = Buffer.from(
    log
      .entries()
      .slice(-lineCount)
      .map((entry) => entry.text)
      .join(''),
  );
  return text.subarray(Math.max(0, text.length - sizeBytes)).toString('utf8');
};
