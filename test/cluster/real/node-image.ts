import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import { pack, type Header } from 'tar-stream';

/** What a pod's sandbox runs. */
export const pauseImage = 'kaito-ts.test/pause:1';
/** The same, for pods that need no more than a shell. Nodes have it without pulling. */
export const busyboxImage = 'kaito-ts.test/busybox:1';

/** One static program under all of its names, in the format of `docker save`; by itself it sleeps. */
export const writeNodeImage = async (busybox: string, file: string): Promise<void> => {
  const { stdout } = await execa(busybox, ['--list']);
  const applets = stdout.split('\n').filter((name) => name !== 'busybox' && name !== '');
  const layer = await buffer(
    archive([
      { header: { name: 'tmp/', type: 'directory', mode: 0o1777 } },
      { header: { name: 'bin/busybox', mode: 0o755 }, content: await readFile(busybox) },
      ...applets.map((name) => ({ header: { name: `bin/${name}`, type: 'symlink' as const, linkname: 'busybox' } })),
    ]),
  );
  const config = {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: { Entrypoint: ['/bin/sleep', '2147483647'], Env: ['PATH=/bin'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${createHash('sha256').update(layer).digest('hex')}`] },
  };
  const manifest = [{ Config: 'config.json', RepoTags: [pauseImage, busyboxImage], Layers: ['layer.tar'] }];
  const image = archive([
    { header: { name: 'manifest.json' }, content: Buffer.from(JSON.stringify(manifest)) },
    { header: { name: 'config.json' }, content: Buffer.from(JSON.stringify(config)) },
    { header: { name: 'layer.tar' }, content: layer },
  ]);
  await pipeline(image, createWriteStream(file));
};

const archive = (entries: readonly { header: Partial<Header> & Pick<Header, 'name'>; content?: Buffer }[]) => {
  const packed = pack();
  for (const { header, content } of entries) packed.entry({ mtime: new Date(0), ...header }, content ?? '');
  packed.finalize();
  return packed;
};
