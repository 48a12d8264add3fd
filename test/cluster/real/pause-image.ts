import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';

export const pauseImage = 'kaito-ts.test/pause:1';

/** The image of a pod's sandbox, in the format of `docker save`: one static program that sleeps. */
export const writePauseImage = async (busybox: string, file: string): Promise<void> => {
  const layer = await tar({ 'bin/sleep': await readFile(busybox) });
  const config = {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: { Entrypoint: ['/bin/sleep', '2147483647'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${createHash('sha256').update(layer).digest('hex')}`] },
  };
  const manifest = [{ Config: 'config.json', RepoTags: [pauseImage], Layers: ['layer.tar'] }];
  const image = entries({ 'manifest.json': Buffer.from(JSON.stringify(manifest)), 'config.json': Buffer.from(JSON.stringify(config)), 'layer.tar': layer });
  await pipeline(image, createWriteStream(file));
};

const entries = (files: Readonly<Record<string, Buffer>>) => {
  const archive = pack();
  for (const [name, content] of Object.entries(files)) archive.entry({ name, mode: 0o755, mtime: new Date(0) }, content);
  archive.finalize();
  return archive;
};

const tar = (files: Readonly<Record<string, Buffer>>): Promise<Buffer> => buffer(entries(files));
