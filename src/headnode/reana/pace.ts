/** How often Kubernetes is asked, and how long problems that may solve themselves are tolerated. Milliseconds. */
export interface Pace {
  readonly pollMs: number;
  /** A problem that Kubernetes tries to solve by itself becomes final after this time; tests shorten it. */
  readonly patience: number;
  /** How long a helm that may still run gets to end. */
  readonly settleMs: number;
  /** How long Kubernetes may be silent after its last answer. */
  readonly silenceMs: number;
}

export const PACE: Pace = { pollMs: 3_000, patience: 1, settleMs: 15_000, silenceMs: 60_000 };

export const after = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));
