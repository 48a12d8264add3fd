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

/** The same with all that Docker adds, for programs that add nothing, such as oras; as it is when it is none. With a digest the tag says nothing. */
export const fullImageReference = (text: string): string => {
  const reference = parseImageReference(text);
  if (!reference) return text;
  const { registry, repository, tag, digest } = reference;
  return `${registry}/${repository}${digest === undefined ? `:${tag}` : `@${digest}`}`;
};

/** A name or an address, perhaps with a port. */
const isHost = (text: string): boolean => /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?$/.test(text);

const withRegistry = (text: string): string => {
  const [first = '', ...rest] = text.split('/');
  const hasRegistry = rest.length > 0 && (/[.:A-Z]/.test(first) || first === 'localhost');
  if (hasRegistry && /^(?:index\.)?docker\.io$/.test(first)) return `docker.io/${rest.length === 1 ? 'library/' : ''}${rest.join('/')}`;
  if (hasRegistry) return text;
  return `docker.io/${rest.length === 0 ? `library/${text}` : text}`;
};
