/**
 * An image as skopeo takes it: with a tag or a digest, not with both. The digest is what was pushed, even if the tag has
 * moved since.
 */
export const toPullReference = (reference: string, digest?: string): string => {
  const [tagged = '', named = digest] = reference.split('@');
  return named === undefined ? tagged : `${tagged.replace(/:[^:/]*$/, '')}@${digest ?? named}`;
};
