export interface Row {
  what: string;
  median: string;
  ratio?: string;
  budget?: string;
  isMissed?: boolean;
}

/** False when a budget is missed. */
export const printRows = (rows: readonly Row[]): boolean => {
  const cells = [['WHAT', 'MEDIAN', 'RATIO', 'BUDGET', ''], ...rows.map(({ what, median, ratio = '', budget = '', isMissed }) => [what, median, ratio, budget, isMissed ? 'MISSED' : ''])];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  for (const row of cells) process.stdout.write(`${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()}\n`);
  return !rows.some(({ isMissed }) => isMissed);
};
