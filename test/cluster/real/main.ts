import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { removeHostNames } from '../registries/hosts-file.ts';
import { startRegistries, stopRegistries } from '../registries/registries.ts';
import { defaultName, down, open, status, up } from './cluster.ts';

const usage = `Usage: npm run cluster -- <command> [--name NAME]

A real Kubernetes on this machine: control plane, DNS and one node without GPUs.

  up               start it and print how to reach it (builds it first when that was never done: minutes)
  status           say what runs
  run <command…>   run a command with KUBECONFIG set to it
  down             end it and leave nothing of it

  --name NAME      one of several side by side (default: ${defaultName})
`;

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** `run --name x kubectl get --all`: what is ours, and the command to run. */
const splitAtCommand = (words: string[]): [string[], string[]] => {
  const runAt = words.indexOf('run');
  if (runAt === -1) return [words, []];
  let end = runAt + 1;
  while (words[end]?.startsWith('--name') === true) end += words[end] === '--name' ? 2 : 1;
  return [words.slice(0, end), words.slice(words[end] === '--' ? end + 1 : end)];
};

const main = async (): Promise<number> => {
  const words = process.argv.slice(2);
  // What follows `run` belongs to the command, options included.
  const [own, command] = splitAtCommand(words);
  const { values, positionals } = parseArgs({ args: own, allowPositionals: true, options: { name: { type: 'string', default: defaultName }, help: { type: 'boolean' } } });
  const [verb] = positionals;
  const { name } = values;
  if (values.help === true || verb === undefined) {
    say(usage);
    return values.help === true ? 0 : 2;
  }
  switch (verb) {
    case 'up': {
      const startedAt = Date.now();
      const cluster = await up({ name, report: say });
      const { kubeconfigFile, folder } = cluster;
      say('Starting the registries …');
      const { privateHost } = await startRegistries(cluster);
      say(`The private registry is ${privateHost}.`);
      say(`The cluster ${name} is up, after ${Math.round((Date.now() - startedAt) / 1000)} s. Its logs are in ${folder}/log.`);
      process.stdout.write(`export KUBECONFIG=${kubeconfigFile}\n`);
      return 0;
    }
    case 'down':
      await open(name).then(stopRegistries, () => removeHostNames(name)); // Of a cluster that was cut off, the names at least.
      await down(name);
      say(`The cluster ${name} is gone.`);
      return 0;
    case 'status':
      return printStatus(name);
    case 'run': {
      const [program, ...rest] = command;
      if (program === undefined) throw new Error('Name a command after `run`.');
      const { kubeconfigFile } = await open(name);
      const result = await execa(program, rest, { stdio: 'inherit', reject: false, env: { KUBECONFIG: kubeconfigFile } });
      if (result.exitCode === undefined) say(result.shortMessage ?? `Cannot run ${program}.`);
      return result.exitCode ?? 1;
    }
    default:
      say(usage);
      return 2;
  }
};

const printStatus = async (name: string): Promise<number> => {
  const { up: isUp, processes, nodes } = await status(name);
  if (!isUp) {
    say(`The cluster ${name} is not up.`);
    return 1;
  }
  for (const { name: component, running, status: end } of processes.toSorted((a, b) => a.name.localeCompare(b.name))) {
    process.stdout.write(`${component.padEnd(40)} ${running ? 'running' : (end ?? 'ended')}\n`);
  }
  process.stdout.write(`nodes: ${nodes.join(', ')}\nexport KUBECONFIG=${(await open(name)).kubeconfigFile}\n`);
  return 0;
};

try {
  process.exitCode = await main();
} catch (error) {
  say((error as Error).message);
  process.exitCode = 1;
}
