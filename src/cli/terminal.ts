import { fstatSync } from 'node:fs';
import { Chalk } from 'chalk';
import { bounded, printable, printableJson } from '../printable.js';

/** How a word is shown. Colours are put on here, after the words were made harmless, and only on a terminal. */
export type Style = 'green' | 'red' | 'yellow' | 'dim';

/** Text, or text with a style. */
export type Word = string | readonly [style: Style, text: string];

/**
 * The one door to standard output and standard error: whatever is printed passes `printable` here, so that nothing that
 * others wrote can reach a terminal as it is. That a stream is a pipe makes no difference: `| tail`, `| grep` and
 * `ssh host scailfin …` end at a terminal, too. What a program is to read is JSON, which lacks nothing.
 */
export function show(to: 'stdout' | 'stderr', ...words: readonly Word[]): void {
  process[to].write(`${words.map(word => painted(to, word)).join('')}\n`);
}

/** A value as a JSON document. */
export function showJson(value: unknown, indent?: number): void {
  process.stdout.write(`${printableJson(value, indent)}\n`);
}

/** Code for a shell, which must be exact: made harmless only where a person would read it instead. */
export function showScript(text: string): void {
  process.stdout.write(`${process.stdout.isTTY ? harmless(text) : text}\n`);
}

/** What somebody wrote into a log: whole where it goes into a file, which is a copy, and harmless where it is shown. */
export function showLog(text: string): void {
  process.stdout.write(`${isFile() ? text : harmless(text)}\n`);
}

/** Makes room on a terminal for what follows. */
export function clearScreen(): void {
  if (process.stdout.isTTY) process.stdout.write('\u001b[H\u001b[2J');
}

/** Text that is drawn by a library, such as a question: harmless, and of a bounded length. */
export const harmless = (text: string): string => bounded(printable(text));

/** For help, which comes with its own line breaks. */
export const showAsIs = (to: 'stdout' | 'stderr', text: string): void => void process[to].write(harmless(text));

/** Whether a stream shows colours is asked of that stream; chalk would ask standard output. */
const colours = new Chalk({ level: 1 });

function isFile(): boolean {
  try {
    return fstatSync(1).isFile();
  } catch {
    return false; // it is closed
  }
}

/** For what a library draws, such as a spinner. */
export function painted(to: 'stdout' | 'stderr', word: Word): string {
  if (typeof word === 'string') return harmless(word);
  const stream = process[to];
  const [style, text] = [word[0], harmless(word[1])];
  return stream.isTTY && stream.hasColors() ? colours[style](text) : text;
}
