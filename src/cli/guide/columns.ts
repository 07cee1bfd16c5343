import type { Word } from '../terminal.js';
import type { Inline } from './markdown.js';
import {
  columnsOf,
  type Line,
  type Look,
  lengthOf,
  longestWord,
  type Piece,
  pieces,
  plain,
  trimmed,
  wrapped,
} from './words.js';

const gap = 2;
/** A column of words is not made narrower than this. */
const narrowest = 16;

/** A table in columns, or its rows one below the other where columns would be too narrow. */
export function layOutTable(head: readonly Inline[], rows: readonly (readonly Inline[])[], look: Look): Line[] {
  const hasHead = head.some(cell => cell.length > 0);
  const body = rows.map(row => row.map(cell => pieces(cell, look)));
  const all = hasHead ? [head.map(cell => pieces(bold(cell), look)), ...body] : body;
  const columns = head.map((_, n) => all.map(row => row[n] ?? []));
  const widths = fitted(columns, look.width - gap * (head.length - 1));
  if (widths === undefined) return body.flatMap((row, n) => [...(n > 0 ? [[]] : []), ...stacked(row, look)]);
  const lines = all.map(row => sideBySide(row, widths));
  return [...(hasHead ? [...(lines.shift() ?? []), [dashes(widths)]] : []), ...lines.flat()];
}

const dashes = (widths: readonly number[]): Word => ['dim', widths.map(w => '-'.repeat(w)).join(' '.repeat(gap))];

/** The cells of a row, each wrapped in its column. */
function sideBySide(row: readonly (readonly Piece[])[], widths: readonly number[]): Line[] {
  const cells = row.map((cell, n) => wrapped(cell, widths[n] ?? 0));
  const height = Math.max(...cells.map(lines => lines.length));
  return Array.from({ length: height }, (_, y) =>
    trimmed(
      cells.flatMap((lines, n): Word[] => {
        const line = lines[y] ?? [];
        const isLast = n === cells.length - 1;
        return [...line, ...(isLast ? [] : [' '.repeat((widths[n] ?? 0) + gap - columnsOf(line))])];
      }),
    ),
  );
}

/**
 * Finds widths that fit. The column that needs the fewest lines is made narrower first, so that all columns need about the
 * same number of lines. No word is broken.
 * @returns undefined if the columns cannot fit
 */
function fitted(columns: readonly (readonly (readonly Piece[])[])[], available: number): number[] | undefined {
  const natural = columns.map(cells => Math.max(0, ...cells.map(lengthOf)));
  const least = columns.map((cells, n) => Math.max(Math.min(natural[n] ?? 0, narrowest), ...cells.map(longestWord)));
  const widths = [...natural];
  while (widths.reduce((a, b) => a + b, 0) > available) {
    const lines = widths.map((width, n) => (width > (least[n] ?? 0) ? (natural[n] ?? 0) / width : Infinity));
    const roomiest = lines.indexOf(Math.min(...lines));
    if (lines[roomiest] === Infinity) return undefined;
    widths[roomiest] = (widths[roomiest] ?? 0) - 1;
  }
  return widths;
}

/** A row where there is no room for columns: its cells below each other. */
function stacked(row: readonly (readonly Piece[])[], look: Look): Line[] {
  return row.flatMap((cell, n) =>
    wrapped(cell, look.width - (n > 0 ? 4 : 0)).map(line => (n > 0 && line.length > 0 ? ['    ', ...line] : line)),
  );
}

const bold = (cell: Inline): Inline => [{ text: plain(cell), style: 'bold' }];
