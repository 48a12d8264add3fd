import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { readCredentials } from './api.ts';
import { casesByFile } from './cases/index.ts';
import { compare } from './compare.ts';
import { knownTitles, unknownDifferences } from './known-differences.ts';
import { readRecorded } from './recorded.ts';
import { observe } from './run.ts';
import { sandboxImage, sandboxOptions } from './sandbox.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox(sandboxOptions);
});
afterAll(() => sandbox.close());

describe.each(Object.entries(casesByFile))('the sandbox answers as Kubernetes 1.36.3 did (%s)', (file, cases) => {
  const recorded = readRecorded(file);
  const titles = cases.map(({ title }) => title);

  it('has a recording for each case, and no other: record anew with test/conformance/record.ts', () => {
    expect([...recorded.keys()].toSorted()).toEqual(titles.toSorted());
    expect(knownTitles(file).filter((title) => !titles.includes(title))).toEqual([]);
  });

  it.concurrent.each(cases.map((conformanceCase) => [conformanceCase.title, conformanceCase] as const))('%s', async (title, conformanceCase) => {
    const observed = await observe(conformanceCase, { credentials: readCredentials(sandbox.environment['KUBECONFIG'] ?? ''), image: sandboxImage });
    expect(unknownDifferences(file, title, compare(observed, recorded.get(title)))).toEqual([]);
  });
});
