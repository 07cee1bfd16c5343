/** What became of steps or jobs. */
export interface Tally {
  /** Those that ended, with whatever output. */
  done: number;
  right: number;
  wrong: number;
  /** Told to have ended more than once. */
  doubled: number;
  /** Without an end, although there was time enough. */
  missing: number;
  /** Ran once more after their node, their glide-in or the schedd had died. */
  again: number;
  /** Ran once more although all of these lived: HTCondor had lost sight of them. */
  needless: number;
}

export const none = (): Tally => ({ done: 0, right: 0, wrong: 0, doubled: 0, missing: 0, again: 0, needless: 0 });

/** A fault that makes jobs run again. */
export interface Death {
  /** Whose glide-in ended; absent: the schedd was killed, and has not heard what ended just then. */
  readonly node?: string;
  /** Unix time. */
  readonly at: number;
}

/** A job's begin on a node. */
export interface Begin {
  readonly id: string;
  readonly node: string;
  /** Unix time. */
  readonly at: number;
}

/** Counts those that ran more than once. @returns a line for each that did without a reason */
export function countReruns(begins: readonly Begin[], deaths: readonly Death[], tally: Tally): string[] {
  const notes: string[] = [];
  for (const id of new Set(begins.map(b => b.id))) {
    const own = begins.filter(b => b.id === id);
    for (const [n, { at }] of own.slice(1).entries()) {
      const before = own[n] as Begin;
      const isCaused = deaths.some(
        d => (d.node ?? before.node) === before.node && d.at >= before.at - 2 && d.at <= at + 1,
      );
      if (isCaused) tally.again++;
      else {
        tally.needless++;
        notes.push(`${id} ran on ${before.node} from ${time(before.at)}, and once more from ${time(at)}`);
      }
    }
  }
  return notes;
}

export const time = (at: number): string => new Date(at * 1000).toISOString().slice(11, 19);
