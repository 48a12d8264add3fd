import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { text as readText } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createScreen, exitOf, hasPseudoTerminal, startOnPseudoTerminal } from './pseudo-terminal.ts';

const program = fileURLToPath(new URL('program.ts', import.meta.url));

/** Only what is given: the environment of whoever runs the tests may hold CI or NO_COLOR. */
const start = (scenario: string, environment: Record<string, string> = {}): ChildProcessWithoutNullStreams => {
  const child = spawn(process.execPath, [program, scenario], { env: { PATH: process.env.PATH ?? '', TERM: 'xterm', ...environment } });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
};

const finish = async (child: ChildProcessWithoutNullStreams, input = '') => {
  child.stdin.end(input);
  const [[code], out, err] = await Promise.all([once(child, 'close'), readText(child.stdout), readText(child.stderr)]);
  return { code, out, err };
};

const untilOut = (child: ChildProcessWithoutNullStreams, expected: string): Promise<string> => createScreen(child).until(expected);

describe('the real terminal, in a pipe', () => {
  it('knows that it is one', async () => {
    expect(JSON.parse((await finish(start('facts'))).out)).toEqual({
      isStdinTty: false,
      isStdoutTty: false,
      isStderrTty: false,
      isInteractive: false,
      columns: 80,
      stdoutColorLevel: 0,
      stderrColorLevel: 0,
    });
  });

  it('gives colours when they are forced', async () => {
    expect(JSON.parse((await finish(start('facts', { FORCE_COLOR: '3' }))).out)).toMatchObject({ stdoutColorLevel: 3, stderrColorLevel: 3 });
  });

  it('reads all of stdin', async () => {
    const input = `${'Grüße 🏽\n'.repeat(20_000)}end`;
    expect((await finish(start('echo'), input)).out).toBe(input);
  });

  it('loses nothing when the reader is slow', async () => {
    const child = start('large');
    child.stdin.end();
    let size = 0;
    for await (const chunk of child.stdout) {
      size += Buffer.byteLength(chunk);
      await new Promise(setImmediate);
    }
    expect(size).toBe(64 * 65_536);
  });

  it.each(['flood', 'floodErr'])('ends quietly when nobody reads any more (%s)', async (scenario) => {
    const child = start(scenario);
    const [read, other] = scenario === 'flood' ? [child.stdout, child.stderr] : [child.stderr, child.stdout];
    read.once('data', () => read.destroy());
    const [[code], said] = await Promise.all([once(child, 'exit'), readText(other)]);
    expect({ code, said }).toEqual({ code: 0, said: '' });
  });

  it('refuses to ask, and names the flag', async () => {
    expect(await finish(start('confirm'))).toEqual({ code: 2, out: '', err: 'UsageError: Nobody can be asked here: Delete the node pool? Pass --yes to say yes beforehand.\n' });
  });

  it('stops reading stdin when it is interrupted', async () => {
    const child = start('echo');
    child.stdin.write('half a text');
    const errors = readText(child.stderr);
    await once(child.stderr, 'data');
    child.kill('SIGINT');
    expect(await exitOf(child)).toEqual([130, null]);
    expect(await errors).toMatch(/^reading\nInterruptedError/);
  });

  it.each([
    ['SIGINT', 'Interrupted.', 130],
    ['SIGTERM', 'Terminated.', 143],
  ] as const)('asks to stop at the first %s and exits at once at the second', async (signal, said, expectedCode) => {
    const child = start('slowToStop');
    await untilOut(child, 'ready');
    child.kill(signal);
    await untilOut(child, `stopping: InterruptedError: ${said}`);
    child.kill(signal);
    expect(await exitOf(child)).toEqual([expectedCode, null]);
  });

  it('reads lines, the last one without a newline too', async () => {
    const { out } = await finish(start('lines'), 'one\r\ntwo\nthree');
    const reads = out.split('\n').filter((line) => line.startsWith('{') || line.includes('>>> {')).map((line) => JSON.parse(line.replaceAll('>>> ', '')));
    expect(reads).toEqual([{ type: 'line', text: 'one' }, { type: 'line', text: 'two' }, { type: 'line', text: 'three' }, { type: 'ended' }]);
  });
});

const startOnTerminal = (scenario: string, environment: Record<string, string> = {}): ChildProcessWithoutNullStreams =>
  startOnPseudoTerminal([process.execPath, program, scenario], environment);

describe.skipIf(!hasPseudoTerminal)('the real terminal, on a pseudo-terminal (needs the `script` command of util-linux)', () => {
  it('knows that somebody is there', async () => {
    const child = startOnTerminal('facts');
    await untilOut(child, '"isStdinTty":true,"isStdoutTty":true,"isStderrTty":true,"isInteractive":true');
  });

  it('asks nobody in CI', async () => {
    const child = startOnTerminal('confirm', { CI: 'true' });
    await untilOut(child, 'Pass --yes');
  });

  it('asks, and takes Enter for no and y for yes', async () => {
    const refusing = startOnTerminal('confirm');
    await untilOut(refusing, 'No');
    refusing.stdin.write('\r');
    await untilOut(refusing, 'sure: false');
    const agreeing = startOnTerminal('confirm');
    await untilOut(agreeing, 'No');
    agreeing.stdin.write('y');
    await untilOut(agreeing, 'sure: true');
  });

  it('takes Ctrl-C at a question for an interruption', async () => {
    const child = startOnTerminal('confirm');
    await untilOut(child, 'No');
    child.stdin.write('\u0003');
    await untilOut(child, 'InterruptedError');
    expect(await exitOf(child)).toEqual([130, null]);
  });

  it('shows all of a line that is pasted with its end', async () => {
    const child = startOnTerminal('lines');
    const screen = createScreen(child);
    await screen.until('>>> ');
    child.stdin.write('pasted\r');
    expect(await screen.until('{"type":"line"')).toMatch(/pasted\r/);
  });

  it('tells lines, Ctrl-C and Ctrl-D apart, and keeps every line of a paste', async () => {
    const child = startOnTerminal('lines');
    await untilOut(child, '>>> ');
    child.stdin.write('first\rsecond\rthird\r');
    await untilOut(child, '"text":"third"');
    child.stdin.write('dropped\u0003');
    await untilOut(child, '"type":"interrupted"');
    child.stdin.write('kept\r');
    await untilOut(child, '{"type":"line","text":"kept"}');
    child.stdin.write('\u0004');
    await untilOut(child, '"type":"ended"');
    expect(await exitOf(child)).toEqual([0, null]);
  });
});
