import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { insideFolder } from './files.ts';
import { runTool } from './tools.ts';

/** A process of a cluster, by the supervisor's account. */
export interface SupervisedProcess {
  name: string;
  /** In the cluster's own numbering. */
  pid: number;
  running: boolean;
  /** How it ended. */
  status?: string;
}

export interface SupervisedCommand {
  name: string;
  argv: readonly string[];
  env?: readonly string[];
  /** `FROM:TO`, in a mount namespace of the process's own. */
  binds?: readonly string[];
  /** Folders of control groups that it joins. */
  cgroups?: readonly string[];
}

/**
 * The first process of the cluster's namespaces, by its command line: what was written into a file may be out of date, or
 * never have been written.
 */
export const findSupervisor = (folder: string): number | undefined => {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/u.test(entry)) continue;
    const [, program, argument] = commandLine(entry);
    if (program === 'supervise' && argument === folder) return Number(entry);
  }
  return undefined;
};

/** Servers that tests run on the machine itself, beside the cluster, and whose files lie in the run's folder. */
export const endServers = (folder: string): void => {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/u.test(entry) || Number(entry) === process.pid) continue;
    if (commandLine(entry).some((word) => word.startsWith(join(folder, 'image-registries/')))) process.kill(Number(entry), 'SIGKILL');
  }
};

const commandLine = (pid: string): string[] => {
  try {
    return readFileSync(join('/proc', pid, 'cmdline'), 'utf8').split('\0');
  } catch {
    return []; // It ended meanwhile.
  }
};

/** The first process of a namespace ends only after all others in it. Nobody may have collected it: that counts too. */
export const hasEnded = (pid: number): boolean => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.startsWith('Z') ?? true;
  } catch {
    return true;
  }
};

const requirePid = (folder: string): number => {
  const pid = findSupervisor(folder);
  if (pid === undefined) throw new Error(`No cluster runs in ${folder}: start it with \`npm run cluster -- up\`.`);
  return pid;
};

export const listProcesses = (folder: string): Promise<SupervisedProcess[]> => ask(folder, 'GET', '/processes') as Promise<SupervisedProcess[]>;

export const startProcess = async (folder: string, command: SupervisedCommand): Promise<void> => {
  await ask(folder, 'POST', '/start', command);
};

/** Asks it to end, and ends it after the grace. Resolves when it is gone. */
export const stopProcess = async (folder: string, name: string, graceMs: number): Promise<void> => {
  await ask(folder, 'POST', '/stop', { name, graceMs }, graceMs + 60_000);
};

/** Runs a command to its end where the cluster's processes see files and network. */
export const runInside = (folder: string, ...command: string[]): Promise<string> =>
  runTool(['nsenter', '--target', String(requirePid(folder)), '--mount', '--net', '--pid', '--', ...command]);

const ask = (folder: string, method: string, path: string, body?: unknown, timeoutMs = 60_000): Promise<unknown> => {
  // By way of the process's own root, since the socket's path below the cache may be longer than a socket's may be.
  const socketPath = `/proc/${requirePid(folder)}/root${insideFolder}/supervisor.sock`;
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, method, timeout: timeoutMs }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(text.trim()));
      });
    });
    call.on('timeout', () => call.destroy(new Error(`The cluster's supervisor did not answer ${method} ${path} within ${timeoutMs / 1000} s.`)));
    call.on('error', reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
};
