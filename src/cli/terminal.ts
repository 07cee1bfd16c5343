import { fstatSync } from 'node:fs';
import { Chalk } from 'chalk';
import { bounded, printable, printableJson } from '../printable.js';

/** The style of a word. Colours are added here, only on a terminal, and after the words were made harmless. */
export type Style = 'green' | 'red' | 'yellow' | 'cyan' | 'bold' | 'dim';

/** Text, or text with a style. */
export type Word = string | readonly [style: Style, text: string];

/**
 * All standard output and standard error passes through here: `printable` makes text from others harmless before it can
 * reach a terminal. This is also done for pipes, because `| tail`, `| grep` and `ssh host scailfin …` end at a terminal,
 * too. Programs should read JSON, which is complete.
 */
export function show(to: 'stdout' | 'stderr', ...words: readonly Word[]): void {
  process[to].write(`${words.map(word => painted(to, word)).join('')}\n`);
}

/** Calls `then` when whoever reads the output has seen enough, as `head` has. What is printed afterwards is lost. */
export function onReaderGone(then: () => void): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      then();
    });
}

/** A value as a JSON document. */
export function showJson(value: unknown, indent?: number): void {
  process.stdout.write(`${printableJson(value, indent)}\n`);
}

/** Code for a shell, which must be exact: it is made harmless only on a terminal. */
export function showScript(text: string): void {
  process.stdout.write(`${process.stdout.isTTY ? harmless(text) : text}\n`);
}

/** A log written by others: complete if it goes into a file, harmless if it is shown. */
export function showLog(text: string): void {
  process.stdout.write(`${isFile() ? text : harmless(text)}\n`);
}

/** Clears the terminal for what follows. */
export function clearScreen(): void {
  if (process.stdout.isTTY) process.stdout.write('\u001b[H\u001b[2J');
}

/** Text that a library draws, such as a question: harmless, and of limited length. */
export const harmless = (text: string): string => bounded(printable(text));

/** For help texts, which have their own line breaks. */
export const showAsIs = (to: 'stdout' | 'stderr', text: string): void => void process[to].write(harmless(text));

/** Colour support is asked of the stream that is written to; chalk would ask standard output. */
const colours = new Chalk({ level: 1 });

function isFile(): boolean {
  try {
    return fstatSync(1).isFile();
  } catch {
    return false; // it is closed
  }
}

/** For text that a library draws, such as a spinner. */
export function painted(to: 'stdout' | 'stderr', word: Word): string {
  if (typeof word === 'string') return harmless(word);
  const [style, text] = [word[0], harmless(word[1])];
  return hasColours(to) ? colours[style](text) : text;
}

/** Only terminals show colours, and only if `NO_COLOR` and `TERM` allow it. */
export const hasColours = (to: 'stdout' | 'stderr'): boolean => process[to].isTTY && process[to].hasColors();

/** Columns for running text on standard output: 80 if it is no terminal, and 100 at most, as longer lines are hard to read. */
export const textWidth = (): number =>
  process.stdout.isTTY ? Math.min(Math.max(process.stdout.columns || 80, 20), 100) : 80;
