import { append } from '../text.js';
import type { Host, Output, RunOptions } from './host.js';

/**
 * Runs a bash script of ours with arguments. The text goes with the command, not by stdin: that saves a round trip.
 * Neither may hold a secret: login nodes show every user's command lines.
 */
export function runScript(
  host: Host,
  text: string,
  args: readonly string[],
  options: Omit<RunOptions, 'stdin'> = {},
): Promise<Output> {
  // sshd's bash would read ~/.bashrc once more, and whatever that prints
  return host.run(['bash', '--norc', '-c', text, 'scailfin', ...args], options);
}

/** `key=value` lines into lists, by key; other lines are passed over. */
export function keyValues(text: string): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const [, key, value] of text.matchAll(/^([a-z0-9]+)=(.*)$/gm)) {
    append(values, key as string, value as string);
  }
  return values;
}
