import { createHash } from 'node:crypto';

/** `sha256:` and 64 hexadecimal digits; the only algorithm this registry knows. */
export type Digest = string;

export interface StoredManifest {
  mediaType: string;
  content: Buffer;
  /** The digest that this manifest refers to, for the referrers API. */
  subject?: Digest;
}

/** A blob on its way: chunks arrive in order and are joined when the digest is given. */
export interface Upload {
  chunks: Buffer[];
  sizeBytes: number;
}

export interface Repository {
  /** A mounted blob is the same Buffer in two repositories. */
  blobs: Map<Digest, Buffer>;
  manifests: Map<Digest, StoredManifest>;
  tags: Map<string, Digest>;
  uploads: Map<string, Upload>;
}

/** Everything the registry holds, in memory, by repository name. */
export type RegistryContent = Map<string, Repository>;

export const digestOf = (content: Buffer): Digest => `sha256:${createHash('sha256').update(content).digest('hex')}`;

export const isDigest = (text: string): text is Digest => /^sha256:[0-9a-f]{64}$/.test(text);

/** The repository, made on first use: pushing to a name is what creates it. */
export const ensureRepository = (content: RegistryContent, name: string): Repository => {
  const existing = content.get(name);
  if (existing) return existing;
  const created: Repository = { blobs: new Map(), manifests: new Map(), tags: new Map(), uploads: new Map() };
  content.set(name, created);
  return created;
};

/** The digest behind a tag, or the digest itself. */
export const resolveReference = (repository: Repository | undefined, reference: string): Digest | undefined =>
  isDigest(reference) ? reference : repository?.tags.get(reference);
