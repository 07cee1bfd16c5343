/** How often we look, and how long we bear with what may mend itself. Milliseconds. */
export interface Pace {
  readonly pollMs: number;
  /** Trouble that Kubernetes tries to mend by itself must last as long as it is borne with; tests shorten it. */
  readonly patience: number;
  /** How long a helm that may still run is given to end. */
  readonly settleMs: number;
  /** How long Kubernetes may be silent, once it has spoken. */
  readonly silenceMs: number;
}

export const PACE: Pace = { pollMs: 3_000, patience: 1, settleMs: 15_000, silenceMs: 60_000 };

export const after = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));
