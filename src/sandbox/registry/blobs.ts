import { isDigest } from './content.ts';
import type { Handler } from './exchange.ts';
import { RegistryProblem } from './problem.ts';

/** `/v2/<name>/blobs/<digest>`: HEAD, GET with one byte range, DELETE. */
export const answerBlob: Handler = ({ request, response, method, content, name, reference: digest }) => {
  if (!isDigest(digest)) throw new RegistryProblem('DIGEST_INVALID', { detail: { digest } });
  const repository = content.get(name);
  if (!repository) throw new RegistryProblem('NAME_UNKNOWN', { detail: { name } });
  const blob = repository.blobs.get(digest);
  if (!blob) throw new RegistryProblem('BLOB_UNKNOWN', { detail: { digest } });

  if (method === 'DELETE') {
    repository.blobs.delete(digest);
    response.writeHead(202, { 'content-length': 0 }).end();
    return;
  }
  if (method !== 'GET') throw new RegistryProblem('UNSUPPORTED');
  const headers = {
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    etag: `"${digest}"`,
  };
  const range = parseRange(request.headers.range, blob.length);
  if (!range) {
    response.writeHead(200, { ...headers, 'content-length': blob.length }).end(blob);
    return;
  }
  const part = blob.subarray(range.first, range.last + 1);
  response.writeHead(206, {
    ...headers,
    'content-length': part.length,
    'content-range': `bytes ${range.first}-${range.last}/${blob.length}`,
  });
  response.end(part);
};

/** Undefined when the whole blob is wanted, or several ranges at once, which RFC 9110 lets a server answer in full. */
const parseRange = (header: string | undefined, sizeBytes: number): { first: number; last: number } | undefined => {
  const match = /^bytes=(?<first>\d*)-(?<last>\d*)$/.exec(header ?? '');
  const { first = '', last = '' } = match?.groups ?? {};
  if (!match || (first === '' && last === '')) return undefined;
  const range =
    first === ''
      ? { first: Math.max(0, sizeBytes - Number(last)), last: sizeBytes - 1 }
      : { first: Number(first), last: last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1) };
  if (range.first < sizeBytes && range.first <= range.last) return range;
  throw new RegistryProblem('RANGE_INVALID', { headers: { 'content-range': `bytes */${sizeBytes}` } });
};
