import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { patienceMs, waitFor } from '../../real/waiting.ts';
import type { FrontSettings } from './settings.ts';

/** Starts Debian's docker-registry, once for each store. They end with this process, even when it is killed. */
export const startStores = async ({ stores }: FrontSettings): Promise<void> => {
  for (const { configFile } of Object.values(stores)) {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'docker-registry', 'serve', configFile], { stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('exit', (code, signal) => {
      process.stderr.write(`docker-registry serve ${configFile} ended (${code ?? signal}).\n`);
      process.exit(1);
    });
  }
  await waitFor("docker-registry's sockets", patienceMs, async () => Object.values(stores).every(({ socket }) => existsSync(socket)));
};
