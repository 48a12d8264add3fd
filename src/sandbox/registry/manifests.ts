import * as z from 'zod';
import { digestOf, ensureRepository, isDigest, resolveReference, type Repository } from './content.ts';
import { maximumManifestBytes, readBody, type Exchange, type Handler } from './exchange.ts';
import { RegistryProblem } from './problem.ts';

const descriptor = z.object({
  mediaType: z.string(),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  size: z.int().nonnegative(),
  urls: z.array(z.string()).optional(),
});

const image = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  config: descriptor,
  layers: z.array(descriptor),
  subject: descriptor.optional(),
});

const index = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  manifests: z.array(descriptor),
  subject: descriptor.optional(),
});

const imageTypes = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json'];
const indexTypes = ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json'];

/** `/v2/<name>/manifests/<tag or digest>`: HEAD, GET, PUT, DELETE. */
export const answerManifest: Handler = async (exchange) => {
  const { response, method, content, name, reference } = exchange;
  if (method === 'PUT') return put(exchange);

  const repository = content.get(name);
  if (!repository) throw new RegistryProblem('NAME_UNKNOWN', { detail: { name } });
  const digest = resolveReference(repository, reference);
  const manifest = digest === undefined ? undefined : repository.manifests.get(digest);
  if (digest === undefined || !manifest) throw new RegistryProblem('MANIFEST_UNKNOWN', { detail: { reference } });

  if (method === 'DELETE') {
    remove(repository, reference);
    response.writeHead(202, { 'content-length': 0 }).end();
    return undefined;
  }
  if (method !== 'GET') throw new RegistryProblem('UNSUPPORTED');
  response.writeHead(200, {
    'content-type': manifest.mediaType,
    'content-length': manifest.content.length,
    'docker-content-digest': digest,
    etag: `"${digest}"`,
  });
  response.end(manifest.content);
  return undefined;
};

const put = async ({ request, response, content, name, reference }: Exchange): Promise<void> => {
  if (!isDigest(reference) && !/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/.test(reference)) {
    throw new RegistryProblem('TAG_INVALID', { detail: { tag: reference } });
  }
  const body = await readBody(request, maximumManifestBytes);
  const digest = digestOf(body);
  if (isDigest(reference) && reference !== digest) {
    throw new RegistryProblem('DIGEST_INVALID', { detail: { digest: reference, actual: digest } });
  }
  const repository = ensureRepository(content, name);
  const mediaType = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim() ?? '';
  const { missing, subject } = inspect(repository, mediaType, body);
  if (missing.length > 0) throw new RegistryProblem('MANIFEST_BLOB_UNKNOWN', { detail: { digests: missing } });

  repository.manifests.set(digest, { mediaType, content: body, ...(subject === undefined ? {} : { subject }) });
  if (!isDigest(reference)) repository.tags.set(reference, digest);
  response.writeHead(201, {
    location: `/v2/${name}/manifests/${digest}`,
    'docker-content-digest': digest,
    ...(subject === undefined ? {} : { 'oci-subject': subject }),
    'content-length': 0,
  });
  response.end();
};

/** Which of a manifest's parts are not in the repository yet. Layers with `urls` live elsewhere by design. */
const inspect = (repository: Repository, mediaType: string, body: Buffer): { missing: string[]; subject?: string } => {
  const isIndex = indexTypes.includes(mediaType);
  if (!isIndex && !imageTypes.includes(mediaType)) throw new RegistryProblem('MANIFEST_INVALID', { detail: { mediaType } });
  const document = parseJson(body);
  const parsed = isIndex ? index.safeParse(document) : image.safeParse(document);
  if (!parsed.success) throw new RegistryProblem('MANIFEST_INVALID', { detail: z.prettifyError(parsed.error) });
  if (parsed.data.mediaType !== undefined && parsed.data.mediaType !== mediaType) {
    throw new RegistryProblem('MANIFEST_INVALID', { detail: { mediaType: parsed.data.mediaType, contentType: mediaType } });
  }
  const subject = parsed.data.subject?.digest;
  const missing =
    'manifests' in parsed.data
      ? parsed.data.manifests.filter(({ digest }) => !repository.manifests.has(digest))
      : [parsed.data.config, ...parsed.data.layers].filter(({ digest, urls }) => !urls?.length && !repository.blobs.has(digest));
  return { missing: missing.map(({ digest }) => digest), ...(subject === undefined ? {} : { subject }) };
};

const parseJson = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new RegistryProblem('MANIFEST_INVALID', { detail: 'not JSON' });
  }
};

/** A tag takes only itself away, a digest also every tag that points at it. */
const remove = (repository: Repository, reference: string): void => {
  if (!isDigest(reference)) {
    repository.tags.delete(reference);
    return;
  }
  repository.manifests.delete(reference);
  for (const [tag, digest] of repository.tags) if (digest === reference) repository.tags.delete(tag);
};
