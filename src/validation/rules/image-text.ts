/**
 * Why a text is no image reference, in the words of the library that KAITO uses; undefined when it is one.
 * https://github.com/distribution/reference/blob/v0.6.0/normalize.go
 */
export const imageProblem = (text: string): string | undefined => {
  if (/^[0-9a-f]{64}$/.test(text)) return `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`;
  const [domain, remainder] = splitDomain(text);
  const [remote = ''] = remainder.split(':');
  if (remote.toLowerCase() !== remote) return `invalid reference format: repository name (${remote}) must be lowercase`;
  const match = reference.exec(`${domain}/${remainder}`);
  if (!match) return 'invalid reference format';
  const [, name = '', , algorithm, hex = ''] = match;
  if (name.length > 255) return 'repository name must not be more than 255 characters';
  if (algorithm === undefined) return undefined;
  const length = digestLengths[algorithm];
  if (length === undefined) return 'unsupported digest algorithm';
  return hex.length === length && /^[0-9a-f]+$/.test(hex) ? undefined : 'invalid checksum digest length';
};

const digestLengths: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

const domainName = String.raw`(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?`;
const pathPart = String.raw`[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*`;
const reference = new RegExp(String.raw`^(${domainName}/${pathPart}(?:/${pathPart})*)(?::([\w][\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*):([0-9a-fA-F]{32,}))?$`);

const splitDomain = (text: string): [domain: string, remainder: string] => {
  const slash = text.indexOf('/');
  const first = text.slice(0, Math.max(0, slash));
  const isDomain = slash !== -1 && (/[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first);
  const [domain, remainder] = isDomain ? [first === 'index.docker.io' ? 'docker.io' : first, text.slice(slash + 1)] : ['docker.io', text];
  return [domain, domain === 'docker.io' && !remainder.includes('/') ? `library/${remainder}` : remainder];
};
