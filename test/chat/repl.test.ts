import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runRepl } from '../../src/chat/repl.ts';
import type { ChatOptions } from '../../src/chat/session.ts';
import { InterruptedError } from '../../src/domain/errors.ts';
import { createFakeTerminal, type FakeTerminal, type FakeTerminalOptions } from '../terminal/fake-terminal.ts';
import { chatOptions, inTurn, json, startTransformers, startVllm, stream, transformersEvents, vllmEvents, type ModelServer, type Reply } from './support.ts';

/** Answers with what it was asked, so that a test sees which words arrived. */
const echo: Reply = (response, request) => {
  const { messages } = request.body;
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : undefined;
  const asked = typeof last === 'object' && last !== null && 'content' in last ? String(last.content) : '';
  return stream(vllmEvents([`<${asked}>`]))(response, request);
};

const talk = async (server: ModelServer, typed: FakeTerminalOptions['typed'], given: Partial<ChatOptions> = {}, more: FakeTerminalOptions = {}): Promise<FakeTerminal> => {
  const terminal = createFakeTerminal({ typed: typed ?? [], ...more });
  await runRepl(chatOptions(server, terminal, given));
  expect(terminal.interruptHandlerCount()).toBe(0);
  expect(terminal.isEditorClosed()).toBe(true);
  return terminal;
};

const contents = ({ messages }: Record<string, unknown>): unknown => (Array.isArray(messages) ? messages.map(({ content }) => content) : messages);

const ctrlC = { key: 'Ctrl-C' } as const;

const temporaryFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'kaito-chat-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
};

describe('runRepl', () => {
  it('says whom one is talking to, on stderr', async () => {
    const terminal = await talk(await startVllm(echo), [], { adapter: 'marv' });
    expect(terminal.err()).toContain('Talking to tiny with adapter marv. /help lists the commands');
    expect(terminal.out()).toBe('');
  });

  it('remembers what was said', async () => {
    const server = await startVllm(echo);
    const terminal = await talk(server, ['one', 'two']);
    expect(terminal.out()).toBe('<one>\n<two>\n');
    expect(server.questions().map(contents)).toEqual([['one'], ['one', '<one>', 'two']]);
  });

  it('asks several lines as one', async () => {
    const server = await startVllm(echo);
    const terminal = await talk(server, ['"""one', 'two"""']);
    expect(server.questions().map(contents)).toEqual([['one\ntwo']]);
    expect(terminal.prompts).toEqual(['>>> ', '... ', '>>> ']);
  });

  it('forgets on /clear, takes back on /undo, and asks again on /retry', async () => {
    const server = await startVllm(echo);
    await talk(server, ['one', '/retry', 'two', '/undo', 'three', '/clear', 'four']);
    expect(server.questions().map(contents)).toEqual([['one'], ['one'], ['one', '<one>', 'two'], ['one', '<one>', 'three'], ['four']]);
  });

  it('changes the system prompt and the parameters for the next question', async () => {
    const server = await startVllm(echo);
    await talk(server, ['/system Be brief.', '/set temperature 0.5', 'one', '/set temperature default', '/system ""', 'two']);
    const [first = {}, second = {}] = server.questions();
    expect(first).toMatchObject({ temperature: 0.5, messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'one' }] });
    expect(second).not.toHaveProperty('temperature');
    expect(contents(second)).toEqual(['one', '<one>', 'two']);
  });

  it('keeps a new parameter when a question is asked again', async () => {
    const server = await startVllm(echo);
    await talk(server, ['one', '/set seed 7', '/retry']);
    expect(server.questions()[1]).toMatchObject({ seed: 7 });
  });

  it('goes on with another adapter, and back to the base model', async () => {
    const server = await startVllm(echo);
    const terminal = await talk(server, ['/adapter marv', 'one', '/adapter none', 'two', '/model', '/adapter zaphod', '/model huge']);
    expect(server.questions().map(({ model }) => model)).toEqual(['marv', 'tiny']);
    expect(terminal.err()).toContain('* tiny\n  marv (adapter of tiny)\n');
    expect(terminal.err()).toContain('The server has no adapter "zaphod".\n  hint: Choose one of: marv.\n');
    expect(terminal.err()).toContain('The server has no model "huge".');
  });

  it('answers a wrong command and goes on', async () => {
    const terminal = await talk(await startTransformers(stream(transformersEvents(['ok']))), ['/nope', '/set top_k 5', '/retry', '/undo', '/stats', 'hello']);
    expect(terminal.err()).toMatch(/There is no command \/nope\.[\s\S]*The transformers runtime does not know top_k\.[\s\S]*Nothing has been asked yet\.[\s\S]*There is nothing to take back\.[\s\S]*Nothing has been answered yet\./);
    expect(terminal.out()).toBe('ok\n');
  });

  it('lists the commands and the parameters that this server takes', async () => {
    const terminal = await talk(await startTransformers(stream([])), ['/help', '/params']);
    expect(terminal.err()).toContain('/set <parameter> <value>');
    expect(terminal.err()).toMatch(/max_tokens +1024/);
    expect(terminal.err()).not.toContain('top_k');
  });

  it('tells the stats when asked, and after each answer when switched on', async () => {
    const terminal = await talk(await startVllm(echo), ['one', '/stats', '/stats on', 'two', '/stats off', 'three']);
    expect(terminal.err().match(/first token/g)).toHaveLength(2);
  });

  it('saves a conversation that another session goes on with', async () => {
    const file = join(await temporaryFolder(), 'talk.json');
    const server = await startVllm(echo);
    await talk(server, ['/system Be brief.', 'one', `/save ${file}`]);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ version: 1, turns: [{ prompt: 'one', answer: '<one>' }] });
    const terminal = await talk(server, [`/load ${file}`, 'two', `/load ${file}`, '/retry']);
    expect(terminal.err()).toContain(`Loaded 1 turn from ${file}.`);
    expect(server.questions().map(contents)).toEqual([['Be brief.', 'one'], ['Be brief.', 'one', '<one>', 'two'], ['Be brief.', 'one']]);
  });

  it('goes on after a file that cannot be read, written or understood', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'other.json'), '{}');
    const terminal = await talk(await startVllm(echo), [`/load ${folder}/none.json`, `/load ${folder}/other.json`, `/save ${folder}/none/x.json`, 'hello']);
    expect(terminal.err()).toMatch(/none\.json could not be read\.[\s\S]*ENOENT[\s\S]*other\.json is not a saved conversation\.[\s\S]*x\.json could not be written\./);
    expect(terminal.out()).toBe('<hello>\n');
  });

  it('stops the answer on Ctrl-C, says what goes on, and keeps the session and what was said', async () => {
    const server = await startVllm(inTurn(stream(vllmEvents(['Once ', 'upon']).slice(0, 2), 'hang'), echo));
    const terminal: FakeTerminal = createFakeTerminal({ typed: ['tell me a story', 'shorter'], onOut: (text) => (text === 'Once ' ? terminal.interrupt() : undefined) });
    await runRepl(chatOptions(server, terminal));
    expect(terminal.out()).toBe('Once \n<shorter>\n');
    expect(terminal.err()).toContain('Stopped here; the server goes on generating it in the background (at most 512 tokens).');
    expect(contents(server.questions()[1] ?? {})).toEqual(['tell me a story', 'Once ', 'shorter']);
    expect(terminal.interruptHandlerCount()).toBe(0);
  });

  it('stops waiting for an overloaded server on Ctrl-C', async () => {
    const server = await startVllm(json(429, { error: { message: 'Rate limit exceeded' } }));
    const terminal: FakeTerminal = createFakeTerminal({ typed: ['hello'] });
    const options = chatOptions(server, terminal);
    const clock = { ...options.clock, sleep: async (durationMs: number, signal?: AbortSignal) => {
      terminal.interrupt();
      return options.clock.sleep(durationMs, signal);
    } };
    await runRepl({ ...options, clock });
    expect(terminal.err()).toContain('Stopped here;');
    expect(server.questions()).toHaveLength(1);
  });

  it('leaves on Ctrl-C twice at the prompt, and not when something was typed between', async () => {
    const server = await startVllm(echo);
    const terminal = await talk(server, [ctrlC, 'one', ctrlC, ctrlC, 'never asked']);
    expect(terminal.out()).toBe('<one>\n');
    expect(terminal.err().match(/Press Ctrl-C again/g)).toHaveLength(2);
  });

  it('drops a half-typed block on Ctrl-C', async () => {
    const server = await startVllm(echo);
    await talk(server, ['"""one', ctrlC, 'two']);
    expect(server.questions().map(contents)).toEqual([['two']]);
  });

  it('leaves on /quit', async () => {
    expect((await talk(await startVllm(echo), ['/quit', 'never asked'])).out()).toBe('');
  });

  it.each<[string, Reply, string]>([
    ['a lost connection', stream(vllmEvents(['Pa', 'ris']).slice(0, 2), 'reset'), 'The connection was lost in the middle of the answer.'],
    ['a cut answer', stream(vllmEvents(['Pa', 'ris']).slice(0, 2)), 'The answer was cut off.'],
    ['a failure of the model', stream([...vllmEvents(['Pa']).slice(0, 2), 'data: {"error": "boom"}\n\n']), 'The model server failed in the middle of the answer.'],
  ])('tells %s, and asks the same again on /retry with nothing lost', async (_case, failure, message) => {
    const server = await startVllm(inTurn(echo, failure, echo));
    const terminal = await talk(server, ['one', 'two', '/retry']);
    expect(terminal.err()).toContain(`${message}\n`);
    expect(terminal.err()).toContain('  hint: /retry asks again; the conversation is kept.\n');
    expect(terminal.out()).toBe('<one>\nPa\n<two>\n');
    expect(contents(server.questions()[2] ?? {})).toEqual(['one', '<one>', 'two']);
  });

  it('compares in conversation, each model remembering its own answers', async () => {
    const server = await startVllm((response, request) => stream(vllmEvents([String(request.body.model)]))(response, request));
    const terminal = await talk(server, ['one', 'two', '/model marv'], { isComparing: true });
    expect(terminal.out()).toBe('base tiny:\ntiny\n\nadapter marv:\nmarv\nbase tiny:\ntiny\n\nadapter marv:\nmarv\n');
    expect(server.questions().slice(2).map(contents)).toEqual([['one', 'tiny', 'two'], ['one', 'marv', 'two']]);
    expect(terminal.err()).toContain('Two models are being compared, and this works with one.');
  });

  it('ends with the reason of the signal when the program is told to stop', async () => {
    const controller = new AbortController();
    const server = await startVllm(stream(vllmEvents(['Pa']).slice(0, 2), 'hang'));
    const terminal = createFakeTerminal({ typed: ['hello'], onOut: () => controller.abort(new InterruptedError('SIGTERM')) });
    await expect(runRepl(chatOptions(server, terminal, { signal: controller.signal }))).rejects.toMatchObject({ exitCode: 143 });
    expect(terminal.isEditorClosed()).toBe(true);
  });
});
