import type { Prompter } from '../credentials/prompts.js';
import type { HostKeyVerdict } from '../hosts/hostkeys.js';
import type { Transport } from '../hosts/target.js';
import type { Config } from '../sites/settings.js';
import type { Facts } from './facts.js';
import type { Patient } from './patient.js';

/** `skipped`: an earlier stage failed, or this site does not need the stage. */
export type Status = 'ok' | 'warning' | 'failed' | 'skipped';

/** The result of a check. */
export interface Finding {
  readonly status: Status;
  /** What is right or wrong; lines after the first have details. */
  readonly detail: string;
  /** What to do next. */
  readonly hint?: string;
}

/** One condition of a usable site; each stage needs the ones before it. */
export interface Stage {
  readonly id: string;
  readonly title: string;
  /** An error that it throws is a failure of this stage. */
  run(context: Context): Promise<Finding>;
  /** It leaves files or jobs at the site for a while: after an interrupt, it ends only when it has cleaned up. */
  readonly cleansUp?: boolean;
}

/** The options of the check. */
export interface CheckOptions {
  readonly account?: string | undefined;
  readonly queue?: string | undefined;
  readonly deep: boolean;
  /** Which SSH client to use, whatever the profile says. */
  readonly transport?: Transport | undefined;
  /** How many seconds to wait for the job on a compute node. */
  readonly timeout: number;
}

/** The objects that every stage uses. */
export interface Context {
  readonly patient: Patient;
  readonly options: CheckOptions;
  readonly config: Config;
  readonly prompter: Prompter | undefined;
  readonly signal: AbortSignal;
  /** Reports the progress of a long stage. */
  readonly progress: (text: string) => void;
  /** Facts from stages for those after them. */
  readonly facts: Facts;
}

export const ok = (detail: string): Finding => ({ status: 'ok', detail });
export const warning = (detail: string, hint: string): Finding => ({ status: 'warning', detail, hint });
export const failed = (detail: string, hint?: string): Finding => ({
  ...{ status: 'failed', detail },
  ...(hint === undefined ? {} : { hint }),
});
export const skipped = (detail: string): Finding => ({ status: 'skipped', detail });

/** `bastion: ssh-ed25519 SHA256:…, known from FILE:LINE` */
export type HostKeyNote = HostKeyVerdict & { readonly alias: string };
