import { afterAll, beforeAll, expect, it } from 'vitest';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { type Credentials, readCredentials } from './api.ts';
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

const files = ['apply', 'field-validation', 'list', 'patch', 'protocol', 'watch'];

/** Titles of the cases that differ. A case that cannot even be observed has noticed too. */
const redCases = async (credentials: Credentials): Promise<string[]> => {
  const red = files.map(async (file) => {
    const titles = (casesByFile[file] ?? []).map(async (conformanceCase): Promise<string[]> => {
      const { title } = conformanceCase;
      // A lie may keep a case waiting for what never comes.
      const observed = await Promise.race([observe(conformanceCase, { credentials, image: sandboxImage }).catch(() => undefined), patience()]);
      return unknownDifferences(file, title, compare(observed, readRecorded(file).get(title))).length > 0 ? [title] : [];
    });
    return (await Promise.all(titles)).flat();
  });
  return (await Promise.all(red)).flat();
};

const patience = (): Promise<undefined> => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  setTimeout(() => resolve(undefined), 6_000).unref();
  return promise;
};

const through = async (lie: Lie): Promise<string[]> => {
  const liar = await startLiar(readCredentials(sandbox.environment['KUBECONFIG'] ?? ''), lie);
  try {
    return await redCases(liar.credentials);
  } finally {
    liar.close();
  }
};

it('is content with a server in between that tells the truth', async () => {
  expect(await through({ name: 'nothing' })).toEqual([]);
});

it.each(lies.map((lie) => [lie.name, lie] as const))('turns red when %s', async (_name, lie) => {
  expect(await through(lie)).not.toEqual([]);
});
