import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { status } from './cluster.ts';
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
