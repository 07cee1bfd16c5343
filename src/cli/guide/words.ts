import type { Word } from '../terminal.js';
import type { Inline } from './markdown.js';

/** A line of the terminal. */
export type Line = readonly Word[];

export interface Look {
  /** Columns. */
  readonly width: number;
  /** With colours, code is coloured. Without colours it stays between backticks, as in error messages. */
  readonly colours: boolean;
}

/** A word that is not broken, and how it is shown. */
export interface Piece {
  readonly text: string;
  readonly style?: 'bold' | 'cyan';
  /** No blank before it. */
  readonly glued: boolean;
}

/** Puts words into lines of at most `width` columns; a word that is longer gets a line of its own. */
export function wrapped(words: readonly Piece[], width: number): Line[] {
  const lines: Word[][] = [[]];
  const units = unitsOf(words);
  let used = 0;
  for (const word of words) {
    const unit = word.glued && used > 0 ? 0 : (units.shift() ?? 0);
    if (!word.glued && used > 0) {
      if (used + 1 + unit > width) {
        lines.push([]);
        used = 0;
      } else {
        lines.at(-1)?.push(' ');
        used += 1;
      }
    }
    lines.at(-1)?.push(word.style === undefined ? word.text : [word.style, word.text]);
    used += word.text.length;
  }
  return lines;
}

/** The lengths of the units that are not broken. Pieces without a blank between them are one unit. */
function unitsOf(words: readonly Piece[]): number[] {
  const units: number[] = [];
  for (const { text, glued } of words) {
    if (glued && units.length > 0) units.push((units.pop() ?? 0) + text.length);
    else units.push(text.length);
  }
  return units;
}

/** Splits a text into words, each with its style; links become words that say where they lead. */
export function pieces(text: Inline, look: Look): Piece[] {
  const all: Piece[] = [];
  /** Whether a blank, or nothing, comes before the next word. */
  let open = true;
  for (const span of text) {
    const topic = /^([a-z]+)\.md$/.exec(span.link ?? '')?.[1];
    const isCode = span.style === 'code' || (topic !== undefined && topic === span.text);
    const text = topic === undefined || !isCode ? `${span.text}${target(span.link, span.text)}` : helpOn(topic);
    const shown = isCode && !look.colours ? `\`${text}\`` : text;
    const style = isCode ? 'cyan' : span.style === 'bold' ? 'bold' : undefined;
    for (const [n, word] of shown.split(' ').entries()) {
      if (n > 0) open = true;
      if (word === '') continue;
      all.push({ text: word, ...(style === undefined ? {} : { style }), glued: !open });
      open = false;
    }
  }
  return all;
}

/** The words after a link's label: what to type, or where to look. */
function target(link: string | undefined, label: string): string {
  if (link === undefined) return '';
  const topic = /^([a-z]+)\.md$/.exec(link)?.[1];
  const where = topic === undefined ? link.replace(/^(\.\.\/)+/, '') : helpOn(topic);
  return where === label ? '' : ` (${where})`;
}

const helpOn = (topic: string): string => `scailfin help ${topic}`;

export const plain = (text: Inline): string => text.map(span => span.text).join('');
export const lengthOf = (cell: readonly Piece[]): number =>
  cell.reduce((sum, piece, n) => sum + piece.text.length + (n > 0 && !piece.glued ? 1 : 0), 0);
export const longestWord = (cell: readonly Piece[]): number => Math.max(0, ...unitsOf(cell));
export const columnsOf = (line: Line): number =>
  line.reduce((sum, word) => sum + (typeof word === 'string' ? word : word[1]).length, 0);

/** The line without blanks at its end. */
export function trimmed(line: Line): Line {
  const last = line.at(-1);
  return typeof last === 'string' && last.trim() === '' ? trimmed(line.slice(0, -1)) : line;
}
