import type { PushFacts } from '../domain/facts.ts';
import { parseImageReference } from '../domain/image-reference.ts';
import { findCredentials } from './credentials.ts';
import { checkPush } from './registry.ts';

/** The push check for an image, with the credentials that its Secret will turn out to have. */
export const askRegistry =
  (image: string, secretName: string | undefined, signal: AbortSignal) =>
  async (secrets: Record<string, { data?: Record<string, string> } | undefined>): Promise<PushFacts> => {
    const reference = parseImageReference(image);
    if (!reference) return { canPush: false, reason: 'refused', fact: `${image} is not an image reference.` };
    const encoded = secretName === undefined ? undefined : secrets[secretName]?.data?.['.dockerconfigjson'];
    const credentials = encoded === undefined ? undefined : findCredentials(Buffer.from(encoded, 'base64').toString('utf8'), reference.registry);
    return await checkPush(reference, { fetch, signal, ...(credentials ? { credentials } : {}) });
  };
