/** A size as Kubernetes writes it back: whole bytes in the largest unit that divides them, anything finer in thousandths of a byte. */
export const quantityText = (gib: number): string => {
  // Sizes have two decimals at most; in whole numbers nothing is lost.
  const milliBytes = BigInt(Math.round(gib * 100)) * 10n * 2n ** 30n;
  if (milliBytes % 1000n !== 0n) return `${milliBytes}m`;
  let amount = milliBytes / 1000n;
  if (amount === 0n) return '0';
  let unit = 0;
  while (amount % 1024n === 0n && unit < units.length - 1) {
    amount /= 1024n;
    unit += 1;
  }
  return `${amount}${units[unit] ?? ''}`;
};

const units = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'];
