import { beforeEach, describe, expect, it } from 'vitest';
import { defineCommand, type Command } from '../../src/cli/command.ts';
import type { Configuration } from '../../src/cli/configuration.ts';
import { choice, count, text, texts, toggle } from '../../src/cli/options.ts';
import { parseCommandLine, type Invocation } from '../../src/cli/program.ts';

const greet: Command = defineCommand({
  summary: 'Greet somebody',
  usesCluster: true,
  arguments: [{ usage: '<name>', description: 'who' }],
  options: {
    style: choice('--style <style>', 'how', ['formal', 'warm'], 'warm'),
    times: count('--times <count>', 'how often'),
    also: texts('--also <name>', 'who else'),
    noWait: toggle('--no-wait', 'do not wait'),
    loud: toggle('-l, --loud', 'loudly'),
  },
  examples: ['greet world'],
  async *run() {},
});
const list: Command = defineCommand({ summary: 'List things', usesCluster: false, arguments: [], options: {}, examples: ['list'], async *run() {} });
const inside: Command = defineCommand({ summary: 'Run inside', usesCluster: false, passesThrough: true, arguments: [{ usage: '[command...]', description: 'what' }], options: { demo: toggle('--demo', 'show') }, examples: ['inside'], async *run() {} });

describe('parseCommandLine', () => {
  let configured: Record<string, string[]>;
  let from: 'environment' | 'file';
  let written: string;

  beforeEach(() => {
    configured = {};
    from = 'environment';
    written = '';
  });

  const configuration: Configuration = { find: (key) => (configured[key] ? { texts: configured[key], from, name: `source of ${key}` } : undefined) };
  const parse = (...argv: string[]) =>
    parseCommandLine(argv, {
      version: '1.2.3',
      commands: new Map([['greet', greet], ['list', list], ['inside', inside]]),
      configuration: async () => configuration,
      write: (part) => {
        written += part;
      },
      columns: 80,
    });
  const invoke = async (...argv: string[]): Promise<Invocation> => {
    const parsed = await parse(...argv);
    if (parsed.kind !== 'invocation') throw new Error(`${argv.join(' ')} was answered by itself.`);
    return parsed.invocation;
  };

  it('reads arguments, options of the command and options of every command', async () => {
    const { name, input, globals } = await invoke('greet', 'world', '--style', 'Formal', '--times=3', '--also', 'a', '--also', 'b,c', '-l', '-n', 'there', '-o', 'json');
    expect(name).toBe('greet');
    expect(input.arguments).toEqual(['world']);
    expect(input.options).toMatchObject({ style: 'formal', times: 3, also: ['a', 'b', 'c'], loud: true, noWait: false });
    expect(globals).toMatchObject({ namespace: 'there', output: 'json', quiet: false, requestTimeout: 30_000 });
  });

  it('says where each value came from', async () => {
    configured = { times: ['5'] };
    const { input, globals } = await invoke('greet', 'world', '--style', 'formal', '-n', 'there');
    expect(input.origins).toMatchObject({ style: { from: 'flag', name: '--style' }, times: { from: 'environment', name: 'source of times' }, loud: { from: 'default', name: 'KAITO_LOUD' } });
    expect(globals.origins).toMatchObject({ namespace: { from: 'flag', name: '--namespace' }, output: { from: 'default', name: 'KAITO_OUTPUT' } });
  });

  it('prefers a flag to everything else, and everything else to the default', async () => {
    configured = { style: ['formal'], also: ['x,y'], noWait: ['true'], output: ['yaml'] };
    expect((await invoke('greet', 'world')).input.options).toMatchObject({ style: 'formal', also: ['x', 'y'], noWait: true });
    expect((await invoke('greet', 'world')).globals.output).toBe('yaml');
    expect((await invoke('greet', 'world', '--style', 'warm', '--also', 'z', '-o', 'text')).input.options).toMatchObject({ style: 'warm', also: ['z'] });
  });

  it('reads a flag that says no', async () => {
    expect((await invoke('greet', 'world', '--no-wait')).input).toMatchObject({ options: { noWait: true }, origins: { noWait: { from: 'flag', name: '--no-wait' } } });
  });

  it('says which variable or file a wrong value came from', async () => {
    configured = { times: ['often'] };
    await expect(invoke('greet', 'world')).rejects.toMatchObject({ name: 'UsageError', message: '--times is a whole number of at least 1, and was given "often".', hints: ['It came from source of times.'] });
    await expect(invoke('greet', 'world', '--times', 'often')).rejects.toMatchObject({ hints: [] });
  });

  it('gives a command that needs no cluster the options of one with nothing in them', async () => {
    expect((await invoke('list')).globals).toMatchObject({ output: 'text', namespace: undefined, requestTimeout: 30_000 });
    await expect(invoke('list', '-n', 'there')).rejects.toMatchObject({ name: 'UsageError' });
  });

  it('passes a command within a command on untouched', async () => {
    expect((await invoke('inside', '--demo', 'kaito-ts', 'greet', '--times', '3', '-x')).input).toMatchObject({ options: { demo: true }, arguments: ['kaito-ts', 'greet', '--times', '3', '-x'] });
    expect((await invoke('inside', '--', 'ls', '--demo')).input).toMatchObject({ options: { demo: false }, arguments: ['ls', '--demo'] });
  });

  it.each([
    [['greet'], 'Missing required argument \'name\'.', ['kaito-ts greet --help']],
    [['greet', 'a', 'b'], /^Too many arguments/, ['kaito-ts greet --help']],
    [['greet', 'a', '--tims', '3'], 'Unknown option \'--tims\'.', ['Did you mean --times?', 'kaito-ts greet --help']],
    [['gret', 'a'], 'Unknown command \'gret\'.', ['Did you mean greet?', 'kaito-ts --help']],
    [['greet', 'a', '--times'], /^Option '--times <count>' argument missing\.$/, ['kaito-ts greet --help']],
  ])('answers a wrong command line with what would be right: %j', async (argv, message, hints) => {
    await expect(parse(...argv)).rejects.toMatchObject({ name: 'UsageError', message: typeof message === 'string' ? message : expect.stringMatching(message), hints });
    expect(written).toBe('');
  });

  it.each([[['--help']], [['help']], [[]]])('shows all commands for %j', async (argv) => {
    expect(await parse(...argv)).toEqual({ kind: 'answered', exitCode: 0 });
    expect(written).toMatch(/greet .* +Greet somebody/);
    expect(written).toMatch(/kaito-ts sandbox --demo/);
  });

  it.each([[['greet', '--help']], [['help', 'greet']]])('shows one command with its options, choices, defaults and examples for %j', async (argv) => {
    await parse(...argv);
    expect(written).toMatch(/--style <style> +how \(formal, warm; default: warm\)/);
    expect(written).toMatch(/Cluster:\n[\s\S]*--namespace/);
    expect(written).toMatch(/Examples:\n {2}\$ kaito-ts greet world/);
  });

  it('shows no options of a cluster for a command that uses none', async () => {
    await parse('list', '--help');
    expect(written).not.toContain('--namespace');
  });

  it('prints the version', async () => {
    await parse('--version');
    expect(written).toBe('1.2.3\n');
  });
});

describe('an option of a command', () => {
  it('is known by the long flag in lower and upper case, whatever it is called in the code', async () => {
    const { options } = defineCommand({ summary: '', usesCluster: false, arguments: [], options: { inputUrl: text('--input-url <url>', '') }, examples: [], async *run() {} });
    expect(options.inputUrl.parse(['x'])).toBe('x');
  });
});
