import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/domain/errors.ts';
import { readHubSettings } from '../../src/hub/settings.ts';
import { temporaryFolder } from './support.ts';

const write = (path: string, text: string): string => {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
};

describe('the settings of the hub', () => {
  it('are those of Hugging Face itself when nothing is set', async () => {
    const settings = await readHubSettings({}, '/home/nobody', 'agent');
    expect(settings).toEqual({ endpoint: new URL('https://huggingface.co'), cacheFolder: '/home/nobody/.cache/kaito-ts', userAgent: 'agent', timeoutMs: 30_000 });
  });

  it('find the token where a login of Hugging Face\'s own programs left it, the nearest first', async () => {
    const home = temporaryFolder();
    const token = async (environment: Record<string, string>): Promise<string | undefined> => (await readHubSettings(environment, home, '')).token;
    expect(await token({})).toBeUndefined();
    write(join(home, '.cache/huggingface/token'), 'hf_login\n');
    expect(await token({})).toBe('hf_login');
    write(join(home, 'xdg/huggingface/token'), 'hf_xdg');
    expect(await token({ XDG_CACHE_HOME: join(home, 'xdg') })).toBe('hf_xdg');
    write(join(home, 'hf/token'), 'hf_home');
    expect(await token({ XDG_CACHE_HOME: join(home, 'xdg'), HF_HOME: join(home, 'hf') })).toBe('hf_home');
    const path = write(join(home, 'a-token'), ' hf_path ');
    expect(await token({ HF_HOME: join(home, 'hf'), HF_TOKEN_PATH: path })).toBe('hf_path');
    expect(await token({ HF_TOKEN: 'hf_env', HF_TOKEN_PATH: path })).toBe('hf_env');
    expect(await token({ HF_TOKEN: '  ', HF_TOKEN_PATH: join(home, 'nowhere') })).toBeUndefined();
  });

  it('take a mirror, and refuse what is no address', async () => {
    expect((await readHubSettings({ HF_ENDPOINT: 'http://mirror.example/hf/' }, '/x', '')).endpoint.href).toBe('http://mirror.example/hf/');
    for (const HF_ENDPOINT of ['huggingface.co', 'file:///etc', 'http://']) await expect(readHubSettings({ HF_ENDPOINT }, '/x', '')).rejects.toMatchObject({ constructor: UsageError, reason: 'InvalidEndpoint' });
  });

  it('refuse a token that would break the request, without showing it', async () => {
    await expect(readHubSettings({ HF_TOKEN: 'hf_a\nHost: evil' }, '/x', '')).rejects.toMatchObject({ constructor: UsageError, message: expect.not.stringContaining('hf_a') });
  });
});
