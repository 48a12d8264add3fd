import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { text as readText } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createScreen, exitOf, hasPseudoTerminal, startOnPseudoTerminal } from '../terminal/pseudo-terminal.ts';
import { inTurn, startVllm, stream, vllmEvents, type ModelServer } from './support.ts';

const program = fileURLToPath(new URL('program.ts', import.meta.url));

const start = (parameters: string[]): ChildProcessWithoutNullStreams => {
  const child = spawn(process.execPath, [program, ...parameters], { env: { PATH: process.env.PATH ?? '' } });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
};

describe('chat in a pipe', () => {
  it('answers what is piped in, and ends', async () => {
    const server = await startVllm(stream(vllmEvents(['Pa', 'ris'])));
    const child = start([server.baseUrl, 'Where?']);
    child.stdin.end('A tower.\n');
    const [[code], out, err] = await Promise.all([once(child, 'close'), readText(child.stdout), readText(child.stderr)]);
    expect({ code, out, err }).toEqual({ code: 0, out: 'Paris\n', err: '' });
    expect(server.questions()[0]).toMatchObject({ messages: [{ content: 'A tower.\n\nWhere?' }] });
  });

  it('ends quietly when the reader has read enough, although the answer goes on', async () => {
    const server = await startVllm(async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const [, token = ''] = vllmEvents(['word ']);
      const timer = setInterval(() => response.write(token), 5);
      response.once('close', () => clearInterval(timer));
    });
    const child = start([server.baseUrl, 'Count.']);
    child.stdin.end();
    const errors = readText(child.stderr);
    child.stdout.once('data', () => child.stdout.destroy());
    const [code] = await exitOf(child);
    expect({ code, err: await errors }).toEqual({ code: 0, err: '' });
  });

  it('ends with 130 on Ctrl-C, with what came so far on stdout', async () => {
    const server = await startVllm(stream(vllmEvents(['Once ', 'upon']).slice(0, 2), 'hang'));
    const child = start([server.baseUrl, 'Tell me.']);
    child.stdin.end();
    const errors = readText(child.stderr);
    const out = createScreen(child);
    await out.until('Once ');
    child.kill('SIGINT');
    await out.until('\n');
    expect(await exitOf(child)).toEqual([130, null]);
    expect(await errors).toContain('the server goes on generating');
  });
});

const startOnTerminal = (server: ModelServer): ChildProcessWithoutNullStreams => startOnPseudoTerminal([process.execPath, program, server.baseUrl]);

describe.skipIf(!hasPseudoTerminal)('chat on a pseudo-terminal (needs the `script` command of util-linux)', () => {
  it('streams, stops an answer at Ctrl-C, keeps what is typed meanwhile, and leaves on Ctrl-D', async () => {
    const server = await startVllm(inTurn(stream(vllmEvents(['Once.\n\n', 'upon']).slice(0, 2), 'hang'), stream(vllmEvents(['second\n']))));
    const child = startOnTerminal(server);
    const screen = createScreen(child);
    expect(await screen.until('>>> ')).toContain('Talking to tiny.');
    child.stdin.write('story\r');
    await screen.until('Once.');
    child.stdin.write('next');
    child.stdin.write('\u0003');
    const stopped = await screen.until('>>> ');
    expect(stopped).toContain('Stopped here;');
    expect(stopped).not.toContain('next');
    child.stdin.write('\r');
    expect(await screen.until('second')).toContain('next');
    expect(server.questions()[1]).toMatchObject({ messages: [{ content: 'story' }, { content: 'Once.\n\n' }, { content: 'next' }] });
    await screen.until('>>> ');
    child.stdin.write('\u0004');
    expect(await exitOf(child)).toEqual([0, null]);
  });

  it('leaves on Ctrl-C twice', async () => {
    const child = startOnTerminal(await startVllm(stream([])));
    const screen = createScreen(child);
    await screen.until('>>> ');
    child.stdin.write('\u0003');
    await screen.until('Press Ctrl-C again, or Ctrl-D, to leave.');
    await screen.until('>>> ');
    child.stdin.write('\u0003');
    expect(await exitOf(child)).toEqual([0, null]);
  });
});
