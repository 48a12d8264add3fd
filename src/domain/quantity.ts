/**
 * Sizes as Kubernetes writes them: `7.12Gi`, `80Gi`, `512Mi`, `1T`.
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
const bytesPerUnit: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** In bytes, a fraction of a byte rounded up as the API does; undefined when the text is no such size. */
export const parseQuantity = (text: string): number | undefined => {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([a-zA-Z]*)$/.exec(text.trim()) ?? [];
  const bytes = bytesPerUnit[unit];
  if (amount === undefined || bytes === undefined) return undefined;
  const [whole = '0', fraction = ''] = amount.split('.');
  // In whole numbers as long as they are exact: 7.12 x 2^30 is not what floating point makes of it.
  const scale = 10 ** fraction.length;
  return Math.ceil((Number(whole + fraction) * bytes) / scale);
};

/** In GiB as written: `7.12Gi` is 7.12. */
export const parseGiB = (text: string): number | undefined => {
  const gib = /^(\d+(?:\.\d+)?)Gi$/.exec(text.trim())?.[1];
  if (gib !== undefined) return Number(gib);
  const bytes = parseQuantity(text);
  return bytes === undefined ? undefined : bytes / 2 ** 30;
};

/** As whole bytes; sizes come with two decimals, which binary fractions only come near. */
export const gibToBytes = (gib: number): number => Math.ceil((Math.round(gib * 100) * 2 ** 30) / 100);
