import { append } from '../text.js';
import type { Host, Output, RunOptions } from './host.js';

/**
 * Runs one of our bash scripts with arguments. The text is part of the command, not of stdin, which saves a round trip.
 * Neither may contain a secret: login nodes show the command lines of all users.
 */
export function runScript(
  host: Host,
  text: string,
  args: readonly string[],
  options: Omit<RunOptions, 'stdin'> = {},
): Promise<Output> {
  return host.run(scriptCommand(text, args), options);
}

/** One of our bash scripts as a command. */
export const scriptCommand = (text: string, args: readonly string[]): string[] =>
  // sshd's bash would read ~/.bashrc a second time, and its output
  ['bash', '--norc', '-c', text, 'scailfin', ...args];

/** Turns `key=value` lines into lists, by key; other lines are ignored. */
export function keyValues(text: string): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const [, key, value] of text.matchAll(/^([a-z0-9]+)=(.*)$/gm)) {
    append(values, key as string, value as string);
  }
  return values;
}
