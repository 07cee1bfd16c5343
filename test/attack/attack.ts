import { it } from 'vitest';

/** Who attacks; the words of the threat model in `src/SECURITY.md`. */
export type Attacker =
  | 'a step'
  | 'a workflow'
  | 'a compute node'
  | 'a stolen glide-in token'
  | 'another user'
  | 'a client with the token'
  | 'a stranger on the network'
  | 'a login node'
  | 'a batch system'
  | 'a hostile folder'
  | 'a server';

export interface Attack {
  readonly by: Attacker;
  /** The machine that is attacked: a host of the lab, or `here` for a part of the program that runs in the test itself. */
  readonly on: string;
  /** What is tried, in a few words: `reads ~/.ssh/id_ed25519 by condor_chirp`. */
  readonly what: string;
  /** The line of the threat model that names this as accepted, where the attack succeeds and is known to: `A3`. */
  readonly accepted?: string;
}

/** What `npm run attack` prints of one attack; kept in the test's `meta`. */
export interface Tried extends Attack {
  /** Hostile inputs, requests or files that were tried. */
  tried: number;
}

/**
 * A test that attacks. It passes when the defence holds, so it must fail without that defence.
 * @param run tries it; calls `count` with the number of hostile inputs it has tried, 1 where it is never called
 * @param timeout milliseconds
 */
export function attack(
  about: Attack,
  run: (count: (n?: number) => void) => Promise<void> | void,
  timeout?: number,
): void {
  it(`${about.by} → ${about.on}: ${about.what}`, { ...(timeout ? { timeout } : {}) }, async ({ task }) => {
    const tried: Tried = { ...about, tried: 0 };
    (task.meta as { attack?: Tried }).attack = tried;
    await run((n = 1) => {
      tried.tried += n;
    });
    tried.tried ||= 1;
  });
}
