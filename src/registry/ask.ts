import type { PullFacts, PushFacts } from '../domain/facts.ts';
import { parseImageReference } from '../domain/image-reference.ts';
import { findCredentials, type FoundCredentials } from './credentials.ts';
import { checkPull, checkPush } from './registry.ts';

type Secrets = Record<string, { data?: Record<string, string> } | undefined>;

/** The push check for an image, with the credentials that its Secret will turn out to have. */
export const askRegistry =
  (image: string, secretName: string | undefined, signal: AbortSignal) =>
  async (secrets: Secrets): Promise<PushFacts> => {
    const reference = parseImageReference(image);
    if (!reference) return { canPush: false, reason: 'refused', fact: notAnImage(image) };
    return await checkPush(reference, { fetch, signal, ...credentialsIn(secrets, secretName === undefined ? [] : [secretName], reference.registry) });
  };

/** The pull check for each of these images, likewise. */
export const askForImages =
  (images: readonly { image: string; secretNames: readonly string[] }[], signal: AbortSignal) =>
  async (secrets: Secrets): Promise<Record<string, PullFacts>> => {
    const answers = await Promise.all(
      images.map(async ({ image, secretNames }): Promise<[string, PullFacts]> => {
        const reference = parseImageReference(image);
        if (!reference) return [image, { canPull: false, reason: 'missing', fact: notAnImage(image) }];
        const { secretName, ...found } = credentialsIn(secrets, secretNames, reference.registry);
        if (found.credentials?.hasAuth === false) return [image, { canPull: false, reason: 'refused', fact: `Secret ${secretName} has no "auth" for ${reference.registry}, and skopeo, which pulls the image in the pod, reads nothing else.` }];
        return [image, await checkPull(reference, { fetch, signal, ...found })];
      }),
    );
    return Object.fromEntries(answers);
  };

const notAnImage = (image: string): string => `${image} is not an image reference.`;

/** Of several Secrets the first that has some for this registry. */
const credentialsIn = (secrets: Secrets, secretNames: readonly string[], registry: string): { secretName?: string; credentials?: FoundCredentials } => {
  for (const secretName of secretNames) {
    const encoded = secrets[secretName]?.data?.['.dockerconfigjson'];
    const credentials = encoded === undefined ? undefined : findCredentials(Buffer.from(encoded, 'base64').toString('utf8'), registry);
    if (credentials) return { secretName, credentials };
  }
  return {};
};
