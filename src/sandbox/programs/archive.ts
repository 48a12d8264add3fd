import { gunzipSync, gzipSync } from 'node:zlib';
import { extract, pack } from 'tar-stream';

/** Regular files of a layer by path, without a slash or dot in front. */
export type ArchiveFiles = Map<string, Buffer>;

/** An uncompressed tar archive. Without times, so that the same files make the same archive. */
export const packFiles = async (files: ArchiveFiles): Promise<Buffer> => {
  const archive = pack();
  const folders = new Set([...files.keys()].flatMap((path) => path.split('/').slice(0, -1).map((_, index, parts) => `${parts.slice(0, index + 1).join('/')}/`)));
  for (const name of [...folders].sort()) archive.entry({ name, type: 'directory', mtime: new Date(0) });
  for (const [name, content] of files) archive.entry({ name, mtime: new Date(0) }, content);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks);
};

export const compress = (archive: Buffer): Buffer<ArrayBuffer> => gzipSync(archive, { level: 9 });

/** Reads a layer, compressed or not. Throws when it is no archive. */
export const unpackFiles = async (layer: Buffer): Promise<ArchiveFiles> => {
  const isCompressed = layer[0] === 0x1f && layer[1] === 0x8b;
  const files: ArchiveFiles = new Map();
  const reader = extract();
  reader.end(isCompressed ? gunzipSync(layer) : layer);
  for await (const entry of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    if (entry.header.type === 'file') files.set(entry.header.name.replace(/^(?:\.?\/)+/, ''), Buffer.concat(chunks));
  }
  return files;
};
