import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { optionKeys, readConfiguration } from '../../src/cli/configuration.ts';
import { text, toggle } from '../../src/cli/options.ts';

describe('readConfiguration', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kaito-ts-configuration-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const write = async (path: string, content: string): Promise<string> => {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    return file;
  };
  const known = async () => new Set(['namespace', 'instanceType', 'adapter', 'noWait', 'registry']);
  const read = (environment: Record<string, string> = {}) => readConfiguration(environment, join(folder, 'work'), join(folder, 'home'), known);
  const namespace = (configuration: Awaited<ReturnType<typeof read>>) => configuration.find('namespace', '-n, --namespace <name>');

  it('knows nothing where there is nothing, and does not ask which options there are', async () => {
    const configuration = await readConfiguration({}, join(folder, 'work'), join(folder, 'home'), () => Promise.reject(new Error('asked')));
    expect(namespace(configuration)).toBeUndefined();
  });

  it('prefers a variable to the file beside you, and that to your own', async () => {
    const own = await write('home/.config/kaito-ts/config.yaml', 'namespace: own\nregistry: registry.example\n');
    expect(namespace(await read())).toEqual({ texts: ['own'], from: 'file', name: own });
    const beside = await write('work/kaito-ts.yaml', 'namespace: beside\n');
    expect(namespace(await read())).toEqual({ texts: ['beside'], from: 'file', name: beside });
    expect(namespace(await read({ KAITO_NAMESPACE: 'variable' }))).toEqual({ texts: ['variable'], from: 'environment', name: 'KAITO_NAMESPACE' });
    expect((await read()).find('registry', '--registry <prefix>')?.texts).toEqual(['registry.example']);
  });

  it('takes an empty variable for none', async () => {
    await write('work/kaito-ts.yaml', 'namespace: beside\n');
    expect(namespace(await read({ KAITO_NAMESPACE: '' }))?.texts).toEqual(['beside']);
  });

  it('looks where XDG_CONFIG_HOME says, unless it is empty', async () => {
    await write('xdg/kaito-ts/config.yaml', 'namespace: xdg\n');
    await write('home/.config/kaito-ts/config.yaml', 'namespace: own\n');
    expect(namespace(await read({ XDG_CONFIG_HOME: join(folder, 'xdg') }))?.texts).toEqual(['xdg']);
    expect(namespace(await read({ XDG_CONFIG_HOME: '' }))?.texts).toEqual(['own']);
  });

  it('reads keys as options are called, and values of all kinds', async () => {
    await write('work/kaito-ts.yaml', 'instance-type: A\nadapter: [a, b]\nno-wait: true\nnamespace: 42\n');
    const configuration = await read();
    expect(configuration.find('instanceType', '--instance-type <sizes>')?.texts).toEqual(['A']);
    expect(configuration.find('adapter', '--adapter <name>')?.texts).toEqual(['a', 'b']);
    expect(configuration.find('noWait', '--no-wait')?.texts).toEqual(['true']);
    expect(namespace(configuration)?.texts).toEqual(['42']);
  });

  it.each([
    ['namespace: [', /is not valid YAML\.$/],
    ['- namespace', /must be a map of option names to values\.$/],
    ['namespaces: a', /has the key "namespaces", which is no option of any command\.$/],
    ['namespace: {a: b}', /namespace must be a text, a number, true, false, or a list of those\.$/],
    ['namespace:', /namespace must be a text/],
  ])('says which file is wrong and how: %j', async (content, message) => {
    const file = await write('work/kaito-ts.yaml', content);
    await expect(read()).rejects.toMatchObject({ name: 'UsageError', message: expect.stringMatching(message) });
    await expect(read()).rejects.toMatchObject({ message: expect.stringContaining(file) });
  });

  it('takes an empty file for none', async () => {
    await write('work/kaito-ts.yaml', '# nothing yet\n');
    expect(namespace(await read())).toBeUndefined();
  });

  it('says when a file cannot be read', async () => {
    await mkdir(join(folder, 'work/kaito-ts.yaml'), { recursive: true });
    await expect(read()).rejects.toMatchObject({ name: 'UsageError', message: expect.stringMatching(/kaito-ts\.yaml cannot be read\.$/) });
  });

  it('calls options by their long flags', () => {
    expect(optionKeys({ instanceType: text('--instance-type <x>', ''), dry: toggle('-d, --dry-run', '') })).toEqual(['instanceType', 'dryRun']);
  });
});
