import { posix } from 'node:path';
import type { ContainerFiles } from '../programs/program.ts';

/** A volume's content by path inside it, without a slash in front. */
export type Files = Map<string, Buffer>;

export interface Mount {
  /** Where in the container. */
  path: string;
  files: Files;
  /** What of the volume is there: a folder, or one file; empty for all of it. */
  subPath: string;
  isReadOnly: boolean;
}

/** What a container sees: its own files, and the volumes over them, the deepest mount first. */
export const createContainerFiles = (mounts: readonly Mount[]): ContainerFiles => {
  const own: Mount = { path: '/', files: new Map(), subPath: '', isReadOnly: false };
  const all = [...mounts, own].sort((left, right) => right.path.length - left.path.length);

  const locate = (path: string): { mount: Mount; key: string } => {
    const absolute = posix.resolve('/', path);
    const mount = all.find((candidate) => isInside(absolute, candidate.path)) ?? own;
    return { mount, key: posix.join(mount.subPath, posix.relative(mount.path, absolute)).replace(/\/$/, '') };
  };

  return {
    read(path) {
      const { mount, key } = locate(path);
      return mount.files.get(key);
    },
    write(path, content) {
      const { mount, key } = locate(path);
      if (mount.isReadOnly) throw new Error(`EROFS: read-only file system, open '${path}'`);
      mount.files.set(key, Buffer.from(content));
    },
    list(folder) {
      const root = posix.resolve('/', folder);
      const paths = all.flatMap((mount) =>
        [...mount.files.keys()]
          .filter((key) => mount.subPath === '' || key === mount.subPath || key.startsWith(`${mount.subPath}/`))
          .map((key) => posix.join(mount.path, posix.relative(mount.subPath, key)))
          // A volume hides what lies under it.
          .filter((path) => path !== root && isInside(path, root) && locate(path).mount === mount),
      );
      return paths.sort();
    },
  };
};

const isInside = (path: string, folder: string): boolean => path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
