import { inLine } from '../printable.js';

/** Rows as aligned columns; the last one is not padded. A cell is one line, whatever it contains. */
export function table(words: readonly (readonly string[])[]): string {
  const rows = words.map(row => row.map(cell => inLine(cell)));
  const widths = (rows[0] ?? []).map((_, n) => Math.max(...rows.map(row => (row[n] ?? '').length)));
  return rows
    .map(row =>
      row
        .map((cell, n) => (n === row.length - 1 ? cell : cell.padEnd(widths[n] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
