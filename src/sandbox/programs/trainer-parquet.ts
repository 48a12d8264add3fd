/** What a Parquet file says of itself in its footer: enough to know whether the trainer could read it. */
export interface ParquetFooter {
  /** Names of the columns at the top. */
  columns: string[];
  rowCount: number;
}

/**
 * Reads the footer's `FileMetaData`, which is Thrift in its compact protocol. Throws a RangeError for what is no Parquet.
 * https://github.com/apache/parquet-format/blob/apache-parquet-format-2.10.0/src/main/thrift/parquet.thrift
 */
export const readParquetFooter = (content: Buffer): ParquetFooter => {
  const isParquet = content.length > 12 && content.subarray(-4).toString() === 'PAR1' && content.subarray(0, 4).toString() === 'PAR1';
  if (!isParquet) throw new RangeError('The file is not Parquet.');
  const lengthBytes = content.readUInt32LE(content.length - 8);
  const metadata = readStruct({ bytes: content.subarray(content.length - 8 - lengthBytes, -8), position: 0 }, 0);
  const schema = metadata.get(2);
  const rowCount = metadata.get(3);
  if (!Array.isArray(schema) || typeof rowCount !== 'number') throw new RangeError('The footer has no schema.');
  return { columns: topNames(schema), rowCount };
};

type Thrift = number | boolean | string | Thrift[] | Map<number, Thrift>;

interface Cursor {
  bytes: Buffer;
  position: number;
}

/** The schema is a tree written depth first; the first element is its root. */
const topNames = (schema: readonly Thrift[]): string[] => {
  const names: string[] = [];
  let index = 1;
  const skip = () => {
    const element = schema[index++];
    const children = element instanceof Map ? element.get(5) : 0;
    for (let left = typeof children === 'number' ? children : 0; left > 0 && index < schema.length; left--) skip();
  };
  while (index < schema.length) {
    const element = schema[index];
    const name = element instanceof Map ? element.get(4) : undefined;
    if (typeof name === 'string') names.push(name);
    skip();
  }
  return names;
};

const nextByte = (cursor: Cursor): number => {
  const byte = cursor.bytes[cursor.position++];
  if (byte === undefined) throw new RangeError('The footer is cut short.');
  return byte;
};

const readVarint = (cursor: Cursor): number => {
  let value = 0;
  for (let factor = 1; ; factor *= 128) {
    const byte = nextByte(cursor);
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
  }
};

const readZigzag = (cursor: Cursor): number => {
  const value = readVarint(cursor);
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
};

const readText = (cursor: Cursor): string => {
  const lengthBytes = readVarint(cursor);
  const start = cursor.position;
  cursor.position += lengthBytes;
  return cursor.bytes.toString('utf8', start, cursor.position);
};

/** Deeper than any real schema, and shallow enough for any stack. */
const maximumDepth = 32;

const readStruct = (cursor: Cursor, depth: number): Map<number, Thrift> => {
  if (depth > maximumDepth) throw new RangeError('The footer is nested too deeply.');
  const fields = new Map<number, Thrift>();
  let id = 0;
  for (;;) {
    const header = nextByte(cursor);
    if (header === 0) return fields;
    const delta = header >> 4;
    id = delta === 0 ? readZigzag(cursor) : id + delta;
    const type = header & 0x0f;
    // Booleans in a struct have their value in the type.
    fields.set(id, type === 1 || type === 2 ? type === 1 : readValue(cursor, type, depth));
  }
};

const readValue = (cursor: Cursor, type: number, depth: number): Thrift => {
  switch (type) {
    case 1:
    case 2:
      return nextByte(cursor) === 1;
    case 3:
      return nextByte(cursor);
    case 4:
    case 5:
    case 6:
      return readZigzag(cursor);
    case 7:
      cursor.position += 8;
      return 0;
    case 8:
      return readText(cursor);
    case 9:
    case 10: {
      const header = nextByte(cursor);
      const count = header >> 4 === 15 ? readVarint(cursor) : header >> 4;
      if (count > cursor.bytes.length) throw new RangeError('A list is longer than the footer.');
      return Array.from({ length: count }, () => readValue(cursor, header & 0x0f, depth + 1));
    }
    case 12:
      return readStruct(cursor, depth + 1);
    default:
      throw new RangeError(`The footer holds a value of type ${type}.`);
  }
};
