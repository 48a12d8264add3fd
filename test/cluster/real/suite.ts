import { execa } from 'execa';
import { buildBinary } from './binary.ts';
import { provideRequirements } from './requirements.ts';
import { isOffline, wordsOf } from './tools.ts';

/**
 * `npm run test:cluster`: the tests that need a real cluster. Where there cannot be one it says why, and that is a failure
 * unless KAITO_TEST_CLUSTER=optional.
 */
const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** Installs and builds what a cluster is made of; why it cannot run when that is the machine's fault. */
const provide = async (): Promise<string[]> => {
  const unmet = await provideRequirements(say);
  if (unmet.length > 0) return unmet;
  try {
    await buildBinary(say);
    return [];
  } catch (error) {
    if (!isOffline(error)) throw error;
    return [`Go's module proxy, to build Kubernetes from its modules (${wordsOf(error).split('\n').at(-1)}).`];
  }
};

const isGiven = process.env['KAITO_TEST_KUBECONFIG'] !== undefined;
const unmet = isGiven ? [] : await provide();
if (unmet.length > 0) {
  const isOptional = process.env['KAITO_TEST_CLUSTER'] === 'optional';
  for (const requirement of unmet) say(`${isOptional ? 'Skipped' : 'Not run'}: the real cluster needs ${requirement}`);
  if (!isOptional) say('Set KAITO_TEST_KUBECONFIG to use a cluster that you have, or KAITO_TEST_CLUSTER=optional to go on without.');
  process.exitCode = isOptional ? 0 : 1;
} else {
  const { exitCode = 1 } = await execa('vitest', ['run', '--config', 'vitest.cluster.config.ts', ...process.argv.slice(2)], { stdio: 'inherit', reject: false, preferLocal: true });
  process.exitCode = exitCode;
}
