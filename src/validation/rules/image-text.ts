/**
 * Why a text is no image reference, in the words of the library that KAITO uses; undefined when it is one.
 * https://github.com/distribution/reference/blob/v0.6.0/normalize.go
 */
export const imageProblem = (text: string): string | undefined => {
  if (/^[0-9a-f]{64}$/.test(text)) return `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`;
  const [domain, remainder] = splitDomain(text);
  const [remote = ''] = remainder.split(':');
  if (remote.toLowerCase() !== remote) return `invalid reference format: repository name (${remote}) must be lowercase`;
  const whole = `${domain}/${remainder}`;
  const match = reference.exec(whole);
  if (!match) return reference.test(whole.toLowerCase()) ? 'repository name must be lowercase' : 'invalid reference format';
  const [, path = '', algorithm, hex = ''] = match;
  if (path.length > 255) return 'repository name must not be more than 255 characters';
  return algorithm === undefined ? undefined : digestProblem(algorithm, hex);
};

/** https://github.com/opencontainers/go-digest/blob/v1.0.0/digest.go */
const digestProblem = (algorithm: string, hex: string): string | undefined => {
  const length = digestLengths.get(algorithm);
  if (length === undefined) return /[A-Z]/.test(algorithm) ? 'invalid checksum digest format' : 'unsupported digest algorithm';
  if (hex.length !== length) return 'invalid checksum digest length';
  return /[A-F]/.test(hex) ? 'invalid checksum digest format' : undefined;
};

const digestLengths: ReadonlyMap<string, number> = new Map([['sha256', 64], ['sha384', 96], ['sha512', 128]]);

const domainPart = String.raw`[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?`;
const domainName = String.raw`(?:${domainPart}(?:\.${domainPart})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?`;
const pathPart = String.raw`[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*`;
const digest = String.raw`([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*):([0-9a-fA-F]{32,})`;
/** What has letters that no domain may have is all path. */
const reference = new RegExp(String.raw`^(?:${domainName}/)?(${pathPart}(?:/${pathPart})*)(?::\w[\w.-]{0,127})?(?:@${digest})?$`);

const splitDomain = (text: string): [domain: string, remainder: string] => {
  const slash = text.indexOf('/');
  const first = text.slice(0, Math.max(0, slash));
  const isDomain = slash !== -1 && (/[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first);
  const [domain, remainder] = isDomain ? [first === 'index.docker.io' ? 'docker.io' : first, text.slice(slash + 1)] : ['docker.io', text];
  return [domain, domain === 'docker.io' && !remainder.includes('/') ? `library/${remainder}` : remainder];
};
