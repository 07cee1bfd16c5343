import { CommandError, SchedulerError } from '../errors.js';
import { type BatchCommand, runAll } from '../hosts/batch.js';
import type { Host, Output, RunOptions } from '../hosts/host.js';
import { templateText } from '../templates.js';
import type { Scheduler } from './scheduler.js';

/** Where a site's batch system has its programs, if a login shell does not find them. */
export interface Place {
  /** Absolute directory that comes first in PATH. */
  readonly path?: string | undefined;
  readonly module?: string | undefined;
}

type System = Pick<Scheduler, 'survey' | 'isThisMachine'>;

/**
 * A command that finds the batch system's programs as a person finds them who logs in there. A login shell is started only
 * if PATH does not have them.
 */
export function placed(
  { survey, isThisMachine }: System,
  { path, module }: Place,
  argv: readonly string[],
): readonly string[] {
  if (isThisMachine) return argv;
  const script = templateText('site/batch.sh');
  return ['bash', '--norc', '-c', script, 'batch', survey.programs.join(' '), path ?? '', module ?? '', ...argv];
}

/** Runs one command of the batch system; its exit status is not checked. @throws SchedulerError if its programs are nowhere */
export async function runBatch(
  host: Host,
  system: System,
  place: Place,
  argv: readonly string[],
  options: Omit<RunOptions, 'check'> = {},
): Promise<Output> {
  const out = await host.run(placed(system, place, argv), { ...options, check: false });
  if (out.exitCode === 127) requireFound(system, host, out.stderr);
  return out;
}

/** Runs several commands in one round trip, as `runAll` does. @throws SchedulerError if the system's programs are nowhere */
export async function runBatches(
  host: Host,
  system: System,
  place: Place,
  commands: readonly BatchCommand[],
  options: Omit<RunOptions, 'stdin' | 'check'> = {},
): Promise<Output[]> {
  try {
    return await runAll(host, commands, options, argv => placed(system, place, argv));
  } catch (error) {
    if (error instanceof CommandError && error.exitStatus === 127) requireFound(system, host, error.stderr);
    throw error;
  }
}

/** @param stderr of a placed command that ended with status 127 @throws SchedulerError if the system's programs are nowhere */
export function requireFound({ survey }: System, host: Host, stderr: string): void {
  const lost = /^not found: ([\w -]+)$/m.exec(stderr)?.[1];
  if (lost === undefined) return;
  throw new SchedulerError(
    `${survey.title} can't be used on ${host.name}: neither commands that come by ssh nor a login shell find ${lost.split(' ').join(', ')}`,
    { hint: 'to see why: scailfin sites check SITE; or write scheduler.path or scheduler.module in its profile' },
  );
}
