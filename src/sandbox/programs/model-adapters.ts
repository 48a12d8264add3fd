import * as z from 'zod';
import type { ContainerFiles } from './program.ts';

/** A folder below the adapters' folder. */
export interface FoundAdapter {
  name: string;
  path: string;
  /** The LoRA rank; undefined where there is no `adapter_config.json`, as in `lost+found`. */
  rank: number | undefined;
}

const adapterConfig = z.object({ r: z.int().positive() });

export const findAdapters = (files: ContainerFiles, folder: string): FoundAdapter[] => {
  const root = folder.replace(/\/$/, '');
  const names = new Set<string>();
  for (const path of files.list(root)) {
    const [name = '', ...rest] = path.replace(`${root}/`, '').split('/');
    // A file directly in the folder is no adapter.
    if (rest.length > 0) names.add(name);
  }
  return [...names].sort().map((name) => ({ name, path: `${root}/${name}`, rank: readRank(files, `${root}/${name}`) }));
};

const readRank = (files: ContainerFiles, folder: string): number | undefined => {
  const content = files.read(`${folder}/adapter_config.json`);
  if (!content) return undefined;
  try {
    return adapterConfig.parse(JSON.parse(content.toString('utf8'))).r;
  } catch {
    return undefined;
  }
};
