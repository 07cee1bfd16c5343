import type { Prompter } from '../credentials/prompts.js';
import type { HostKeyVerdict } from '../hosts/hostkeys.js';
import type { Transport } from '../hosts/target.js';
import type { Config } from '../sites/schema.js';
import type { Facts } from './facts.js';
import type { Patient } from './patient.js';

/** `skipped`: an earlier stage failed, or this site has nothing of the kind. */
export type Status = 'ok' | 'warning' | 'failed' | 'skipped';

/** What a stage found out. */
export interface Finding {
  readonly status: Status;
  /** What is so, or what is wrong; lines after the first tell more. */
  readonly detail: string;
  /** What to do next. */
  readonly hint?: string;
}

/** One thing that must be right, each needing those before it. */
export interface Stage {
  readonly id: string;
  readonly title: string;
  /** What it throws is a failure of this stage. */
  run(context: Context): Promise<Finding>;
  /** It leaves things at the site for a while: when interrupted, it ends only after it has cleaned up. */
  readonly cleansUp?: boolean;
}

/** What was asked for beside the site. */
export interface CheckOptions {
  readonly account?: string | undefined;
  readonly queue?: string | undefined;
  readonly deep: boolean;
  /** Who speaks SSH, whatever the profile says. */
  readonly transport?: Transport | undefined;
  /** Seconds to wait for the job on a compute node. */
  readonly timeout: number;
}

/** What every stage works with. */
export interface Context {
  readonly patient: Patient;
  readonly options: CheckOptions;
  readonly config: Config;
  readonly prompter: Prompter | undefined;
  readonly signal: AbortSignal;
  /** Says how far a long stage has come. */
  readonly progress: (text: string) => void;
  /** What stages found out for those after them. */
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
