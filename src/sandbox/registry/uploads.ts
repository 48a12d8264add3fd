import { randomUUID } from 'node:crypto';
import { digestOf, ensureRepository, isDigest, type Digest, type Repository, type Upload } from './content.ts';
import { maximumBlobBytes, readBody, type Exchange, type Handler } from './exchange.ts';
import { RegistryProblem } from './problem.ts';

/**
 * `/v2/<name>/blobs/uploads/[<session>]`: blobs arrive whole in the POST, as POST then PUT, or in chunks by PATCH, or are
 * mounted from another repository.
 */
export const answerUpload: Handler = async (exchange) => {
  if (exchange.reference === '') {
    if (exchange.method !== 'POST') throw new RegistryProblem('UNSUPPORTED');
    return start(exchange);
  }
  const repository = exchange.content.get(exchange.name);
  const upload = repository?.uploads.get(exchange.reference);
  if (!repository || !upload) throw new RegistryProblem('BLOB_UPLOAD_UNKNOWN', { detail: { session: exchange.reference } });
  switch (exchange.method) {
    case 'GET':
      return writeSession(exchange, 204, upload);
    case 'PATCH':
      await append(exchange, upload);
      return writeSession(exchange, 202, upload);
    case 'PUT':
      return finish(exchange, repository, upload);
    case 'DELETE':
      repository.uploads.delete(exchange.reference);
      exchange.response.writeHead(204).end();
      return undefined;
    default:
      throw new RegistryProblem('UNSUPPORTED');
  }
};

const start = async (exchange: Exchange): Promise<void> => {
  const { request, query, content, name, access } = exchange;
  const repository = ensureRepository(content, name);

  const mount = query.get('mount');
  const from = query.get('from');
  if (mount !== null && from !== null && access.allows(from, 'pull')) {
    const blob = content.get(from)?.blobs.get(mount);
    if (blob) return store(exchange, repository, mount, blob);
    // What cannot be mounted is uploaded: an ordinary session is the specified answer.
  }

  const digest = query.get('digest');
  if (digest !== null) return store(exchange, repository, digest, await readBody(request, maximumBlobBytes));

  const session = randomUUID();
  const upload: Upload = { chunks: [], sizeBytes: 0 };
  repository.uploads.set(session, upload);
  return writeSession({ ...exchange, reference: session }, 202, upload);
};

/** Chunks come in order; one that starts anywhere else than at the end is refused with the range there is. */
const append = async (exchange: Exchange, upload: Upload): Promise<void> => {
  const header = exchange.request.headers['content-range'];
  const range = /^(?:bytes )?(?<first>\d+)-(?<last>\d+)/.exec(header ?? '')?.groups;
  if (header !== undefined && Number(range?.['first'] ?? Number.NaN) !== upload.sizeBytes) {
    throw new RegistryProblem('RANGE_INVALID', { headers: sessionHeaders(exchange, upload) });
  }
  const chunk = await readBody(exchange.request, maximumBlobBytes - upload.sizeBytes);
  if (range && Number(range['last']) - Number(range['first']) + 1 !== chunk.length) {
    throw new RegistryProblem('BLOB_UPLOAD_INVALID', { detail: { contentRange: header, received: chunk.length } });
  }
  if (chunk.length === 0) return;
  upload.chunks.push(chunk);
  upload.sizeBytes += chunk.length;
};

const finish = async (exchange: Exchange, repository: Repository, upload: Upload): Promise<void> => {
  const digest = exchange.query.get('digest');
  if (digest === null) throw new RegistryProblem('DIGEST_INVALID', { detail: { digest: null } });
  await append(exchange, upload);
  repository.uploads.delete(exchange.reference);
  store(exchange, repository, digest, Buffer.concat(upload.chunks));
};

const store = ({ response, name }: Exchange, repository: Repository, digest: Digest, blob: Buffer): void => {
  const actual = digestOf(blob);
  if (!isDigest(digest) || digest !== actual) throw new RegistryProblem('DIGEST_INVALID', { detail: { digest, actual } });
  repository.blobs.set(digest, blob);
  response.writeHead(201, {
    location: `/v2/${name}/blobs/${digest}`,
    'docker-content-digest': digest,
    'content-length': 0,
  });
  response.end();
};

const sessionHeaders = ({ name, reference }: Exchange, { sizeBytes }: Upload) => ({
  location: `/v2/${name}/blobs/uploads/${reference}`,
  range: `0-${Math.max(0, sizeBytes - 1)}`,
  'docker-upload-uuid': reference,
});

const writeSession = (exchange: Exchange, status: 202 | 204, upload: Upload): void => {
  exchange.response.writeHead(status, {
    ...sessionHeaders(exchange, upload),
    ...(status === 202 ? { 'content-length': 0 } : {}),
  });
  exchange.response.end();
};
