import { type Shape, shapeAt } from './schema.ts';

/** How a list or a map merges: as one value, item by item under a key, as a set of values, or field by field. */
export type Structure = 'atomic' | 'granular' | 'set' | { keys: readonly string[] };

/** A key that the client left out, as the API's defaulting would fill it in. */
export const keyDefaults: Record<string, unknown> = { protocol: 'TCP' };

/** The shapes on the way are asked for again with every object. */
const known = new Map<string, Shape | undefined>();

const shapeOf = (kind: string, fields: readonly string[]): Shape | undefined => {
  const key = [kind, ...fields].join(' ');
  if (!known.has(key)) {
    // Names of labels and keys of data are anybody's: what is below a map is not worth remembering for ever.
    if (known.size > 10_000) known.clear();
    known.set(key, shapeAt(kind, fields));
  }
  return known.get(key);
};

/** `fields` are names only: the way down from the top, without the list items in between. */
export const listStructure = (fields: readonly string[], kind: string): Exclude<Structure, 'granular'> => {
  const shape = shapeOf(kind, fields);
  if (shape?.kind !== 'list') return 'atomic';
  if (shape.keys) return { keys: shape.keys };
  return shape.isSet ? 'set' : 'atomic';
};

export const mapStructure = (fields: readonly string[], isListItem: boolean, kind: string): 'atomic' | 'granular' => {
  const shape = shapeOf(kind, fields);
  const found = isListItem && shape?.kind === 'list' ? shape.items : shape;
  return (found?.kind === 'record' || found?.kind === 'map') && found.isAtomic ? 'atomic' : 'granular';
};

/** The same for strategic merges, which know one key alone, and by which a Job's conditions do merge. */
export const strategicStructure = (fields: readonly string[], kind: string): 'atomic' | 'set' | { key: string } => {
  const shape = shapeOf(kind, fields);
  if (shape?.kind !== 'list' || shape.mergeKey === undefined) return 'atomic';
  return shape.mergeKey === '' ? 'set' : { key: shape.mergeKey };
};
