/** Milliseconds of one thing, several times. */
export type Times = readonly number[];

export function median(times: Times): number {
  const sorted = [...times].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]];
  if (low === undefined || high === undefined) throw new Error('there is nothing to take the median of');
  return (low + high) / 2;
}

/** @returns columns under their heads, the first to the left, the others to the right */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, n) => Math.max(...rows.map(row => row[n]?.length ?? 0)));
  const cell = (text: string, n: number): string => (n === 0 ? text.padEnd : text.padStart).call(text, widths[n] ?? 0);
  return rows.map(row => `  ${row.map(cell).join('  ')}`.trimEnd()).join('\n');
}

export const ms = (value: number): string => `${value.toFixed(0)} ms`;
export const seconds = (value: number): string => `${(value / 1000).toFixed(1)} s`;
export const ratio = (value: number, reference: number): string => `${(value / reference).toFixed(2)}×`;
