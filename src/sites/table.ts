import { inLine } from '../printable.js';

/**
 * Rows with aligned columns, separated by two spaces; the first row is the heading. Each row is one line without trailing
 * blanks.
 */
export function table(words: readonly (readonly string[])[], indent = ''): string {
  const rows = words.map(row => row.map(cell => inLine(cell)));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => (row[column] ?? '').length)));
  return rows
    .map(row => `${indent}${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
    .join('\n');
}

/** Breaks text into lines of at most `width` characters; all lines after the first are indented. */
export function wrap(text: string, indent: string, width = 100): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter(w => w.length > 0)) {
    if (line && indent.length + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line ? `${line} ${word}` : word;
    }
  }
  return [...lines, line].join(`\n${indent}`);
}
