import { createHash } from 'node:crypto';

export interface KnownImage {
  sizeBytes: number;
}

/** What is in the registries as far as the sandbox's nodes are concerned: any tag of these, by a pattern of the name. */
const published: readonly [name: RegExp, sizeBytes: number][] = [
  [/^mcr\.microsoft\.com\/aks\/kaito\/kaito-base$/, 9_463_214_592],
  [/^mcr\.microsoft\.com\/aks\/skopeo$/, 61_344_512],
  [/^mcr\.microsoft\.com\/oss\/v2\/oras-project\/oras$/, 19_264_256],
  [/^ghcr\.io\/oras-project\/oras$/, 19_264_256],
  [/^docker\.io\/curlimages\/curl$/, 10_412_032],
  [/^docker\.io\/library\/busybox$/, 2_211_840],
  [/^registry\.k8s\.io\/pause$/, 320_512],
  [/^nvcr\.io\/nvidia\/k8s-device-plugin$/, 203_161_600],
  [/^mcr\.microsoft\.com\/oss\/(v2\/)?nvidia\/k8s-device-plugin$/, 203_161_600],
];

export const findImage = (reference: string): KnownImage | undefined => {
  const { name } = parseImage(reference);
  const found = published.find(([pattern]) => pattern.test(name));
  return found && { sizeBytes: found[1] };
};

/** The fault `image-pull` is about this one. */
export const isBaseImage = (reference: string): boolean => parseImage(reference).name === 'mcr.microsoft.com/aks/kaito/kaito-base';

/** With registry and tag written out, as containerd names it. */
export const normalizeImage = (reference: string): string => {
  const { name, tag, digest } = parseImage(reference);
  return `${name}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
};

const parseImage = (reference: string): { name: string; tag: string | undefined; digest: string | undefined } => {
  const [rest = '', digest] = reference.split('@', 2);
  const slash = rest.lastIndexOf('/');
  const colon = rest.indexOf(':', slash + 1);
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? (digest === undefined ? 'latest' : undefined) : rest.slice(colon + 1);
  const [first = '', ...others] = path.split('/');
  const hasRegistry = others.length > 0 && /[.:]|^localhost$/.test(first);
  const name = hasRegistry ? path : others.length > 0 ? `docker.io/${path}` : `docker.io/library/${path}`;
  return { name, tag, digest };
};

/** https://github.com/distribution/reference/blob/v0.6.0/regexp.go, near enough. */
const reference = /^(?:[A-Za-z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;

/** What makes a reference none; undefined: it is one. */
export const referenceProblem = (image: string): string | undefined => {
  if (reference.test(image)) return undefined;
  return reference.test(image.toLowerCase()) ? 'invalid reference format: repository name must be lowercase' : 'invalid reference format';
};

/** The digest by which a pulled image is known: made up, and the same each time. */
export const imageIdOf = (reference: string): string => {
  const { name, digest } = parseImage(reference);
  return `${name}@${digest ?? `sha256:${createHash('sha256').update(normalizeImage(reference)).digest('hex')}`}`;
};

/** containerd's answer for an image that no registry has. */
export const notFoundText = (reference: string): string => {
  const image = normalizeImage(reference);
  return `rpc error: code = NotFound desc = failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${image}: not found`;
};

/** About 150 MB a second, and never less than it takes to ask the registry. */
export const pullMs = ({ sizeBytes }: KnownImage): number => 400 + Math.round(sizeBytes / 150_000);

/** As Go writes a duration: `1m3.252s`, `412ms`. */
export const renderDuration = (durationMs: number): string => {
  if (durationMs < 1000) return `${Math.round(durationMs)}ms`;
  const minutes = Math.floor(durationMs / 60_000);
  const seconds = Number(((durationMs % 60_000) / 1000).toFixed(3));
  const hours = Math.floor(minutes / 60);
  return `${hours > 0 ? `${hours}h` : ''}${minutes > 0 ? `${minutes % 60}m` : ''}${seconds}s`;
};
