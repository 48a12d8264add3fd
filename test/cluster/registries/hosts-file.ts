import { readFileSync, writeFileSync } from 'node:fs';
import { withLock } from '../real/lock.ts';

const file = '/etc/hosts';

/** What this machine itself resolves: lines with the cluster's name behind them, so that others' stay. */
export const setHostNames = (cluster: string, address: string, hosts: readonly string[]): Promise<void> =>
  rewrite((lines) => [...lines.filter((line) => !line.endsWith(mark(cluster))), ...hosts.map((host) => `${address} ${host} ${mark(cluster)}`)]);

export const removeHostNames = (cluster: string): Promise<void> => rewrite((lines) => lines.filter((line) => !line.endsWith(mark(cluster))));

const mark = (cluster: string): string => `# kaito-ts test cluster ${cluster}`;

/** In place: in a container the file is mounted and cannot be replaced. */
const rewrite = (change: (lines: string[]) => string[]): Promise<void> =>
  withLock('etc-hosts', 5 * 60_000, async () => {
    const before = readFileSync(file, 'utf8');
    const after = `${change(before.replace(/\n$/, '').split('\n')).join('\n')}\n`;
    if (after !== before) writeFileSync(file, after);
  });
