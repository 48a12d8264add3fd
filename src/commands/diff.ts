import { defineCommand } from '../cli/command.ts';
import { hasFlagOfItsOwn } from '../cli/given-flags.ts';
import { text } from '../cli/options.ts';
import { exitCodes, KaitoError, UsageError } from '../domain/errors.ts';
import type { Plan } from '../domain/plan.ts';
import serve from './serve.ts';
import tune from './tune.ts';

export default defineCommand({
  summary: 'Show what tune or serve would change in the cluster, object by object, and change nothing',
  description: 'Takes the flags of tune and serve, or a Workspace file. The API server rehearses each write; values of Secrets are not shown. Exit code 0: nothing differs, 1: something does, above 1: it could not be told.',
  usesCluster: true,
  arguments: [{ usage: '[name]', description: 'name of the workspace' }],
  options: {
    ...serve.options,
    ...tune.options,
    config: text('--config <name>', 'ConfigMap with your own training_config.yaml or inference_config.yaml'),
    // Taken and of no effect, so that a command line of tune or serve can be compared as it is.
    dryRun: { ...tune.options.dryRun, isHidden: true },
    noWait: { ...tune.options.noWait, isHidden: true },
  },
  examples: ['diff --preset phi-3-mini', 'diff -f workspace.yaml', 'diff my-tuning --preset phi-3-mini --method qlora --rank 16'],
  async *run({ arguments: [name], options, origins }, context) {
    const [{ openWorkspaces }, { comparePlan }, { readRecord }] = await Promise.all([import('../validation/open-workspace.ts'), import('../flow/compare-plan.ts'), import('../flow/read-record.ts')]);
    try {
      // Read once: the command that plans reads it again.
      const stdin = options.filename.includes('-') ? await context.terminal.readAll(context.signal) : '';
      const readStdin = async (): Promise<string> => stdin;
      const [written, second] = options.filename.length === 0 ? [] : await openWorkspaces(options.filename, { name, readStdin, namespaceFlag: undefined, provisioner: options.provisioner, overrides: () => [] });
      if (second) throw new UsageError('There are several Workspaces, and one is compared at a time.', { reason: 'AmbiguousWorkspace', hints: ['kaito-ts diff <name> -f <file>'] });
      // Without a file, a flag that only tune has means a tuning, and so does the record of one.
      const isRecorded = async (): Promise<boolean> => name !== undefined && options.preset === undefined && (await readRecord(await context.cluster(), name, context.signal))?.workspace.tuning !== undefined;
      const isTuning = written ? written.kind === 'tuning' : hasFlagOfItsOwn(tune.options, serve.options, origins) || (await isRecorded());
      const command = isTuning ? tune : serve;
      const input = { arguments: name === undefined ? [] : [name], options: { ...options, dryRun: true }, origins };
      let plan: Plan | undefined;
      for await (const event of command.run(input, { ...context, terminal: { ...context.terminal, readAll: readStdin } })) {
        if (event.type === 'planned') ({ plan } = event);
        else yield event;
      }
      let count = 0;
      if (plan) {
        for (const { kind, title } of plan.steps) if (kind === 'create-agent-pool' || kind === 'delete-agent-pool') yield { type: 'note', message: `Beside the objects: ${title}.` };
        for await (const { object, change, text: hunks } of comparePlan(plan, await context.cluster(), { signal: context.signal, now: new Date(context.clock.now()).toISOString() })) {
          count += 1;
          yield { type: 'item', item: { ...object, change, diff: hunks }, text: hunks };
        }
      }
      if (count > 0) yield { type: 'exit', exitCode: exitCodes.failed };
      else if (context.globals.output !== 'ndjson') yield { type: 'result', result: { items: [] }, summary: [] };
    } catch (error) {
      if (!(error instanceof KaitoError) || error.exitCode !== exitCodes.failed) throw error;
      // 1 says that something differs.
      yield { type: 'failed', error };
      yield { type: 'exit', exitCode: exitCodes.preflightRefused };
    }
  },
});
