import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { readCredentials } from './api.ts';
import { casesByFile } from './cases/index.ts';
import { compare } from './compare.ts';
import { unknownDifferences } from './known-differences.ts';
import { lies, type Lie, startLiar } from './liar.ts';
import { readRecorded } from './recorded.ts';
import { observe } from './run.ts';
import { sandboxImage, sandboxOptions } from './sandbox.ts';

/**
 * The comparison is no better than what it notices: between it and the sandbox stands a server that lies in one place,
 * and for every lie some case must turn red.
 */
let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox(sandboxOptions);
});
afterAll(() => sandbox.close());

/** What a case finds through a server in between. One that does not come to an end has noticed as well. */
const differencesThrough = async (lie: Omit<Lie, 'name' | 'noticedBy'>, [file, title]: Lie['noticedBy'], patienceMs: number): Promise<string[]> => {
  const conformanceCase = casesByFile[file]?.find((candidate) => candidate.title === title);
  if (!conformanceCase) throw new Error(`There is no case "${title}" in ${file}.`);
  const liar = await startLiar(readCredentials(sandbox.environment['KUBECONFIG'] ?? ''), lie);
  const { promise: outOfPatience, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve('it does not end'), patienceMs);
  try {
    const observed = await Promise.race([observe(conformanceCase, { credentials: liar.credentials, image: sandboxImage }), outOfPatience]);
    return unknownDifferences(file, title, compare(observed, readRecorded(file).get(title)));
  } catch (error) {
    return [String(error)];
  } finally {
    clearTimeout(timer);
    liar.close();
  }
};

describe.each(lies.map((lie) => [lie.name, lie] as const))('a server with which %s', (_name, lie) => {
  it('turns the comparison red', async () => {
    expect(await differencesThrough(lie, lie.noticedBy, 3_000)).not.toEqual([]);
  });

  it('leaves it green when it does not lie', async () => {
    expect(await differencesThrough({}, lie.noticedBy, 150_000)).toEqual([]);
  });
});
