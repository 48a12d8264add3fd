import { request, type RequestOptions } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Blob, Image } from './image.ts';

/** Where a registry listens for plain HTTP: a socket file, or a host and a port. */
export type RegistryAddress = Pick<RequestOptions, 'socketPath' | 'host' | 'port'>;

interface Answer {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  body: string;
}

const timeoutMs = 120_000;

const call = (address: RegistryAddress, method: string, path: string, content?: { type: string; bytes: Uint8Array }): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const headers = content ? { 'content-type': content.type, 'content-length': String(content.bytes.length) } : { 'content-length': '0' };
    const sent = request({ ...address, method, path, headers, timeout: timeoutMs }, (response) => {
      text(response).then((body) => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      }, reject);
    });
    sent.on('timeout', () => sent.destroy(new Error(`The registry does not answer ${method} ${path} within ${timeoutMs / 1000} s.`)));
    sent.on('error', reject);
    sent.end(content?.bytes);
  });

const expectStatus = (answer: Answer, status: number, what: string): Answer => {
  if (answer.status !== status) throw new Error(`${what}: the registry answers ${answer.status} ${answer.body.slice(0, 300)}`);
  return answer;
};

/** Uploads what the registry does not have yet, and then the manifest under that tag. */
export const push = async (address: RegistryAddress, reference: { repository: string; tag: string }, image: Image): Promise<void> => {
  await Promise.all(image.blobs.map((blob) => pushBlob(address, reference.repository, blob)));
  const { mediaType, bytes } = image.manifest;
  const answer = await call(address, 'PUT', `/v2/${reference.repository}/manifests/${reference.tag}`, { type: mediaType, bytes });
  expectStatus(answer, 201, `${reference.repository}:${reference.tag}`);
};

const pushBlob = async (address: RegistryAddress, repository: string, { digest, bytes }: Blob): Promise<void> => {
  const there = await call(address, 'HEAD', `/v2/${repository}/blobs/${digest}`);
  if (there.status === 200) return;
  const begun = expectStatus(await call(address, 'POST', `/v2/${repository}/blobs/uploads/`), 202, `Upload to ${repository}`);
  const location = new URL(String(begun.headers['location']), 'http://registry');
  location.searchParams.set('digest', digest);
  const answer = await call(address, 'PUT', `${location.pathname}${location.search}`, { type: 'application/octet-stream', bytes });
  expectStatus(answer, 201, `${digest} to ${repository}`);
};
