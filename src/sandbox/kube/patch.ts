import jsonPatch, { type Operation } from 'fast-json-patch';
import { badRequest, StatusError, unsupportedMediaType } from './errors.ts';
import { isRecord, type JsonRecord } from './json.ts';
import { applyStrategicMerge } from './strategic-merge.ts';

const applyPatchType = 'application/apply-patch+yaml';

/** How each kind of patch changes an object. Server-side apply is not among them: it needs to know who applies. */
const patches: Record<string, (object: unknown, patch: unknown) => unknown> = {
  'application/json-patch+json': (object, patch) => applyJsonPatch(object, patch),
  'application/merge-patch+json': (object, patch) => applyMergePatch(object, requireRecord(patch)),
  'application/strategic-merge-patch+json': (object, patch) => applyStrategicMerge(object, requireRecord(patch)),
};

export const isApplyPatch = (mediaType: string): boolean => mediaType === applyPatchType;

/** The patched object, made anew. Throws 415 for a media type that is no patch, 400 and 422 for patches that do not fit. */
export const applyPatch = (object: unknown, mediaType: string, patch: unknown): unknown => {
  const apply = patches[mediaType];
  if (!apply) throw unsupportedMediaType(mediaType, [...Object.keys(patches), applyPatchType]);
  return apply(object, patch);
};

/** https://www.rfc-editor.org/rfc/rfc7386 */
const applyMergePatch = (target: unknown, patch: unknown): unknown => {
  if (!isRecord(patch)) return structuredClone(patch);
  const merged: JsonRecord = isRecord(target) ? { ...target } : {};
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete merged[field];
    else merged[field] = applyMergePatch(merged[field], value);
  }
  return merged;
};

/** https://www.rfc-editor.org/rfc/rfc6902 */
const applyJsonPatch = (object: unknown, patch: unknown): unknown => {
  if (!isOperations(patch)) throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  try {
    return jsonPatch.applyPatch(structuredClone(object), patch, true).newDocument;
  } catch (error) {
    // A failed test, or a path that leads nowhere.
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new StatusError(422, 'Invalid', `the server rejected our request due to an error in our request: ${why}`, {});
  }
};

const isOperations = (patch: unknown): patch is Operation[] =>
  Array.isArray(patch) && patch.every((operation) => isRecord(operation) && typeof operation['op'] === 'string');

const requireRecord = (patch: unknown): JsonRecord => {
  if (!isRecord(patch)) throw badRequest('error decoding patch: a patch of this type is an object');
  return patch;
};
