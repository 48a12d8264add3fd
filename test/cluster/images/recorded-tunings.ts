import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder } from '../../support/project.ts';

/** One run of KAITO's own tuning script: its configuration and what it wrote. */
export interface RecordedTuning {
  name: string;
  config: string;
  stdout: string;
  stderr: string;
  exitCode: number;
}

const logs = join(dataFolder, 'runtime-observed', 'logs');

const readLines = (file: string): Record<string, unknown>[] =>
  readFileSync(join(logs, file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** A name with a dot was cut at it where the runs were written down, so the fields' names may have a rest of it in front. */
const field = (run: Record<string, unknown>, end: string): string => {
  const value = Object.entries(run).find(([name]) => name.endsWith(end))?.[1];
  return typeof value === 'string' ? value : '';
};

export const readRecordedTunings = (): RecordedTuning[] => {
  const codes = new Map(readLines('matrix.jsonl').map(({ name, rc }) => [String(name), Number(rc)]));
  return readLines('matrix-runs.jsonl').map((run) => {
    const stderr = field(run, 'stderr.txt');
    const name = String(run['case']);
    return { name, config: field(run, 'config.yaml'), stdout: field(run, 'stdout.txt'), stderr, exitCode: codes.get(name) ?? (stderr.includes('CalledProcessError') ? 1 : 0) };
  });
};

/** What is the same in every run: no clock, no rates, no bar that is drawn as often as there is time for. */
export const comparableStderr = (text: string): string[] =>
  text
    .replaceAll('\u001B[A', '')
    .replaceAll('\r', '\n')
    .split('\n')
    .map((line) => line.replace(/^(INFO|WARNING|ERROR) \d\d-\d\d [\d:]{8}/, '$1').replace(/\[[\d:?]+<[\d:?]+, *[\d.?]+ *(it|s| examples)\/(s|it)\]/, '[]'))
    // A bar and what was written behind it on the same line, one of several threads of it.
    .flatMap((line) => line.split(/(?<=\| \d+\/\d+ \[\])(?=.)/))
    // Of libraries on the machine of the recording: it has no GPU, and its data was in a cache.
    .filter((line) => !noise.test(line) && line.trim() !== '' && !/^\s*\d+%\|/.test(line));

const noise = /_check_is_size|^Generating train split|bitsandbytes\/backends|warnings\.warn\(|new PAD\/BOS\/EOS|mtime may not be reliable|Token indices sequence length/;

/** Which numbers are in a log entry, and the two of them that follow from the configuration. */
export const comparableStdout = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (/^\{'(?:loss|eval_loss|train_runtime)'/.test(line) ? line.replaceAll(/'(?!learning_rate|epoch)(\w+)': '[^']*'/g, "'$1': *") : line));
