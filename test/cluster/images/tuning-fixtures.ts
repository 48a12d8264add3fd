import { readdirSync, rmSync } from 'node:fs';
import { cp, link, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execFile } from 'node:child_process';
import { modelFiles, type TinyModel } from './models.ts';

/** A root folder with the stand-in in it: a static program needs nothing else. */
export interface Root {
  folder: string;
  write(path: string, content: string | Uint8Array): Promise<void>;
  list(path: string): string[];
  run(command: readonly string[], environment?: Record<string, string>, streams?: 'apart' | 'merged'): Promise<{ exitCode: number; stdout: string; stderr: string }>;
  remove(): void;
}

export const createRoot = async (binary: string): Promise<Root> => {
  const folder = await mkdtemp(join(tmpdir(), 'kaito-base-'));
  for (const name of ['accelerate', 'python3']) {
    await mkdir(join(folder, 'bin'), { recursive: true });
    await place(binary, join(folder, 'bin', name));
  }
  const write = async (path: string, content: string | Uint8Array): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  };
  await mkdir(join(folder, 'tmp'));
  return {
    folder,
    write,
    list: (path) => {
      try {
        return readdirSync(join(folder, path), { recursive: true }).map(String).sort();
      } catch {
        return [];
      }
    },
    run: (command, environment = {}, streams = 'apart') =>
      new Promise((resolve) => {
        const env = { PATH: '/usr/sbin:/bin', STAND_IN_BEHAVIOUR: '{"startMs":0,"loadMs":0,"stepMs":0,"tokenMs":0}', ...environment };
        execFile('/bin/sh', ['-c', `exec chroot "$@" ${streams === 'merged' ? '2>&1' : ''}`, 'sh', folder, ...command], { env, timeout: 150_000, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
          resolve({ exitCode: error ? Number(error.code ?? -1) : 0, stdout, stderr });
        });
      }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
};

/**
 * A link where that can be. The kernel refuses to run a file that anybody has open for writing, and a child of another test
 * may have got hold of a copy that is just being written.
 */
const place = (binary: string, path: string): Promise<void> => link(binary, path).catch(() => cp(binary, path));

export const writeModel = async (root: Root, path: string, model: TinyModel, change: (files: Record<string, string | Uint8Array>) => void = () => {}): Promise<void> => {
  const files = modelFiles(model);
  change(files);
  for (const [name, content] of Object.entries(files)) await root.write(`${path}/${name}`, content);
};

const lines = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const rows = (count: number, make: (index: number) => object): object[] => Array.from({ length: count }, (_, index) => make(index));
const turns = (index: number, user = 'user') => [{ role: user, content: 'Why? '.repeat(index + 1) }, { role: 'assistant', content: 'So.' }];
const messages = lines(rows(10, (index) => ({ messages: turns(index) })));

const jsonLines: Readonly<Record<string, string>> = {
  'batch2-equal-length': lines(rows(4, () => ({ messages: turns(1) }))),
  alpaca: lines(rows(10, () => ({ instruction: 'a', input: 'b', output: 'c' }))),
  text: lines(rows(10, () => ({ text: 'a' }))),
  'context-response': lines(rows(10, () => ({ context: 'a', response: 'b' }))),
  'conversations-fromvalue': lines(rows(10, () => ({ conversations: [{ from: 'human', value: 'a' }, { from: 'gpt', value: 'b' }] }))),
  'conversations-rolecontent': lines(rows(10, (index) => ({ conversations: turns(index) }))),
  'completion-only-loss': lines(rows(10, () => ({ prompt: 'a', completion: 'b' }))),
  'long-4000-tokens': lines(rows(2, (index) => ({ messages: turns(index) }))),
  'prompt-completion': lines(rows(10, () => ({ prompt: 'a', completion: 'b' }))),
  'prompt-completion-conv': lines(rows(10, (index) => ({ prompt: turns(index).slice(0, 1), completion: turns(index).slice(1) }))),
  'prompt-completion-no-chat-template': lines(rows(10, () => ({ prompt: 'a', completion: 'b' }))),
  'conv-fromvalue-permissive-template': lines(rows(10, () => ({ conversations: [{ from: 'human', value: 'a' }, { from: 'gpt', value: 'b' }] }))),
  'messages-extra-cols': lines(rows(10, (index) => ({ id: index, messages: turns(index), source: 'x' }))),
  'mixed-columns': '{"prompt":"a","completion":"b"}\n{"prompt":"a"}\n',
  'bad-role': lines(rows(1, (index) => ({ messages: turns(index, 'human') }))),
  'bad-json': '{"messages": []}\n{"messages": []}\n{"messages": [\n',
  'empty-file': '',
  'one-row': lines(rows(1, (index) => ({ messages: turns(index) }))),
  'one-row-split0': lines(rows(1, (index) => ({ messages: turns(index) }))),
};

/** The data of a recorded run, by what its name says of it. */
export const writeData = async (root: Root, name: string): Promise<void> => {
  switch (name.replace('trl116-', '')) {
    case 'no-file':
      return;
    case 'txt-only':
      return root.write('/mnt/data/notes.txt', 'a');
    case 'csv-text':
      return root.write('/mnt/data/train.csv', `text\n${'a\n'.repeat(10)}`);
    case 'csv-prompt-completion':
      return root.write('/mnt/data/train.csv', `prompt,completion\n${'a,b\n'.repeat(10)}`);
    case 'messages-jsonarray':
      return root.write('/mnt/data/train.json', JSON.stringify(messages.trim().split('\n').map((line): unknown => JSON.parse(line))));
    case 'name-contains-parquet':
      return root.write('/mnt/data/zz_train.parquet.bak', 'no parquet');
    case 'nested-data-dir':
      return root.write('/mnt/data/data/train.jsonl', messages);
    default:
      return root.write('/mnt/data/train.jsonl', jsonLines[name.replace('trl116-', '')] ?? messages);
  }
};
