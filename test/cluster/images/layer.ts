import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';

/** Something in a layer, by its absolute path. */
export type Entry =
  | { path: string; content: string | Uint8Array; mode?: number }
  | { path: string; link: string }
  | { path: string; folder: true; mode?: number };

export interface Layer {
  /** Of the compressed bytes, which is how a registry knows them. */
  digest: string;
  /** Of the tar archive. */
  diffId: string;
  bytes: Uint8Array;
  mediaType: string;
  annotations?: Record<string, string>;
}

export const digest = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** A layer with these entries and the folders that they need; the same entries give the same bytes. */
export const toLayer = async (entries: readonly Entry[]): Promise<Layer> => {
  const archive = pack();
  const made = new Set<string>(['']);
  const epoch = new Date(0);
  const makeFolder = (path: string, mode = 0o755): void => {
    if (made.has(path)) return;
    makeFolder(path.slice(0, path.lastIndexOf('/')));
    made.add(path);
    archive.entry({ name: `${path.slice(1)}/`, type: 'directory', mode, mtime: epoch });
  };
  // Folders with a mode of their own come first: another entry must not make them as usual.
  for (const entry of entries) if ('folder' in entry) makeFolder(entry.path, entry.mode);
  for (const entry of entries) {
    if ('folder' in entry) continue;
    makeFolder(entry.path.slice(0, entry.path.lastIndexOf('/')));
    const name = entry.path.slice(1);
    if ('link' in entry) archive.entry({ name, type: 'symlink', linkname: entry.link, mtime: epoch });
    else archive.entry({ name, mode: entry.mode ?? 0o644, mtime: epoch }, Buffer.from(entry.content));
  }
  archive.finalize();
  const tar = await buffer(archive);
  const bytes = gzipSync(tar, { level: 6 });
  return { digest: digest(bytes), diffId: digest(tar), bytes, mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' };
};

const run = promisify(execFile);

/** A dynamically linked program of this machine, with the libraries that its loader asks for. */
export const programOf = async (file: string, path = `/usr/bin/${basename(file)}`): Promise<Entry[]> => {
  const { stdout } = await run('ldd', [file]).catch(() => ({ stdout: '' }));
  const libraries = [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].flatMap(([, library]) => (library === undefined ? [] : [library]));
  const copy = async (from: string, to: string): Promise<Entry> => ({ path: to, content: await readFile(await realpath(from)), mode: 0o755 });
  return Promise.all([copy(file, path), ...libraries.map((library) => copy(library, library))]);
};

/** A small system: a shell, its usual tools and a user. */
export const busyboxEntries = async (): Promise<Entry[]> => {
  const busybox = '/usr/bin/busybox';
  const { stdout } = await run(busybox, ['--list']);
  const applets = stdout.split('\n').filter((applet) => applet !== '' && applet !== 'busybox');
  return [
    { path: '/tmp', folder: true, mode: 0o1777 },
    { path: '/var/tmp', folder: true, mode: 0o1777 },
    { path: '/root', folder: true, mode: 0o700 },
    { path: '/mnt', folder: true },
    { path: '/etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' },
    { path: '/etc/group', content: 'root:x:0:\nnogroup:x:65534:\n' },
    { path: '/bin/busybox', content: await readFile(busybox), mode: 0o755 },
    ...applets.map((applet): Entry => ({ path: join('/bin', applet), link: 'busybox' })),
  ];
};
