import jsonPatch, { type Operation } from 'fast-json-patch';
import { badRequest, StatusError } from './errors.ts';
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

/** Throws 415 for a media type that is no patch. */
export const requirePatchType = (mediaType: string): void => {
  if (!isApplyPatch(mediaType) && !patches[mediaType]) throw new StatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
};

/** The patched object, made anew. Throws 400 and 422 for patches that do not fit. */
export const applyPatch = (object: unknown, mediaType: string, patch: unknown): unknown => patches[mediaType]?.(object, patch);

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
  if (!isOperations(patch)) throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp');
  try {
    // Without the library's own checks: the API replaces what is not there, too.
    return applyOperations(object, patch);
  } catch (error) {
    // A failed test, or a path that leads nowhere: which of them is not said.
    throw new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {}, { cause: error });
  }
};

/** Replacing what is not there adds it, as the API's own library has it. */
const applyOperations = (object: unknown, patch: readonly Operation[]): unknown => {
  let document = structuredClone(object);
  for (const operation of patch) {
    const isNew = operation.op === 'replace' && jsonPatch.getValueByPointer(document, operation.path) === undefined;
    document = jsonPatch.applyPatch(document, [isNew ? { ...operation, op: 'add' } : operation], true).newDocument;
  }
  return document;
};

const isOperations = (patch: unknown): patch is Operation[] =>
  Array.isArray(patch) && patch.every((operation) => isRecord(operation) && typeof operation['op'] === 'string');

const requireRecord = (patch: unknown): JsonRecord => {
  if (!isRecord(patch)) throw badRequest('error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}');
  return patch;
};
