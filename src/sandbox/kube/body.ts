import type { IncomingMessage } from 'node:http';
import { parse } from 'yaml';
import { duplicateFields } from './decode.ts';
import { badRequest, tooLarge, unsupportedMediaType } from './errors.ts';
import { goJsonProblem, summarize } from './go-text.ts';
import { decodeProtobuf, protobufType } from './protobuf.ts';

/** What the API server itself accepts at most. */
const limitBytes = 3 * 1024 * 1024;

export interface Body {
  /** Undefined when there is none. */
  value: unknown;
  /** Fields that a JSON text says twice. */
  duplicates: readonly string[];
}

const mediaTypes = ['application/json', 'application/yaml', protobufType] as const;

/** `application/json` of `application/json; charset=utf-8`. */
export const mediaTypeOf = (request: IncomingMessage): string =>
  (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';

/** A body that is an object of that kind, as one is created or replaced. Throws 400, 413 and 415. */
export const readTyped = async (request: IncomingMessage, kind: string): Promise<Body> => {
  const mediaType = mediaTypeOf(request) || 'application/json';
  if (!mediaTypes.some((known) => known === mediaType)) throw unsupportedMediaType(mediaTypes);
  const bytes = await readBytes(request);
  const unrecognized = (why: string): Error => badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why} (${summarize(bytes)})`);
  if (mediaType === protobufType) return { value: decodeProtobuf(bytes), duplicates: [] };
  if (mediaType === 'application/yaml') {
    try {
      return { value: parse(bytes.toString('utf8')), duplicates: [] };
    } catch (error) {
      throw unrecognized(`yaml: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`);
    }
  }
  const body = parseJson(bytes, (problem) => unrecognized(`couldn't get version/kind; json parse error: ${problem}`));
  if (Array.isArray(body.value)) throw unrecognized(`couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type ${headOfObject}`);
  return body;
};

/** A patch: YAML for apply, which JSON is too, and JSON for the others. */
export const readPatch = async (request: IncomingMessage): Promise<Body> => {
  const bytes = await readBytes(request);
  const mediaType = mediaTypeOf(request);
  if (!mediaType.includes('yaml')) return parseJson(bytes, (problem) => badRequest(mediaType.includes('strategic') ? problem : `error decoding patch: ${problem}`));
  try {
    return { value: parse(bytes.toString('utf8')), duplicates: [] };
  } catch (error) {
    throw badRequest(`error decoding YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
};

/** A body that may be missing, as the options of a deletion. */
export const readOptional = async (request: IncomingMessage): Promise<unknown> => {
  const bytes = await readBytes(request);
  if (bytes.length === 0) return undefined;
  if (mediaTypeOf(request) === protobufType) return decodeProtobuf(bytes);
  return parseJson(bytes, (problem) => badRequest(`couldn't get version/kind; json parse error: ${problem}`)).value;
};

const headOfObject = String.raw`struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }`;

const parseJson = (bytes: Buffer, refuse: (problem: string) => Error): Body => {
  const text = bytes.toString('utf8');
  try {
    return { value: JSON.parse(text), duplicates: duplicateFields(text) };
  } catch (error) {
    throw refuse(goJsonProblem(text, error));
  }
};

/** The whole body. Throws 413 as soon as it is too long. */
const readBytes = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > limitBytes) throw tooLarge(limitBytes);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
};
