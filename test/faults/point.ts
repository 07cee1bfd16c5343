/** What a command does on a machine, or writes in its journal; as the command itself comes to it. */
export interface Action {
  /** `WHERE: WHAT, #N`: the same in each run of the same command. */
  readonly key: string;
  /** The host as it was dialled, `local`, or `journal`. */
  readonly where: string;
  /** The port's function and the script or the function that calls it: `run site/submit.sh`. */
  readonly what: string;
}

/** A point at which a fault can be tried. */
export interface Point extends Action {
  readonly kind: 'reads' | 'changes' | 'journal';
  /** Milliseconds that it took without a fault. */
  readonly ms: number;
  /** The programs of the batch system that it called. */
  readonly batch: readonly string[];
}

/** What becomes of a command at one of its actions. */
export interface Plan {
  /** The action's key. */
  readonly at: string;
  /** `amid`: so many milliseconds after it began. */
  readonly when: 'before' | 'after' | 'amid';
  readonly ms?: number;
  /** The command gets this signal. */
  readonly signal?: NodeJS.Signals;
  /** The answer is lost: the command learns only that its connection broke, which whoever is asked has cut. */
  readonly isLost?: boolean;
}

/** Where a command that is tried and its trial meet, on the host of the command. */
export const meeting = '/run/faults';

/** In the environment of the command: a Plan in JSON, or this word: whoever waits at the meeting place is told of each action. */
export const variable = 'SCAILFIN_FAULT';
export const RECORD = 'record';

/** A line of the trace that the command writes at the meeting place. */
export interface Trace extends Action {
  readonly phase: 'begins' | 'ends' | 'fault';
  /** Milliseconds since 1970. */
  readonly at: number;
}
