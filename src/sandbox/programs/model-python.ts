/** What Python would hold: a bigint is an int, a number a float, so that `1` and `1.0` stay apart. */
export type PythonValue = null | boolean | bigint | number | string | readonly PythonValue[] | ReadonlyMap<string, PythonValue>;

/** `repr(value)`. */
export const reprOf = (value: PythonValue): string => {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return floatRepr(value);
  if (typeof value === 'string') return stringRepr(value);
  if (isMap(value)) return `{${[...value].map(([key, item]) => `${stringRepr(key)}: ${reprOf(item)}`).join(', ')}}`;
  return `[${value.map(reprOf).join(', ')}]`;
};

/** `str(value)`: a string as it is, everything else as its repr. */
export const strOf = (value: PythonValue): string => (typeof value === 'string' ? value : reprOf(value));

export const isMap = (value: PythonValue | undefined): value is ReadonlyMap<string, PythonValue> => value instanceof Map;

/** JSON as Python's parser takes it, save that `1.0` can no longer be told from `1`. */
export const fromJson = (value: unknown): PythonValue => {
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(fromJson);
  return new Map(Object.entries(value).map(([key, item]) => [key, fromJson(item)]));
};

const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };

const stringRepr = (text: string): string => {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replaceAll(/[\n\r\t\\]/g, (character) => escapes[character] ?? character);
  return quote + (quote === "'" ? escaped.replaceAll("'", String.raw`\'`) : escaped) + quote;
};

const exponentForm = (text: string): string => text.replace(/e([+-])(\d)$/, 'e$10$2').replace(/\.?0+e/, 'e');

const floatRepr = (value: number): string => {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e16)) return exponentForm(value.toExponential());
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
};

/** `f'{value:.4g}'`, the way transformers 5 writes every number of its log. */
export const fourDigits = (value: number): string => {
  if (value === 0) return '0';
  const exponential = value.toExponential(3);
  const exponent = Number(exponential.split('e')[1]);
  if (exponent < -4 || exponent >= 4) return exponentForm(exponential);
  const fixed = Number(exponential).toFixed(Math.max(0, 3 - exponent));
  return fixed.includes('.') ? fixed.replace(/\.?0+$/, '') : fixed;
};

/** The time stamp of Python loggers here: `11-24 09:27:47`, in the container's UTC. */
export const logTime = (time: Date): string => {
  const text = time.toISOString();
  return `${text.slice(5, 10)} ${text.slice(11, 19)}`;
};
