import { readFileSync, statSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';

/** @typedef {import('./answer.js').Answer} Answer */

export const user = userInfo().username;

/** @param {string} path @returns {string | undefined} */
function readable(path) {
  try {
    return statSync(path).isDirectory() ? undefined : readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** A submission as it was typed here. @param {readonly string[]} args @returns {import('./family.js').Typed} */
export const typed = args => ({
  ...{ args, stdin: () => readFileSync(0, 'utf8'), file: readable, env: process.env },
  ...{ user, host: hostname(), dir: process.cwd() },
});

/**
 * Runs the program that this process is started as: its first argument is its name.
 * @param {(program: string, args: string[]) => Promise<Answer>} answer
 */
export async function speak(answer) {
  const [program = '', ...args] = process.argv.slice(2);
  const { stdout, stderr, exit } = await answer(program, args);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = exit;
}
