/** The conversation on the real terminal, for the tests that start it as a child process: `node program.ts <baseUrl> [prompt]`. */
import { setTimeout as delay } from 'node:timers/promises';
import { startConversation } from '../../src/chat/conversation.ts';
import { isOneShot, runOnce } from '../../src/chat/once.ts';
import { runRepl } from '../../src/chat/repl.ts';
import { KaitoError } from '../../src/domain/errors.ts';
import { openSystem } from '../../src/terminal/system.ts';

const system = openSystem();
const [, , baseUrl = '', prompt] = process.argv;
const options = {
  terminal: system.terminal,
  connection: { baseUrl: async () => baseUrl },
  clock: { now: () => Date.now(), sleep: (durationMs: number, signal?: AbortSignal) => delay(durationMs, undefined, signal ? { signal } : {}) },
  signal: system.signal,
  conversation: startConversation(),
  readyTimeoutMs: 5000,
};

try {
  if (isOneShot(system.terminal, prompt)) await runOnce({ ...options, prompt, output: 'text' });
  else await runRepl(options);
} catch (error) {
  if (!(error instanceof KaitoError)) throw error;
  await system.terminal.writeErr(`${error.name}: ${error.message} ${error.fact}\n`);
  process.exitCode = error.exitCode;
}
system.close();
