import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { downWithRegistries, upWithRegistries } from '../registries/with-cluster.ts';
import { defaultName, listClusters, open, status } from './cluster.ts';
import { cacheFolder } from './files.ts';
import { Interrupted } from './interruption.ts';

const usage = `Usage: npm run cluster -- <command> [--name NAME]

A real Kubernetes on this machine: control plane, DNS, registries and one node without GPUs.

  up               start it and print how to reach it (builds it first when that was never done: minutes)
  status           say what runs
  run <command…>   run a command with KUBECONFIG set to it
  down             end it and leave nothing of it

  --name NAME      one of several side by side (default: ${defaultName})
  --help           print this help

Needs Linux, root, Go and apt. What was built is kept in ${cacheFolder}.
`;

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

class UsageError extends Error {}

interface Request {
  verb: string | undefined;
  name: string;
  wantsHelp: boolean;
  /** What follows `run` belongs to the command, options included. */
  command: string[];
}

const readRequest = (words: string[]): Request => {
  const [own, command] = splitAtCommand(words);
  const { values, positionals } = parseOptions(own);
  const [verb, ...more] = positionals;
  if (more.length > 0) throw new UsageError(`${verb} takes no "${more.join(' ')}". To name a cluster: --name ${more[0]}`);
  return { verb, name: values.name, wantsHelp: values.help, command };
};

/** `run --name x kubectl get --all`: what is ours, and the command to run. */
const splitAtCommand = (words: string[]): [string[], string[]] => {
  const runAt = words.indexOf('run');
  if (runAt === -1 || words[runAt - 1] === '--name') return [words, []];
  let end = runAt + 1;
  while (words[end]?.startsWith('--name') === true) end += words[end] === '--name' ? 2 : 1;
  return [words.slice(0, end), words.slice(words[end] === '--' ? end + 1 : end)];
};

const parseOptions = (args: string[]) => {
  try {
    return parseArgs({ args, allowPositionals: true, options: { name: { type: 'string', default: defaultName }, help: { type: 'boolean', short: 'h', default: false } } });
  } catch (error) {
    throw new UsageError((error as Error).message.replace(/\. To specify .*/u, '.'), { cause: error });
  }
};

const main = async (): Promise<number> => {
  const { verb, name, wantsHelp, command } = readRequest(process.argv.slice(2));
  if (wantsHelp) {
    process.stdout.write(usage);
    return 0;
  }
  switch (verb) {
    case 'up':
      return bringUp(name);
    case 'down': {
      const wasThere = await downWithRegistries(name);
      say(wasThere ? `The cluster ${name} is gone.` : `There was no cluster ${name}.`);
      return 0;
    }
    case 'status':
      return printStatus(name);
    case 'run':
      return runCommand(name, command);
    case undefined:
      say(usage);
      return 2;
    default:
      throw new UsageError(`There is no command "${verb}".`);
  }
};

const bringUp = async (name: string): Promise<number> => {
  const startedAt = Date.now();
  const { cluster, registries } = await upWithRegistries({ name, report: say });
  say(`The private registry is ${registries.privateHost}.`);
  say(`The cluster ${name} is up, after ${Math.round((Date.now() - startedAt) / 1000)} s. Its logs are in ${cluster.folder}/log.`);
  process.stdout.write(exportLine(cluster.kubeconfigFile));
  return 0;
};

/** For a shell to read, wherever the file lies. */
const exportLine = (kubeconfigFile: string): string => `export KUBECONFIG=${/[^\w./-]/u.test(kubeconfigFile) ? `'${kubeconfigFile.replaceAll("'", String.raw`'\''`)}'` : kubeconfigFile}\n`;

const printStatus = async (name: string): Promise<number> => {
  const { up: isUp, processes, nodes } = await status(name);
  if (!isUp) {
    const others = listClusters();
    say(`The cluster ${name} is not up.${others.length > 0 ? ` Others are: ${others.join(', ')}.` : ''}`);
    return 1;
  }
  for (const { name: component, running, status: end } of processes.toSorted((a, b) => a.name.localeCompare(b.name))) {
    process.stdout.write(`${component.padEnd(40)} ${running ? 'running' : (end ?? 'ended')}\n`);
  }
  process.stdout.write(`nodes: ${nodes.join(', ')}\n${exportLine((await open(name)).kubeconfigFile)}`);
  return 0;
};

const runCommand = async (name: string, [program, ...rest]: string[]): Promise<number> => {
  if (program === undefined) throw new UsageError('Name a command after `run`.');
  const { kubeconfigFile } = await open(name);
  const ignore = (): void => {}; // Ctrl-C is for the command.
  process.on('SIGINT', ignore);
  const { exitCode, signal, code, shortMessage } = await execa(program, rest, { stdio: 'inherit', reject: false, env: { KUBECONFIG: kubeconfigFile } });
  process.off('SIGINT', ignore);
  if (exitCode !== undefined) return exitCode;
  if (signal !== undefined) return 128 + constants.signals[signal];
  say(code === 'ENOENT' ? `There is no program ${program} on this machine.` : (shortMessage ?? `Cannot run ${program}.`));
  return 127;
};

try {
  process.exitCode = await main();
} catch (error) {
  say((error as Error).message);
  if (error instanceof UsageError) say('How it is used: npm run cluster -- --help');
  process.exitCode = error instanceof Interrupted ? error.exitCode : error instanceof UsageError ? 2 : 1;
}
