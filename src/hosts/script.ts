import type { Host, Output, RunOptions } from './host.js';

/** Runs a bash script of ours with arguments; it goes by stdin, so nothing of it shows in `ps`. */
export function runScript(
  host: Host,
  text: string,
  args: readonly string[],
  options: Omit<RunOptions, 'stdin'> = {},
): Promise<Output> {
  return host.run(['bash', '-s', '--', ...args], { ...options, stdin: text });
}

/** `key=value` lines into lists, by key; other lines are passed over. */
export function keyValues(text: string): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const [, key, value] of text.matchAll(/^([a-z0-9]+)=(.*)$/gm)) {
    values.set(key as string, [...(values.get(key as string) ?? []), value as string]);
  }
  return values;
}
