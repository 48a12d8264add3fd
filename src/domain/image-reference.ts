/** An image's name as a registry needs it. */
export interface ImageReference {
  /** `docker.io` is served by `registry-1.docker.io`. */
  registry: string;
  repository: string;
  tag?: string;
  digest?: string;
}

/**
 * Reads a reference as Docker does: no registry means Docker Hub, no tag means `latest`. Undefined when it is none.
 * Grammar: https://github.com/distribution/reference/blob/v0.6.0/reference.go
 */
export const parseImageReference = (text: string): ImageReference | undefined => {
  const match = /^(?:([^/]+)\/)?([^:@]+?)(?::([\w][\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(withRegistry(text));
  if (!match) return undefined;
  const [, registry, repository, tag, digest] = match;
  if (!registry || !isHost(registry) || !repository || !/^[a-z0-9]+(?:(?:\.|_{1,2}|-+|\/)[a-z0-9]+)*$/.test(repository)) return undefined;
  return { registry, repository, ...(tag ? { tag } : digest ? {} : { tag: 'latest' }), ...(digest ? { digest } : {}) };
};

/** A name or an address, perhaps with a port. */
const isHost = (text: string): boolean => /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?$/.test(text);

const withRegistry = (text: string): string => {
  const [first = '', ...rest] = text.split('/');
  const hasRegistry = rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost');
  if (hasRegistry && first === 'docker.io' && rest.length === 1) return `docker.io/library/${rest[0]}`;
  if (hasRegistry) return text;
  return `docker.io/${rest.length === 0 ? `library/${text}` : text}`;
};
