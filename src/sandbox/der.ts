/**
 * The few pieces of DER that an X.509 certificate is made of (ITU-T X.690). Everything is a tag, a length and a value,
 * and values nest.
 */
const tagged =
  (tag: number) =>
  (...parts: Uint8Array[]): Buffer => {
    const value = Buffer.concat(parts);
    return Buffer.concat([Buffer.from([tag]), lengthOf(value), value]);
  };

export const sequence = tagged(0x30);
export const set = tagged(0x31);
export const octetString = tagged(0x04);

/** A tag whose meaning the enclosing structure gives: `[0]`, `[3]`; `constructed` when it holds other elements. */
export const context = (number: number, form: 'constructed' | 'primitive', ...parts: Uint8Array[]): Buffer =>
  tagged((form === 'constructed' ? 0xa0 : 0x80) + number)(...parts);

/** A positive integer from its big-endian bytes. */
export const integer = (bytes: Uint8Array): Buffer => {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first === -1 ? Uint8Array.of(0) : bytes.subarray(first);
  // The first bit is the sign, so a positive number that starts with a one needs a zero before it.
  return tagged(0x02)(Uint8Array.from((digits[0] ?? 0) >= 0x80 ? [0] : []), digits);
};

export const boolean = (value: boolean): Buffer => tagged(0x01)(Uint8Array.of(value ? 0xff : 0));
export const utf8 = (text: string): Buffer => tagged(0x0c)(Buffer.from(text));

/** `unusedBits` is how many of the last byte's low bits do not count. */
export const bitString = (bytes: Uint8Array, unusedBits = 0): Buffer => tagged(0x03)(Uint8Array.of(unusedBits), bytes);

/** Only valid for the years 1950 to 2049, which is what certificates use UTCTime for. */
export const utcTime = (time: Date): Buffer => tagged(0x17)(Buffer.from(`${time.toISOString().slice(2, 19).replaceAll(/[-:T]/g, '')}Z`));

export const objectIdentifier = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return tagged(0x06)(Uint8Array.from([first * 40 + second, ...rest.flatMap(base128)]));
};

const base128 = (value: number): number[] => {
  const digits = [value % 128];
  for (let left = Math.floor(value / 128); left > 0; left = Math.floor(left / 128)) digits.unshift((left % 128) + 128);
  return digits;
};

const lengthOf = (value: Uint8Array): Buffer => {
  if (value.length < 128) return Buffer.from([value.length]);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value.length);
  const digits = bytes.subarray(bytes.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.from([0x80 + digits.length]), digits]);
};
