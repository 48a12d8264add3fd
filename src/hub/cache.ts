import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isHubId } from '../domain/preset-catalogue.ts';
import { isCommit } from './answers.ts';
import { mayBeWeights, type ModelFacts } from './model-facts.ts';
import { isMap } from './read-config.ts';

/** Which commit was the newest of a model, and when that was asked. */
export interface Head {
  commit: string;
  checkedAtMs: number;
}

/** What was read before. A cache is never a reason to fail: what is damaged is read again, what cannot be written is not kept. */
export interface HubCache {
  readHead(id: string): Promise<Head | undefined>;
  writeHead(id: string, head: Head): Promise<void>;
  readFacts(id: string, commit: string): Promise<ModelFacts | undefined>;
  writeFacts(id: string, facts: ModelFacts): Promise<void>;
}

/** One folder for each hub and model, and in it one file for each commit, which never changes. */
export const createHubCache = (folder: string, host: string): HubCache => {
  const folderOf = (id: string): string => join(folder, 'hub', host.replaceAll(/[^\w.-]/g, '_'), id.toLowerCase().replace('/', '--'));
  return {
    async readHead(id) {
      const head = await readJson(join(folderOf(id), 'head.json'));
      return isMap(head) && typeof head['commit'] === 'string' && isCommit(head['commit']) && isMoment(head['checkedAtMs']) ? { commit: head['commit'], checkedAtMs: head['checkedAtMs'] } : undefined;
    },
    async writeHead(id, head) {
      await writeJson(folderOf(id), 'head.json', head);
    },
    async readFacts(id, commit) {
      const kept = await readJson(join(folderOf(id), `${commit}.json`));
      return isMap(kept) && kept['format'] === format ? toFacts(kept['facts'], commit) : undefined;
    },
    async writeFacts(id, facts) {
      await writeJson(folderOf(id), `${facts.commit}.json`, { format, facts });
    },
  };
};

/** Counts up when what is kept changes its shape. */
const format = 1;

const toFacts = (value: unknown, commit: string): ModelFacts | undefined => {
  if (!isMap(value)) return undefined;
  const { id, license, gated, files, config } = value;
  if (value['commit'] !== commit || typeof id !== 'string' || !isHubId(id) || typeof license !== 'string' || typeof gated !== 'boolean' || !isMap(config) || !Array.isArray(files)) return undefined;
  const weights = files.map((file: unknown) => (isMap(file) && typeof file['path'] === 'string' && isCount(file['sizeBytes']) ? { path: file['path'], sizeBytes: file['sizeBytes'] } : undefined)).filter((file) => file !== undefined);
  return weights.length === files.length && weights.every(mayBeWeights) ? { id, commit, license, gated, files: weights, config } : undefined;
};

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** What Date can hold. */
const isMoment = (value: unknown): value is number => isCount(value) && value <= 8.64e15;

const readJson = async (path: string): Promise<unknown> => {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
};

/** Under another name first, so that nobody ever reads half a file; for its owner alone, for some repositories are private. */
const writeJson = async (folder: string, name: string, content: unknown): Promise<void> => {
  const temporary = join(folder, `.${crypto.randomUUID()}`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(temporary, `${JSON.stringify(content)}\n`, { mode: 0o600 });
    await rename(temporary, join(folder, name));
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
};
