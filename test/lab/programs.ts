import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';

/** Runs a program of this machine; rejects with its last words when it fails or takes longer than `timeoutMs`. */
export async function program(
  argv: readonly [string, ...string[]],
  options: { input?: string; timeoutMs?: number } = {},
): Promise<string> {
  const [file, ...args] = argv;
  const { stdout } = await execa(file, args, { input: options.input ?? '', timeout: options.timeoutMs ?? 20_000 });
  return stdout;
}

/**
 * Asks again and again until the answer is neither undefined nor false. Pauses grow: to 200 ms, then to a tenth of what was waited
 * already, but not above a second. None is shorter than it takes to ask, or twice as long if a command asks, up to 2 s: who waits leaves the
 * processors to what is waited for.
 * @throws Error naming `what` after `timeoutMs`, with the last thing that went wrong in `probe`
 */
export async function until<T>(
  what: string,
  timeoutMs: number,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const start = Date.now();
  const end = start + timeoutMs;
  let last: unknown;
  for (let pause = 10; ; pause = Math.min(pause * 1.5, Math.max(200, Math.min((Date.now() - start) / 10, 1000)))) {
    const began = Date.now();
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`waited ${timeoutMs / 1000} s for ${what}`, { cause: last });
    const took = Date.now() - began;
    await sleep(Math.max(pause, took < 250 ? took : Math.min(2 * took, 2000)));
  }
}
