import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it, onTestFinished } from 'vitest';
import { status } from './cluster.ts';
import { ownCluster } from './the-cluster.ts';
import { findProgram } from './tools.ts';

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Runs a script where the given files are not, as far as it and what it starts can see. */
const withoutFiles = (hidden: readonly string[], words: readonly string[], env: Record<string, string> = {}) => {
  const hide = hidden.map((path) => (path === '/sys/fs/cgroup' ? `mount -t tmpfs none ${path}` : `mount --bind /dev/null ${path}`)).join(' && ');
  return execa('unshare', ['--mount', 'sh', '-c', `${hide} && exec "$@"`, 'sh', process.execPath, ...words], { reject: false, env, timeout: 150_000 });
};

const found = (name: string): string => {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`${name} is not on this machine.`);
  return path;
};

describe('where a real cluster cannot run', () => {
  it.each([
    { missing: 'Go', hidden: () => [found('go')], says: 'A real cluster needs Go 1.21 or newer' },
    { missing: 'containerd and apt-get', hidden: () => [found('containerd'), found('apt-get')], says: "A real cluster needs the programs of Debian's packages containerd, and apt-get" },
    { missing: 'control groups', hidden: () => ['/sys/fs/cgroup'], says: 'A real cluster needs the control group controllers cpu, cpuset, memory, pids' },
  ])('`up` names what is missing: $missing', async ({ hidden, says }) => {
    const { exitCode, stderr } = await withoutFiles(hidden(), [file('main.ts'), 'up', '--name', 'nowhere']);
    expect(stderr).toContain(says);
    expect(stderr).not.toContain('    at ');
    expect(exitCode).toBe(1);
    expect((await status('nowhere')).up).toBe(false);
  });

  it('`up` says why packages could not be installed, and which', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kaito-ts-apt-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await Promise.all(['state/lists/partial', 'cache/archives/partial'].map((name) => mkdir(join(folder, name), { recursive: true })));
    await Promise.all([
      writeFile(join(folder, 'sources.list'), 'deb http://127.0.0.1:1/debian stable main\n'),
      writeFile(join(folder, 'state/status'), ''),
      writeFile(join(folder, 'apt.conf'), `Dir::State "${folder}/state"; Dir::State::status "${folder}/state/status"; Dir::Cache "${folder}/cache"; Dir::Etc::sourcelist "${folder}/sources.list"; Dir::Etc::sourceparts "-";`),
    ]);
    const { exitCode, stderr } = await withoutFiles([found('containerd')], [file('main.ts'), 'up', '--name', 'nowhere'], { APT_CONFIG: join(folder, 'apt.conf') });
    expect(stderr).toContain("A real cluster needs the programs of Debian's packages containerd, which could not be installed:");
    expect(stderr).toContain('Failed to fetch http://127.0.0.1:1/debian');
    expect(stderr).toContain('install them by hand: apt-get install containerd');
    expect(exitCode).toBe(1);
  });

  it.each([
    { what: 'a disk that is nearly full', prepare: 'mount -t tmpfs -o size=100m none "$XDG_CACHE_HOME"', says: /^A real cluster needs 2048 MiB free in \S+ \(there are 100\)/ },
    {
      what: "a container's disk",
      prepare: 'mount -t tmpfs none "$XDG_CACHE_HOME" && cd "$XDG_CACHE_HOME" && mkdir lower upper work merged && mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay merged && mount --bind merged "$XDG_CACHE_HOME"',
      says: /needs a disk for \S+ on which overlayfs can write/,
    },
  ])('`up` refuses $what', async ({ prepare, says }) => {
    const folder = await mkdtemp(join(tmpdir(), 'kaito-ts-disk-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const script = `${prepare} && cd / && exec "$@"`;
    const { exitCode, stderr } = await execa('unshare', ['--mount', 'sh', '-c', script, 'sh', process.execPath, file('main.ts'), 'up', '--name', 'nowhere'], { reject: false, env: { XDG_CACHE_HOME: folder } });
    expect(stderr).toMatch(says);
    expect(exitCode).toBe(1);
  });

  it('`up` names the Go that is too old', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kaito-ts-go-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'go'), '#!/bin/sh\necho go1.19.8\n', { mode: 0o755 });
    const { exitCode, stderr } = await execa(process.execPath, [file('main.ts'), 'up', '--name', 'nowhere'], { reject: false, env: { PATH: `${folder}:${process.env['PATH']}` } });
    expect(stderr).toContain(`A real cluster needs Go 1.21 or newer (${folder}/go is 1.19.8)`);
    expect(exitCode).toBe(1);
  });

  it.each([
    { words: ['up', 'mine'], says: 'up takes no "mine". To name a cluster: --name mine' },
    { words: ['start'], says: 'There is no command "start".' },
    { words: ['up', '--nme', 'x'], says: "Unknown option '--nme'." },
    { words: ['run', '--name', 'x'], says: 'Name a command after `run`.' },
    { words: [], says: 'Usage: npm run cluster' },
  ])('a command line that is wrong is refused, with how it goes: $words', async ({ words, says }) => {
    const { exitCode, stderr } = await execa(process.execPath, [file('main.ts'), ...words], { reject: false });
    expect(stderr).toContain(says);
    expect(stderr).toContain('npm run cluster --');
    expect(exitCode).toBe(2);
  });

  it('`run` says that the command is not there', async () => {
    const { exitCode, stderr } = await execa(process.execPath, [file('main.ts'), 'run', '--name', ownCluster().name, 'kubectrl', 'get', 'pods'], { reject: false });
    expect(stderr).toBe('There is no program kubectrl on this machine.');
    expect(exitCode).toBe(127);
  });

  it('`up` asks for root', async () => {
    const { exitCode, stderr } = await execa('setpriv', ['--reuid=65534', '--clear-groups', process.execPath, file('main.ts'), 'up', '--name', 'nowhere'], { reject: false });
    expect(stderr).toContain('A real cluster needs root, for mounts, namespaces and control groups: run it with sudo.');
    expect(exitCode).toBe(1);
  });

  it('the suite fails and says why, or says that it skips when it is optional', async () => {
    const required = await withoutFiles([found('go')], [file('suite.ts')], { KAITO_TEST_CLUSTER: '' });
    expect(required.stderr).toContain('Not run: the real cluster needs Go 1.21 or newer');
    expect(required.stderr).toContain('KAITO_TEST_CLUSTER=optional');
    expect(required.exitCode).toBe(1);
    const optional = await withoutFiles([found('go')], [file('suite.ts')], { KAITO_TEST_CLUSTER: 'optional' });
    expect(optional.stderr).toContain('Skipped: the real cluster needs Go 1.21 or newer');
    expect(optional.exitCode).toBe(0);
  });
});
