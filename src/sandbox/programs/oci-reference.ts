/** An image reference in its parts, Docker's short forms written out. */
export interface ImageReference {
  /** Where to ask: `registry-1.docker.io`, `127.0.0.1:5000`. */
  host: string;
  repository: string;
  /** A tag or a digest. */
  target: string;
  /** Under which credentials are kept for it, first what is asked first. */
  credentialKeys: string[];
}

/** `host/team/adapter:v1`, `team/adapter`, `host/adapter@sha256:…`. Undefined when it is none. */
export const parseReference = (text: string): ImageReference | undefined => {
  const [, first, rest] = /^(?:([^/]*[.:][^/]*|localhost)\/)?(.+)$/.exec(text) ?? [];
  const [, path, tag, digest] = /^([a-z0-9._/-]+?)(?::([\w][\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(rest ?? '') ?? [];
  if (path === undefined) return undefined;
  const target = digest ?? tag ?? 'latest';
  if (first !== undefined && first !== 'docker.io') return { host: first, repository: path, target, credentialKeys: [first, `https://${first}`, `${first}/${path}`] };
  const repository = path.includes('/') ? path : `library/${path}`;
  return { host: 'registry-1.docker.io', repository, target, credentialKeys: ['https://index.docker.io/v1/', 'docker.io', 'registry-1.docker.io'] };
};
