/** A program on the real terminal, for the tests that start it as a child process: `node program.ts <scenario>`. */
import { KaitoError } from '../../src/domain/errors.ts';
import { openSystem } from '../../src/terminal/system.ts';

const system = openSystem();
const { terminal, signal } = system;

const scenarios: Record<string, () => Promise<void>> = {
  facts: async () => {
    const { isStdinTty, isStdoutTty, isStderrTty, isInteractive, columns, stdoutColorLevel, stderrColorLevel } = terminal;
    await terminal.writeOut(`${JSON.stringify({ isStdinTty, isStdoutTty, isStderrTty, isInteractive, columns, stdoutColorLevel, stderrColorLevel })}\n`);
  },
  echo: async () => {
    await terminal.writeErr('reading\n');
    await terminal.writeOut(await terminal.readAll(signal));
  },
  flood: async () => {
    for (let line = 1; ; line += 1) await terminal.writeOut(`line ${line}\n`);
  },
  floodErr: async () => {
    for (let line = 1; ; line += 1) await terminal.writeErr(`line ${line}\n`);
  },
  large: async () => {
    for (let index = 0; index < 64; index += 1) await terminal.writeOut('x'.repeat(65_536));
  },
  confirm: async () => {
    const isSure = await terminal.confirm('Delete the node pool?', { yesFlag: '--yes', signal });
    await terminal.writeOut(`sure: ${isSure}\n`);
  },
  /** Stops politely when asked, and takes for ever to do so. */
  slowToStop: async () => {
    await terminal.writeOut('ready\n');
    const alive = setInterval(() => {}, 1000);
    signal.addEventListener('abort', () => void terminal.writeOut(`stopping: ${String(signal.reason)}\n`));
    await new Promise(() => alive);
  },
  lines: async () => {
    const editor = await terminal.openLineEditor();
    for (;;) {
      const read = await editor.read('>>> ');
      await terminal.writeOut(`${JSON.stringify(read)}\n`);
      if (read.type === 'ended') break;
    }
    editor.close();
  },
};

try {
  await scenarios[process.argv[2] ?? '']?.();
} catch (error) {
  if (!(error instanceof KaitoError)) throw error;
  await terminal.writeErr(`${error.name}: ${error.message} ${error.hints.join(' ')}\n`);
  process.exitCode = error.exitCode;
}
system.close();
