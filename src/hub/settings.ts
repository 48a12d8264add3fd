import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../domain/errors.ts';

export interface HubSettings {
  /** The hub, or a mirror of it, perhaps below a path. */
  endpoint: URL;
  token?: string;
  /** Of kaito-ts, where what was read is kept. */
  cacheFolder: string;
  userAgent: string;
  /** For each question. */
  timeoutMs: number;
}

/**
 * From the environment variables that Hugging Face's own programs read, so that a login there is a login here:
 * https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables
 */
export const readHubSettings = async (environment: Readonly<Record<string, string | undefined>>, homeDirectory: string, userAgent: string): Promise<HubSettings> => {
  const cacheHome = given(environment['XDG_CACHE_HOME']) ?? join(homeDirectory, '.cache');
  const tokenFile = given(environment['HF_TOKEN_PATH']) ?? join(given(environment['HF_HOME']) ?? join(cacheHome, 'huggingface'), 'token');
  const token = given(environment['HF_TOKEN']) ?? given(await readFile(tokenFile, 'utf8').catch(() => undefined));
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) throw new UsageError('The Hugging Face token has characters that no token has.', { hints: ['Set HF_TOKEN to the token alone.'] });
  return {
    endpoint: parseEndpoint(given(environment['HF_ENDPOINT']) ?? 'https://huggingface.co'),
    ...(token === undefined ? {} : { token }),
    cacheFolder: join(cacheHome, 'kaito-ts'),
    userAgent,
    timeoutMs: 30_000,
  };
};

const given = (text: string | undefined): string | undefined => (text === undefined || text.trim() === '' ? undefined : text.trim());

const parseEndpoint = (text: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url;
  throw new UsageError(`HF_ENDPOINT is ${JSON.stringify(text)}, which is no address of a Hugging Face hub.`, { reason: 'InvalidEndpoint', hints: ['For example: HF_ENDPOINT=https://huggingface.co'] });
};
