import { isRecord } from './json.ts';
import { type Shape, shapeOfField, shapeOfKind } from './schema.ts';

/** A value that its field cannot hold, in the words of Go's decoder. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

export interface Decoded {
  /** Without what the kind does not have, and without nulls, which read as fields that were not given. */
  value: unknown;
  /** `spec.template.spec.containers[0].imagePolicy`, in the order in which they stand there. */
  unknownFields: string[];
}

/** Where a value stands: for people with the numbers of list items, for Go without, under the record that has the field. */
interface Place {
  path: string;
  fields: readonly string[];
  owner: string;
}

/** Reads a value as an object of that kind. Throws DecodeError for a value of another type. Unknown kinds are kept as they are. */
export const decode = (value: unknown, kind: string): Decoded => {
  const unknownFields: string[] = [];
  const read = (current: unknown, shape: Shape, place: Place): unknown => {
    if (shape.kind === 'scalar') return readScalar(current, shape.type, place);
    if (shape.kind === 'list') {
      if (!Array.isArray(current)) throw mismatch(current, shape, place);
      return current.map((item, index) => (item === null ? item : read(item, shape.items, { ...place, path: `${place.path}[${index}]` })));
    }
    if (!isRecord(current)) throw mismatch(current, shape, place);
    return Object.fromEntries(
      Object.entries(current).flatMap(([field, content]): [string, unknown][] => {
        if (content === null || content === undefined) return [];
        const below = place.path ? `${place.path}.${field}` : field;
        if (shape.kind === 'map') return [[field, read(content, shape.values, { ...place, path: below })]];
        const known = shapeOfField(shape.type, field);
        if (known) {
          const decoded = read(content, known, { path: below, fields: [...place.fields, field], owner: shape.type });
          // The API does not write lists and maps that hold nothing.
          return isEmptyCollection(decoded, known) ? [] : [[field, decoded]];
        }
        unknownFields.push(below);
        return [];
      }),
    );
  };
  const shape = shapeOfKind(kind);
  return shape ? { value: read(value, shape, { path: '', fields: [], owner: kind }), unknownFields } : { value, unknownFields };
};

const isEmptyCollection = (value: unknown, { kind }: Shape): boolean => (kind === 'list' && Array.isArray(value) && value.length === 0) || (kind === 'map' && isRecord(value) && Object.keys(value).length === 0);

const scalarTypes: Record<string, readonly string[]> = {
  string: ['string'],
  bytes: ['string'],
  time: ['string'],
  bool: ['boolean'],
  int32: ['number'],
  int64: ['number'],
  float64: ['number'],
  quantity: ['string', 'number'],
  intOrString: ['string', 'number'],
};

const readScalar = (value: unknown, type: string, place: Place): unknown => {
  const allowed = scalarTypes[type];
  if (!allowed) return value;
  if (!allowed.includes(typeof value)) throw mismatch(value, { kind: 'scalar', type }, place);
  if ((type === 'int32' || type === 'int64') && !Number.isInteger(value)) throw mismatch(value, { kind: 'scalar', type }, place);
  if (type === 'bytes') requireBase64(String(value));
  if (type === 'quantity' && !/^[+-]?[0-9.]+[eEinumkKMGTP]*[-+]?[0-9]*$/.test(String(value))) {
    throw new DecodeError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
  }
  // A quantity may be sent as a number, and is kept as the text that it stands for.
  return type === 'quantity' ? String(value) : value;
};

const requireBase64 = (text: string): void => {
  const wrong = text.search(/[^A-Za-z0-9+/=\r\n]/);
  if (wrong >= 0) throw new DecodeError(`illegal base64 data at input byte ${wrong}`);
  const plain = text.replaceAll(/[\r\n]/g, '');
  if (plain.length % 4 !== 0) throw new DecodeError(`illegal base64 data at input byte ${plain.length - (plain.length % 4)}`);
};

const mismatch = (value: unknown, shape: Shape, { fields, owner }: Place): DecodeError =>
  new DecodeError(`json: cannot unmarshal ${wordOf(value)} into Go struct field ${owner}.${fields.join('.')} of type ${goType(shape)}`);

/** A number that is written with a fraction is quoted, as it is not the type that is wrong with it. */
const wordOf = (value: unknown): string => {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number' && !Number.isInteger(value)) return `number ${value}`;
  return typeof value === 'boolean' ? 'bool' : typeof value;
};

const goTypes: Record<string, string> = { bytes: '[]uint8', time: 'v1.Time', quantity: 'resource.Quantity', intOrString: 'intstr.IntOrString' };

const goType = (shape: Shape): string => {
  if (shape.kind === 'list') return `[]${goType(shape.items)}`;
  if (shape.kind === 'map') return `map[string]${goType(shape.values)}`;
  return shape.kind === 'record' ? `v1.${shape.type}` : (goTypes[shape.type] ?? shape.type);
};

/** Fields that stand twice in one record of a JSON text: the last of them is what is read. */
export const duplicateFields = (text: string): string[] => {
  const found: string[] = [];
  const open: { path: string; names: Set<string> | undefined; index: number }[] = [];
  const tokens = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\],]/g;
  let path = '';
  for (const [token, colon] of text.matchAll(tokens)) {
    const top = open.at(-1);
    if (colon !== undefined && top?.names) {
      const name: unknown = JSON.parse(token.slice(0, -colon.length));
      path = top.path ? `${top.path}.${String(name)}` : String(name);
      if (top.names.has(String(name))) found.push(path);
      top.names.add(String(name));
    } else if (token === '{' || token === '[') {
      const here = top && !top.names ? `${top.path}[${top.index}]` : path;
      open.push({ path: here, names: token === '{' ? new Set() : undefined, index: 0 });
    } else if (token === '}' || token === ']') open.pop();
    else if (token === ',' && top) top.index += 1;
  }
  return found;
};
