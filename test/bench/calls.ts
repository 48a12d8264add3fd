import { startSandbox } from '../../src/sandbox/index.ts';
import { runCli } from '../support/cli.ts';
import { isWrite } from '../support/requests.ts';
import type { Row } from './table.ts';

/** What a second run asks where the first has left nothing to do. */
export const countCalls = async (): Promise<Row[]> => {
  const sandbox = await startSandbox({ faults: [], speed: 3000 });
  try {
    const rows: Row[] = [];
    for (const args of [['tune', '--preset', 'phi-3-mini', '--method', 'qlora'], ['serve', '--preset', 'phi-3-mini']]) {
      await runCli(args, { environment: sandbox.environment });
      const before = sandbox.requests();
      const { exitCode, stderr } = await runCli(args, { environment: sandbox.environment });
      if (exitCode !== 0) throw new Error(`${args.join(' ')} ended with exit code ${exitCode}:\n${stderr}`);
      const after = sandbox.requests();
      const kubernetes = after.kubernetes.slice(before.kubernetes.length);
      const azure = after.azure.slice(before.azure.length);
      const writes = [...kubernetes, ...azure].filter(isWrite);
      rows.push({ what: `calls of ${args[0]}, with nothing to do`, median: `${kubernetes.length} + ${azure.length} Azure`, ratio: `${writes.length} writes`, budget: '0 writes', isMissed: writes.length > 0 });
    }
    return rows;
  } finally {
    await sandbox.close();
  }
};
