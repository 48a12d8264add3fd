import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { execa } from 'execa';
import type { Registries } from '../cluster/registries/registries.ts';

/** An image as skopeo, which is none of ours, brought it. */
export interface PulledImage {
  manifest: { config: { mediaType: string }; layers: { mediaType: string; digest: string }[]; annotations?: Record<string, string> };
  manifestDigest: string;
  config: { rootfs?: { diff_ids?: string[] } };
  /** Of the layers, uncompressed. */
  layerDigests: string[];
  /** Paths in the layers' archives. */
  paths: string[];
  adapterConfig: Record<string, unknown>;
}

/** Pulls with the reader's credentials, and unpacks the layers as KAITO's puller does: with tar, one over the other. */
export const pullAdapterImage = async ({ users: { reader }, certificateAuthorityFile }: Registries, reference: string): Promise<PulledImage> => {
  const folder = await mkdtemp(join(tmpdir(), 'kaito-ts-pulled-'));
  try {
    const [certificates, image, files] = ['certificates', 'image', 'files'].map((name) => join(folder, name)) as [string, string, string];
    await mkdir(certificates);
    await mkdir(files);
    await copyFile(certificateAuthorityFile, join(certificates, 'ca.crt'));
    await execa('/usr/bin/skopeo', ['--insecure-policy', 'copy', '--src-cert-dir', certificates, '--src-creds', `${reader.name}:${reader.password}`, `docker://${reference}`, `dir:${image}`]);
    const written = await readFile(join(image, 'manifest.json'));
    const manifest = JSON.parse(written.toString()) as PulledImage['manifest'] & { config: { digest: string } };
    const blob = (digest: string): string => join(image, digest.replace('sha256:', ''));
    const layers = await Promise.all(manifest.layers.map(async ({ digest }) => gunzipSync(await readFile(blob(digest)))));
    const paths = [];
    for (const layer of layers) paths.push(...(await execa('/bin/tar', ['-xvf', '-', '-C', files], { input: layer })).stdout.split('\n'));
    return {
      manifest,
      manifestDigest: toDigest(written),
      config: JSON.parse(await readFile(blob(manifest.config.digest), 'utf8')) as PulledImage['config'],
      layerDigests: layers.map(toDigest),
      paths,
      adapterConfig: JSON.parse(await readFile(join(files, 'data/adapter_config.json'), 'utf8')) as Record<string, unknown>,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const toDigest = (content: Uint8Array): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;
