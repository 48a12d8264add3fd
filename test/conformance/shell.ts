import { setTimeout as delay } from 'node:timers/promises';
import type { Program, ProgramContext } from '../../src/sandbox/programs/program.ts';

/**
 * As much of BusyBox's shell as the cases' containers use: `echo`, `sleep`, `exit`, `true`, a server that says back what
 * it hears, one after another with `;`. Sleeping takes as long as on a real node, where a case reads a log meanwhile.
 */
export const shell: Program = {
  matches: ({ command }) => command[0] === 'sh' && command[1] === '-c',

  async run(container) {
    for (const line of (container.command[2] ?? '').split(';')) {
      const words = line.trim().split(/\s+/);
      if (words[0] === 'exit') return Number(words[1] ?? 0);
      const run = commands[words[0] ?? ''];
      if (!run) {
        container.stderr(`sh: ${words[0]}: not found\n`);
        return 127;
      }
      await run(words.slice(1), container);
    }
    return 0;
  },
};

const commands: Record<string, (words: readonly string[], container: ProgramContext) => Promise<void> | void> = {
  true: () => {},
  echo: (words, { stdout, stderr }) => {
    const write = words.at(-1) === '>&2' ? stderr : stdout;
    write(`${words.filter((word) => word !== '>&2').join(' ')}\n`);
  },
  sleep: async ([seconds], { signal }) => {
    await delay(Number(seconds) * 1000, undefined, { signal });
  },
  /** `nc -ll -p 8080 -e cat` */
  nc: async (words, { listen, signal }) => {
    listen(Number(words[words.indexOf('-p') + 1]), (connection) => connection.pipe(connection));
    await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  },
};
