import schema from './schema.json' with { type: 'json' };

/**
 * What the fields of the served kinds hold, as the API itself publishes it; `schema.json` is generated. There a field is
 * `string`, `int32`, `PodSpec`, `map[]string` or `[]Container map=name merge=name`: a list whose items are known by the
 * keys behind `map`, for apply, and by the one behind `merge`, for strategic merges. `set` is a list without doubles and
 * `atomic` a map or record that is one value.
 */
export type Shape =
  | { kind: 'scalar'; type: string }
  | { kind: 'record'; type: string; isAtomic: boolean }
  | { kind: 'map'; values: Shape; isAtomic: boolean }
  /** `mergeKey` is empty for lists of scalars that merge. */
  | { kind: 'list'; items: Shape; keys: readonly string[] | undefined; isSet: boolean; mergeKey: string | undefined };

const kinds: ReadonlyMap<string, string> = new Map(Object.entries(schema.kinds));
const types: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map(Object.entries(schema.types).map(([type, fields]) => [type, new Map(Object.entries(fields))]));
const shapes = new Map<string, Shape>();

/** Undefined for kinds that nothing here knows, such as custom resources: whatever they hold is kept as it is. */
export const shapeOfKind = (kind: string): Shape | undefined => {
  const type = kinds.get(kind);
  return type === undefined ? undefined : { kind: 'record', type, isAtomic: false };
};

export const shapeOfField = (type: string, field: string): Shape | undefined => {
  const written = types.get(type)?.get(field);
  return written === undefined ? undefined : readShape(written);
};

/** The way down from a kind by the names of fields, through lists and maps. */
export const shapeAt = (kind: string, fields: readonly string[]): Shape | undefined => {
  let shape = shapeOfKind(kind);
  for (const field of fields) {
    while (shape?.kind === 'list') shape = shape.items;
    if (shape?.kind === 'map') shape = shape.values;
    else shape = shape?.kind === 'record' ? shapeOfField(shape.type, field) : undefined;
  }
  return shape;
};

const readShape = (written: string): Shape => {
  const known = shapes.get(written);
  if (known) return known;
  const [type = '', ...marks] = written.split(' ');
  const mark = (name: string): string | undefined => marks.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
  const isAtomic = marks.includes('atomic');
  const inner = (prefix: string): Shape => readShape([type.slice(prefix.length), ...(isAtomic ? ['atomic'] : [])].join(' '));
  const shape: Shape = type.startsWith('[]')
    ? { kind: 'list', items: inner('[]'), keys: mark('map')?.split(','), isSet: marks.includes('set'), mergeKey: mark('merge') }
    : type.startsWith('map[]')
      ? { kind: 'map', values: readShape(type.slice('map[]'.length)), isAtomic }
      : types.has(type)
        ? { kind: 'record', type, isAtomic }
        : { kind: 'scalar', type };
  shapes.set(written, shape);
  return shape;
};
