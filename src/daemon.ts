import { closeSync, copyFileSync, fstatSync, futimesSync, openSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { inLine } from './printable.js';

const beatMs = 5000;
const watchMs = 1000;

/** Shows regularly, by the time of the file `alive`, that this process is alive. It writes no data, because a full disk must not end it. */
export function beat(dir: string): void {
  const file = openSync(join(dir, 'alive'), 'a', 0o600);
  const now = (): void => {
    const time = new Date();
    futimesSync(file, time, time);
  };
  now();
  setInterval(now, beatMs).unref();
  process.once('exit', () => closeSync(file));
}

/** Ends when the parent process ends, because the next one needs its port. @param end called once */
export function endWithParent(end: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    end();
  }, watchMs).unref();
}

const mostOfLine = 2000;
const mostOfLog = 16 * 2 ** 20;
const lookEvery = 2 ** 20;

/**
 * Prints lines with their time. If standard error is the named file, its size is limited: one older copy is kept.
 * @param print writes to standard error
 */
export function logger(file: string, print: (text: string) => void): (line: string) => void {
  let written = lookEvery;
  return line => {
    const text = `${new Date().toISOString()} ${line
      .split('\n', 30)
      .map(part => inLine(part, mostOfLine))
      .join('\n')}\n`;
    print(text);
    written += text.length;
    if (written < lookEvery) return;
    written = 0;
    try {
      cut(file);
    } catch {
      // no such file, or no room for a copy of it: it continues to grow
    }
  };
}

function cut(file: string): void {
  const [mine, its] = [fstatSync(2), statSync(file)];
  if (mine.ino !== its.ino || mine.dev !== its.dev || its.size < mostOfLog) return;
  try {
    copyFileSync(file, `${file}.old`);
  } finally {
    truncateSync(file);
  }
}
