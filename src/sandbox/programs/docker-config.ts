import * as z from 'zod';
import type { Credentials } from './oci-client.ts';
import type { ImageReference } from './oci-reference.ts';

const dockerConfig = z.object({
  auths: z.record(z.string(), z.object({ auth: z.string().optional(), username: z.string().optional(), password: z.string().optional() })).optional(),
});

/** What a `config.json` has for a registry; undefined when it has nothing, or is no such file. */
export const readCredentials = (content: Buffer | undefined, { credentialKeys }: ImageReference): Credentials | undefined => {
  if (!content) return undefined;
  let auths;
  try {
    auths = dockerConfig.parse(JSON.parse(content.toString('utf8'))).auths ?? {};
  } catch {
    return undefined;
  }
  for (const key of credentialKeys) {
    const { auth, username, password } = auths[key] ?? {};
    if (username !== undefined && password !== undefined) return { username, password };
    const [, name, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(auth ?? '', 'base64').toString('utf8')) ?? [];
    if (name !== undefined && secret !== undefined) return { username: name, password: secret };
  }
  return undefined;
};
