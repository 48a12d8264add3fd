import { randomBytes } from 'node:crypto';
import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandboxClock } from '../../../src/sandbox/clock.ts';
import { createFaults } from '../../../src/sandbox/faults.ts';
import { digestOf } from '../../../src/sandbox/registry/content.ts';
import { startRegistry, type SandboxRegistry } from '../../../src/sandbox/registry/registry.ts';
import { createCertificateAuthority } from '../../../src/sandbox/tls.ts';

const skopeo = (...args: string[]) => execa('skopeo', ['--insecure-policy', ...args], { reject: false, timeout: 120_000 });
const hasSkopeo = (await skopeo('--version')).exitCode === 0;

/** An image in OCI layout with one layer, as `oras push --oci-layout` leaves it. */
const writeLayout = async (folder: string): Promise<string> => {
  const blobs = join(folder, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });
  const writeBlob = async (mediaType: string, content: string | Buffer) => {
    const bytes = Buffer.from(content);
    const digest = digestOf(bytes);
    await writeFile(join(blobs, digest.replace('sha256:', '')), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const files = randomBytes(3_000_000);
  // Compressed, or skopeo would compress it and push something else.
  const layer = await writeBlob('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(files));
  const config = await writeBlob(
    'application/vnd.oci.image.config.v1+json',
    JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [digestOf(files)] } }),
  );
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = await writeBlob(mediaType, JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [layer] }));
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  const annotations = { 'org.opencontainers.image.ref.name': 'v1' };
  await writeFile(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }));
  return layer.digest;
};

describe('skopeo as an independent client', () => {
  let folder: string;
  let registry: SandboxRegistry;
  let layer: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sandbox-registry-'));
    await mkdir(join(folder, 'certs'));
    const authority = createCertificateAuthority();
    await writeFile(join(folder, 'certs', 'registry.crt'), authority.certificatePem);
    layer = await writeLayout(join(folder, 'image'));
    registry = await startRegistry({
      tls: authority.issue(),
      users: [{ name: 'alice', password: 'secret' }],
      clock: createSandboxClock(1000),
      faults: createFaults([]),
    });
  });

  afterAll(async () => {
    await registry.close();
    await rm(folder, { recursive: true });
  });

  it.skipIf(!hasSkopeo)('pushes an image and pulls the same one back (skipped without skopeo)', async () => {
    const reference = `docker://${registry.host}/team/adapter:v1`;
    const certs = join(folder, 'certs');
    const pushed = await skopeo('copy', '--dest-creds', 'alice:secret', '--dest-cert-dir', certs, `oci:${folder}/image:v1`, reference);
    expect(pushed.stderr).toBe('');
    const pulled = await skopeo('copy', '--src-cert-dir', certs, reference, `oci:${folder}/pulled:v1`);
    expect(pulled.stderr).toBe('');
    const bytes = await readFile(join(folder, 'pulled', 'blobs', 'sha256', layer.replace('sha256:', '')));
    expect(digestOf(bytes)).toBe(layer);
    const tags = await skopeo('list-tags', '--cert-dir', certs, `docker://${registry.host}/team/adapter`);
    expect(JSON.parse(tags.stdout)).toMatchObject({ Tags: ['v1'] });
  });

  it.skipIf(!hasSkopeo)('cannot push without credentials (skipped without skopeo)', async () => {
    const pushed = await skopeo('copy', '--dest-cert-dir', join(folder, 'certs'), `oci:${folder}/image:v1`, `docker://${registry.host}/team/other:v1`);
    expect([pushed.exitCode, pushed.stderr]).toEqual([1, expect.stringMatching(/unauthorized|authentication required/)]);
  });
});
