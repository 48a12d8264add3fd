import type { Json } from './json.ts';

/** Docker configurations of Secrets, as files in one folder. A Secret named twice is one file: the API takes no path twice. */
export const credentialsVolume = (name: string, files: readonly { secret: string; path: string }[]): Json => ({
  name,
  projected: { sources: [...new Map(files.map((file) => [file.path, file])).values()].map(({ secret, path }) => ({ secret: { name: secret, items: [{ key: '.dockerconfigjson', path }] } })) },
});
