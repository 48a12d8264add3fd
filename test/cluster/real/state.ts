import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.ts';
import type { NodeSettings } from './node.ts';
import { folderOf } from './files.ts';

/** What another process needs to know to go on with a cluster. */
export interface State {
  name: string;
  block: number;
  /** False while `up` is at work, or was cut off. */
  ready: boolean;
  nodes: Record<string, NodeState>;
}

export interface NodeState extends NodeSettings {
  /** Makes its address. */
  index: number;
}

const fileOf = (name: string): string => join(folderOf(name), 'state.json');

export const readState = (name: string): State | undefined => (existsSync(fileOf(name)) ? (JSON.parse(readFileSync(fileOf(name), 'utf8')) as State) : undefined);

export const writeState = (state: State): void => {
  const unfinished = `${fileOf(state.name)}.unfinished`;
  writeFileSync(unfinished, JSON.stringify(state, null, 2));
  renameSync(unfinished, fileOf(state.name));
};

/** One at a time, whichever processes change it. */
export const changeState = <T>(name: string, change: (state: State) => T): Promise<T> =>
  withLock(`state-${name}`, 5 * 60_000, async () => {
    const state = readState(name);
    if (state === undefined) throw new Error(`No cluster is called ${name}.`);
    const result = change(state);
    writeState(state);
    return result;
  });
