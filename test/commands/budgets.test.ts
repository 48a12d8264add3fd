import { beforeAll, describe, expect, it } from 'vitest';
import { isWrite } from '../support/requests.ts';
import { useSandbox } from '../support/sandbox.ts';

describe('a command that has nothing to do', () => {
  const sandbox = useSandbox();
  const tune = ['tune', '--preset', 'phi-3-mini', '--method', 'qlora'];
  const serve = ['serve', '--preset', 'phi-3-mini'];

  /** What one run asks of either API. */
  const requestsOf = async (args: readonly string[]) => {
    const before = sandbox.requests();
    const { stderr, exitCode } = await sandbox.run(args);
    const after = sandbox.requests();
    return { stderr, exitCode, kubernetes: after.kubernetes.slice(before.kubernetes.length), azure: after.azure.slice(before.azure.length) };
  };

  beforeAll(async () => {
    for (const args of [tune, serve]) {
      const { kubernetes, azure, exitCode } = await requestsOf(args);
      expect(exitCode).toBe(0);
      // Were writes not seen here, the tests below would prove nothing.
      expect(kubernetes.filter(isWrite)).not.toEqual([]);
      expect(azure.filter(isWrite)).not.toEqual([]);
    }
  });

  it.each([
    { what: 'a finished tune', args: tune, most: { kubernetes: 27, azure: 4 } },
    { what: 'a serve that answers', args: serve, most: { kubernetes: 40, azure: 4 } },
  ])('writes nothing and asks little when it is $what', async ({ args, most }) => {
    const { kubernetes, azure, exitCode } = await requestsOf(args);
    expect(exitCode).toBe(0);
    expect([...kubernetes, ...azure].filter(isWrite)).toEqual([]);
    expect(kubernetes.length, list(kubernetes)).toBeLessThanOrEqual(most.kubernetes);
    expect(azure.length, list(azure)).toBeLessThanOrEqual(most.azure);
  });
});

const list = (requests: readonly { method: string; path: string }[]): string => requests.map(({ method, path }) => `${method} ${path}`).join('\n');
