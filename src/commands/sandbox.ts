import { defineCommand } from '../cli/command.ts';
import { count, texts, toggle } from '../cli/options.ts';
import { FailedError, UsageError } from '../domain/errors.ts';

export default defineCommand({
  summary: 'Start an AKS with GPUs on this machine that costs nothing, or run one command in it',
  description: [
    'Real servers on 127.0.0.1 behind TLS: a Kubernetes API, Azure Resource Manager, an identity endpoint, a registry, and a trainer and model servers that play what was recorded of the real ones. No cluster, no Azure account and no GPU is needed, and nothing leaves this machine.',
    'Without a command it prints the environment that points at it, and runs until interrupted. Its time passes faster than ours: ten minutes take a second.',
  ].join('\n\n'),
  usesCluster: false,
  passesThrough: true,
  arguments: [{ usage: '[command...]', description: 'run this with the environment set, and stop when it ends' }],
  options: {
    demo: toggle('--demo', 'tune, serve, look at and talk to a model, showing each command and what it prints'),
    fault: texts('--fault <name>', 'trouble to play, may be repeated; --fault list names them'),
    speed: count('--speed <factor>', 'how many times faster than ours its time passes', { defaultText: '600' }),
  },
  examples: ['sandbox --demo', 'sandbox -- kaito-ts tune --preset phi-3-mini --method qlora', 'sandbox --fault quota -- kaito-ts tune --preset phi-3-mini --method qlora', 'sandbox'],
  async *run({ arguments: command, options }, context) {
    const [{ startSandbox }, { faultMeanings, isFault }, { runInside, demoCommands, writeShim }] = await Promise.all([import('../sandbox/index.ts'), import('../sandbox/faults.ts'), import('../sandbox/inside.ts')]);
    if (options.fault.includes('list')) {
      yield { type: 'table', columns: ['FAULT', 'WHAT HAPPENS'], rows: Object.entries(faultMeanings), data: faultMeanings };
      return;
    }
    const unknown = options.fault.filter((name) => !isFault(name));
    if (unknown.length > 0) throw new UsageError(`There is no fault ${unknown.join(', ')}.`, { hints: [`Choose from: ${Object.keys(faultMeanings).join(', ')}.`] });
    if (options.demo && command.length > 0) throw new UsageError('--demo runs its own commands.', { hints: ['kaito-ts sandbox --demo'] });
    const { signal, terminal } = context;
    // Ctrl-C belongs to the command inside: in a chat it stops the answer, not the sandbox.
    const releaseInterrupts = options.demo || command.length > 0 ? terminal.onInterrupt(() => {}) : () => {};
    const sandbox = await startSandbox({ faults: options.fault.filter(isFault), speed: options.speed ?? 600 });
    try {
      const shim = await writeShim(sandbox.folder, context.program);
      const environment = { ...context.environment, ...sandbox.environment, PATH: `${shim}:${context.environment['PATH'] ?? ''}` };
      if (options.demo) {
        for (const demo of demoCommands) {
          await terminal.writeErr(`\n$ ${demo.map(quote).join(' ')}\n`);
          const exitCode = await runInside(demo, environment, context.program, signal);
          if (exitCode !== 0) throw new FailedError(`The demo stopped: ${demo.join(' ')} ended with exit code ${exitCode}.`);
        }
      } else if (command.length > 0) {
        const exitCode = await runInside(command, environment, context.program, signal);
        if (exitCode !== 0) yield { type: 'exit', exitCode };
      } else {
        yield { type: 'note', message: 'The sandbox runs. In another terminal, set this environment; Ctrl-C here ends it.' };
        yield { type: 'result', result: { environment: sandbox.environment }, summary: Object.entries({ ...sandbox.environment, PATH: `${shim}:$PATH` }).map(([name, value]) => `export ${name}="${value}"`), staysOpen: true };
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      }
    } finally {
      releaseInterrupts();
      await sandbox.close();
    }
  },
});

const quote = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `"${word}"`);
