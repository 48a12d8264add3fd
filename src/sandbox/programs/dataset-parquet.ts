/**
 * A Parquet file of one column of texts: a row group with a single uncompressed page.
 * https://github.com/apache/parquet-format/blob/apache-parquet-format-2.10.0/src/main/thrift/parquet.thrift
 */
export const renderParquet = (column: string, texts: readonly string[]): Buffer => {
  const magic = Buffer.from('PAR1');
  const values = Buffer.concat(texts.flatMap((text) => [lengthOf(Buffer.byteLength(text)), Buffer.from(text)]));
  // PageHeader: a data page, its sizes, and DataPageHeader: PLAIN values, RLE levels of which there are none.
  const header = struct([i32(1, 0), i32(2, values.length), i32(3, values.length), nested(5, [i32(1, texts.length), i32(2, 0), i32(3, 3), i32(4, 3)])]);
  const pageBytes = header.length + values.length;
  const metadata = [i32(1, byteArray), list(2, i32Type, [zigzag(0)]), list(3, textType, [text(column)]), i32(4, 0), i64(5, texts.length), i64(6, pageBytes), i64(7, pageBytes), i64(9, magic.length)];
  const chunk = struct([i64(2, magic.length), nested(3, metadata)]);
  const rowGroup = struct([list(1, structType, [chunk]), i64(2, pageBytes), i64(3, texts.length)]);
  const root = struct([field(4, textType, text('schema')), i32(5, 1)]);
  const leaf = struct([i32(1, byteArray), i32(3, required), field(4, textType, text(column)), i32(6, utf8)]);
  const footer = struct([i32(1, 1), list(2, structType, [root, leaf]), i64(3, texts.length), list(4, structType, [rowGroup])]);
  return Buffer.concat([magic, header, values, footer, lengthOf(footer.length), magic]);
};

const byteArray = 6;
const required = 0;
const utf8 = 0;

const lengthOf = (length: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(length);
  return bytes;
};

/** Thrift's compact protocol, as far as a footer needs it. */
interface Field {
  id: number;
  type: number;
  value: Buffer;
}

const i32Type = 5;
const i64Type = 6;
const textType = 8;
const listType = 9;
const structType = 12;

const varint = (value: number): Buffer => {
  const bytes: number[] = [];
  let left = value;
  while (left >= 128) {
    bytes.push((left % 128) + 128);
    left = Math.floor(left / 128);
  }
  return Buffer.from([...bytes, left]);
};

/** Of numbers that are never negative. */
const zigzag = (value: number): Buffer => varint(value * 2);

const text = (value: string): Buffer => Buffer.concat([varint(Buffer.byteLength(value)), Buffer.from(value)]);

const field = (id: number, type: number, value: Buffer): Field => ({ id, type, value });
const i32 = (id: number, value: number): Field => field(id, i32Type, zigzag(value));
const i64 = (id: number, value: number): Field => field(id, i64Type, zigzag(value));
const nested = (id: number, fields: readonly Field[]): Field => field(id, structType, struct(fields));
const list = (id: number, type: number, items: readonly Buffer[]): Field => field(id, listType, Buffer.concat([Buffer.from([(items.length << 4) | type]), ...items]));

/** Fields come in the order of their ids, each told as the distance to the one before. */
const struct = (fields: readonly Field[]): Buffer => {
  let last = 0;
  const parts = fields.map(({ id, type, value }) => {
    const header = ((id - last) << 4) | type;
    last = id;
    return Buffer.concat([Buffer.from([header]), value]);
  });
  return Buffer.concat([...parts, Buffer.from([0])]);
};
