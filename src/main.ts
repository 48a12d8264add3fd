import { homedir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Command, Context } from './cli/command.ts';
import { optionKeys, readConfiguration } from './cli/configuration.ts';
import { commandNames, loadCommand } from './cli/find.ts';
import { globalOptions, namespaceFlag } from './cli/globals.ts';
import { makePasteable, placeOf, type Place } from './cli/pasteable.ts';
import { parseCommandLine, type Invocation } from './cli/program.ts';
import { exitCodes, UsageError } from './domain/errors.ts';
import { toKaitoError } from './domain/unexpected.ts';
import { sanitise } from './terminal/sanitise.ts';
import { openSystem, type System } from './terminal/system.ts';
import { version } from './version.ts';

/** Command line in, exit code out. The only place that joins the parts with their real implementations. */
export const main = async (argv: readonly string[]): Promise<number> => {
  const system = openSystem();
  try {
    const invocation = await parse(argv, system);
    return invocation ? await run(invocation, system) : exitCodes.done;
  } catch (error) {
    const failure = toKaitoError(error, version);
    const [{ renderError }, { createStyle }] = await Promise.all([import('./outputs/error-text.ts'), import('./outputs/style.ts')]);
    await system.terminal.writeErr(renderError(failure, createStyle(system.terminal.stderrColorLevel)));
    return failure.exitCode;
  } finally {
    system.close();
  }
};

/** Undefined when the command line was answered by itself: help, or the version. */
const parse = async (argv: readonly string[], { terminal }: System): Promise<Invocation | undefined> => {
  const names = await commandNames();
  const [first = '', second = ''] = argv;
  if (first === 'help' && !names.includes(second)) {
    const { topics } = await import('./cli/topics.ts');
    const topic = topics[second];
    if (topic) {
      await terminal.writeOut(topic());
      return undefined;
    }
    if (second !== '' && second !== 'help' && !second.startsWith('-')) {
      throw new UsageError(`There is no help for ${JSON.stringify(second)}.`, { reason: 'UnknownTopic', fact: `Topics: ${Object.keys(topics).join(', ')}, and each command.`, hints: ['kaito-ts --help'] });
    }
  }
  // The one command that was asked for is enough; help and mistakes need all of them.
  const needed = names.includes(first) ? [first] : names;
  const commands = new Map<string, Command>(await Promise.all(needed.map(async (name) => [name, await loadCommand(name)] as const)));
  let shown = '';
  const parsed = await parseCommandLine(argv, {
    version,
    commands,
    columns: terminal.columns,
    write: (text) => {
      shown += text;
    },
    configuration: async () => await readConfiguration(process.env, process.cwd(), homedir(), async () => await allOptionKeys(names)),
  });
  await terminal.writeOut(shown);
  return parsed.kind === 'invocation' ? parsed.invocation : undefined;
};

/** A file of settings holds options of any command. */
const allOptionKeys = async (names: readonly string[]): Promise<Set<string>> => {
  const commands = await Promise.all(names.map(loadCommand));
  return new Set([globalOptions, ...commands.map(({ options }) => options)].flatMap(optionKeys));
};

const run = async ({ command, input, globals }: Invocation, system: System): Promise<number> => {
  const { terminal, signal } = system;
  const [{ outputs }, { createStyle }] = await Promise.all([import('./outputs/index.ts'), import('./outputs/style.ts')]);
  const output = outputs[globals.output]({
    writeOut: (text) => terminal.writeOut(text),
    writeErr: (text) => terminal.writeErr(text),
    columns: terminal.columns,
    isOutTty: terminal.isStdoutTty,
    isErrTty: terminal.isStderrTty,
    isLive: terminal.isInteractive && terminal.isStderrTty,
    isQuiet: globals.quiet,
    outStyle: createStyle(terminal.stdoutColorLevel),
    errStyle: createStyle(terminal.stderrColorLevel),
    now: () => Date.now(),
    plain: sanitise,
  });
  const context = createContext(globals, system);
  try {
    let exitCode: number = exitCodes.done;
    for await (const event of command.run(input, context)) {
      if (event.type === 'exit') exitCode = event.exitCode;
      await output.handle(makePasteable(event, context.place()));
    }
    await output.finish();
    return exitCode;
  } catch (error) {
    const failure = toKaitoError(signal.aborted && !isKaitoError(error) ? signal.reason : error, version);
    await output.handle(makePasteable({ type: 'failed', error: failure }, context.place()));
    await output.finish();
    return failure.exitCode;
  } finally {
    await context.close();
  }
};

const isKaitoError = (error: unknown): boolean => error instanceof Error && 'exitCode' in error;

const createContext = (globals: Invocation['globals'], { terminal, signal }: System): Context & { place(): Place; close(): Promise<void> } => {
  let told = namespaceFlag(globals);
  const cluster = once(async (namespace?: string) => {
    told ??= namespace;
    const chosen = told ?? globals.namespace;
    const { connectCluster } = await import('./cluster/kubernetes.ts');
    return await connectCluster({
      ...(globals.kubeconfig === undefined ? {} : { kubeconfig: globals.kubeconfig }),
      ...(globals.context === undefined ? {} : { context: globals.context }),
      ...(chosen === undefined ? {} : { namespace: chosen }),
      env: process.env,
      homeDirectory: homedir(),
      userAgent: `kaito-ts/${version}`,
      timing: { callMs: globals.requestTimeout },
      isInteractive: terminal.isInteractive,
    });
  });
  const cloud = once(async () => {
    const [{ createAzureCloud }, { parseAzureSettings }] = await Promise.all([import('./cloud/azure.ts'), import('./cloud/settings.ts')]);
    return createAzureCloud(parseAzureSettings(process.env), { clock });
  });
  const hub = once(async () => {
    const [{ createHub }, { readHubSettings }] = await Promise.all([import('./hub/hub.ts'), import('./hub/settings.ts')]);
    return createHub(await readHubSettings(process.env, homedir(), `kaito-ts/${version}`), clock);
  });
  const shipped = once(async () => await import('./manifests/shipped.ts'));
  return {
    terminal,
    clock,
    signal,
    environment: process.env,
    globals,
    cluster,
    cloud,
    hub,
    presets: once(async () => await (await shipped()).readShippedPresets()),
    async templates(overrides) {
      if (overrides === undefined) return await (await shipped()).readShippedTemplates();
      const { readTemplates } = await import('./manifests/files.ts');
      return await readTemplates(packageFolder('templates'), overrides);
    },
    program: { executable: process.execPath, arguments: [packageFolder('bin/kaito-ts.js')] },
    place: () => placeOf(globals, told),
    async close() {
      if (cluster.isStarted()) (await cluster().catch(() => undefined))?.close();
    },
  };
};

const clock = {
  now: () => Date.now(),
  async sleep(durationMs: number, signal?: AbortSignal) {
    try {
      await delay(durationMs, undefined, signal ? { signal } : {});
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};

/** `main` is one level below the package's root in the sources and in the bundle alike. */
const packageFolder = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));

const once = <A extends unknown[], T>(create: (...given: A) => Promise<T>): ((...given: A) => Promise<T>) & { isStarted(): boolean } => {
  let value: Promise<T> | undefined;
  const get = (...given: A): Promise<T> => (value ??= create(...given));
  return Object.assign(get, { isStarted: () => value !== undefined });
};
