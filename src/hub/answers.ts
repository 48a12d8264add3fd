import { FailedError } from '../domain/errors.ts';
import { isHubId } from '../domain/preset-catalogue.ts';
import type { Config, ModelFacts, RepositoryFile } from './model-facts.ts';
import { isMap, parseConfig } from './read-config.ts';

/** What the hub's answers hold, taken out of whatever came: each throws a FailedError that shows what is wrong with it. */

/** Of `GET /api/models/<id>`. */
export const parseModelInfo = (text: string, place: string): Omit<ModelFacts, 'files' | 'config'> => {
  const info = parseJson(text, place);
  if (!isMap(info)) throw malformed(place, 'It is no map.');
  const { id, sha, gated, private: isPrivate } = info;
  // The id goes into file names and command lines.
  if (typeof id !== 'string' || !isHubId(id)) throw malformed(place, 'It has no id of a model.');
  if (typeof sha !== 'string' || !isCommit(sha)) throw malformed(place, 'It has no commit in sha.');
  return { id, commit: sha, license: licenseOf(info), gated: (gated !== undefined && gated !== null && gated !== false) || isPrivate === true };
};

/** Of `GET /api/models/<id>/tree/<commit>`. */
export const parseTree = (text: string, place: string): RepositoryFile[] => {
  const entries = parseJson(text, place);
  if (!Array.isArray(entries)) throw malformed(place, 'It is no list.');
  return entries.map((entry: unknown) => {
    if (!isMap(entry) || typeof entry['path'] !== 'string') throw malformed(place, 'It has an entry without a path.');
    // Folders have no size.
    const sizeBytes = entry['size'] ?? 0;
    if (typeof sizeBytes !== 'number' || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0) throw malformed(place, `The size of ${entry['path'].slice(0, 80)} is no number of bytes.`);
    return { path: entry['path'], sizeBytes };
  });
};

export const parseConfigFile = (text: string, place: string): Config => {
  const config = parseJson(text, place, parseConfig);
  if (!isMap(config)) throw malformed(place, 'It is no map.');
  return config;
};

export const isCommit = (text: string): boolean => /^[0-9a-f]{40}$/.test(text);

/** In the model card, else among the tags; texts of strangers, so only what licences are called is let through. */
const licenseOf = (info: Record<string, unknown>): string => {
  const card = isMap(info['cardData']) ? info['cardData'] : {};
  const tags = Array.isArray(info['tags']) ? info['tags'].filter((tag) => typeof tag === 'string') : [];
  const candidates = [card['license'] === 'other' ? card['license_name'] : undefined, card['license'], tags.find((tag) => tag.startsWith('license:'))?.slice('license:'.length)].flat();
  return candidates.find((name): name is string => typeof name === 'string' && /^[\w.+-]{1,60}$/.test(name)) ?? 'unknown';
};

const parseJson = (text: string, place: string, parse: (text: string) => unknown = JSON.parse): unknown => {
  try {
    return parse(text);
  } catch (error) {
    throw malformed(place, error instanceof Error ? error.message : String(error), error);
  }
};

const malformed = (place: string, fact: string, cause?: unknown): FailedError =>
  new FailedError(`The answer of ${place} is not what the Hugging Face hub gives.`, {
    reason: 'MalformedHubAnswer',
    fact,
    hints: ['Check HF_ENDPOINT when it is set; behind a proxy, an answer may be the proxy\'s own.'],
    cause,
  });
