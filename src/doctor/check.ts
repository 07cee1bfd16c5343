import type { Prompter } from '../credentials/prompts.js';
import type { Config } from '../sites/settings.js';
import { Facts, type Found } from './facts.js';
import type { Patient } from './patient.js';
import { propose } from './propose.js';
import { examine, type StageResult, type Watcher } from './run.js';
import type { CheckOptions, Context } from './stage.js';
import { deep, shallow } from './stages.js';

export interface CheckReport {
  readonly site: string;
  /** No stage failed; there may be warnings. */
  readonly ok: boolean;
  readonly stages: readonly StageResult[];
  /** Only with --deep, if a compute node was reached. */
  readonly found?: Found;
  /** A profile for a host without one, once its batch system is known. */
  readonly proposal?: string;
}

export interface Bystanders {
  readonly prompter: Prompter | undefined;
  readonly watcher: Watcher;
  readonly progress: (text: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Checks a site, from its name to (with --deep) one of its compute nodes. Leaves nothing there.
 * @throws the reason of an abort; LeftoverError if it was interrupted and something may remain
 */
export async function checkSite(
  patient: Patient,
  options: CheckOptions,
  config: Config,
  { prompter, watcher, progress, signal }: Bystanders,
): Promise<CheckReport> {
  const facts = new Facts();
  const context: Context = { patient, options, config, prompter, signal, progress, facts };
  try {
    const stages = await examine([...shallow, ...(options.deep ? deep : [])], context, watcher);
    const found = facts.find('found');
    const isKnown = patient.site !== undefined || facts.find('profile') === undefined;
    return {
      ...{ site: patient.name, ok: stages.every(s => s.status !== 'failed'), stages },
      ...(found === undefined ? {} : { found }),
      ...(isKnown ? {} : { proposal: propose(context) }),
    };
  } finally {
    facts.find('headnode')?.close();
    // after an interrupt, a connection that is still being made is not waited for
    const host = signal.aborted ? facts.find('host') : await facts.find('connecting')?.catch(() => undefined);
    await host?.close();
  }
}
