import type { Json } from './json.ts';

/** Docker configurations of Secrets, as files in one folder. */
export const credentialsVolume = (name: string, files: readonly { secret: string; path: string }[]): Json => ({
  name,
  projected: { sources: files.map(({ secret, path }) => ({ secret: { name: secret, items: [{ key: '.dockerconfigjson', path }] } })) },
});
