import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { runCli } from '../support/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'kaito-ts-'));

/** The script of that shell in a file, as a user's start-up file would load it. */
const writeScript = async (shell: string): Promise<string> => {
  const { stdout, stderr, exitCode } = await runCli(['completion', shell]);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  const file = join(folder, `completion.${shell}`);
  writeFileSync(file, stdout);
  return file;
};

const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

const run = (program: string, args: readonly string[]): string => {
  const { stdout, stderr, status } = spawnSync(program, args, { encoding: 'utf8', cwd: folder, env: { PATH: process.env['PATH'] ?? '', HOME: folder }, timeout: 120_000 });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return stdout;
};

describe.skipIf(!has('bash'))('completion in bash (needs bash)', () => {
  let script = '';
  beforeAll(async () => {
    script = await writeScript('bash');
  });
  /** What Tab would offer after these words, of which the last is the one being typed. */
  const complete = (...words: string[]): string[] => {
    const program = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kaito_ts; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return run('bash', ['--norc', '--noprofile', '-c', program, 'bash', script, 'kaito-ts', ...words]).split('\n').filter((word) => word !== '');
  };

  it('is registered for kaito-ts', () => {
    expect(run('bash', ['--norc', '-c', 'source "$1"; complete -p kaito-ts', 'bash', script])).toBe('complete -F _kaito_ts kaito-ts\n');
  });

  it('offers commands', () => {
    expect(complete('')).toEqual(expect.arrayContaining(['tune', 'serve', 'gc', 'doctor', 'endpoint', 'completion', 'help', '--version']));
    expect(complete('inst')).toEqual(['instance-types']);
  });

  it('offers the options of the command, and no others', () => {
    expect(complete('tune', '--out')).toEqual(['--output-image', '--output-image-secret', '--output-claim', '--output']);
    expect(complete('gc', '--del')).toEqual(['--delete']);
    expect(complete('presets', '--kube')).toEqual([]);
  });

  it('offers choices, presets and instance types as values, also after an equals sign', () => {
    expect(complete('tune', '--method', '')).toEqual(['lora', 'qlora']);
    expect(complete('tune', '--method', '=', 'q')).toEqual(['qlora']);
    expect(complete('tune', '--method', '=')).toEqual(['lora', 'qlora']);
    expect(complete('doctor', '--provisioner', 'b')).toEqual(['byo']);
    expect(complete('status', '-o', 'nd')).toEqual(['ndjson']);
    expect(complete('serve', '--preset', 'phi-3-mini')).toEqual(['phi-3-mini-128k-instruct', 'phi-3-mini-4k-instruct']);
    expect(complete('tune', '--instance-type', 'Standard_NV')).toEqual(['Standard_NV36ads_A10_v5', 'Standard_NV72ads_A10_v5']);
  });

  it('offers nothing for a value that nobody can guess', () => {
    expect(complete('tune', '--epochs', '')).toEqual([]);
    expect(complete('status', '-n', '')).toEqual([]);
  });

  it('offers files where a file is wanted', () => {
    expect(complete('status', '--kubeconfig', 'completion.b')).toEqual(['completion.bash']);
  });

  it('offers what arguments can be', () => {
    expect(complete('completion', 'z')).toEqual(['zsh']);
    expect(complete('presets', 'phi-4')).toEqual(expect.arrayContaining(['phi-4', 'phi-4-mini-instruct']));
    expect(complete('help', 'ex')).toEqual(['exit-codes']);
  });

  it('leaves alone what is another program’s', () => {
    expect(complete('sandbox', '--', 'kaito-ts', '')).toEqual([]);
  });
});

describe.skipIf(!has('zsh'))('completion in zsh (needs zsh)', () => {
  it('is registered for kaito-ts', async () => {
    expect(run('zsh', ['-f', '-c', 'autoload -U compinit; compinit -u -D; source "$1"; print $_comps[kaito-ts]', 'zsh', await writeScript('zsh')])).toBe('_kaito_ts\n');
  });
});

describe.skipIf(!has('fish'))('completion in fish (needs fish)', () => {
  it('offers commands, options and values', async () => {
    const script = await writeScript('fish');
    const complete = (line: string): string[] => run('fish', ['--no-config', '-c', `source ${script}; complete -C '${line}'`]).trimEnd().split('\n').map((offer) => offer.split('\t')[0] ?? '');
    expect(complete('kaito-ts inst')).toEqual(['instance-types']);
    expect(complete('kaito-ts gc --del')).toEqual(['--delete']);
    expect(complete('kaito-ts tune --method q')).toEqual(['qlora']);
    expect(complete('kaito-ts completion z')).toEqual(['zsh']);
  });
});

describe.skipIf(!has('pwsh'))('completion in PowerShell (needs pwsh)', () => {
  it('offers commands, options and values', async () => {
    const script = await writeScript('powershell');
    const complete = (line: string): string[] => run('pwsh', ['-NoProfile', '-Command', `Get-Content -Raw ${script} | Invoke-Expression; (TabExpansion2 '${line}' ${line.length}).CompletionMatches.CompletionText`]).trimEnd().split(/\r?\n/);
    expect(complete('kaito-ts inst')).toEqual(['instance-types']);
    expect(complete('kaito-ts gc --del')).toEqual(['--delete']);
    expect(complete('kaito-ts tune --method q')).toEqual(['qlora']);
  });
});

describe('completion', () => {
  it('names the shells when there is none of that name', async () => {
    const { stdout, stderr, exitCode } = await runCli(['completion', 'csh']);
    expect(stderr).toMatch(/There is no completion for "csh"[^]*Choose one of: bash, zsh, fish, powershell/);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: exitCodes.usage });
  });

  it('is printed as one script without anything of this machine in it', async () => {
    for (const shell of ['bash', 'zsh', 'fish', 'powershell']) expect((await runCli(['completion', shell])).stdout).toMatch(/^#.*kaito-ts[^]*kaito-ts[^]*\n$/);
  });
});
