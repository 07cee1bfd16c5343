import type { BatchJob, BatchJobStatus, Command, JobQuery, Output, Submission } from './job.js';
import type { Survey } from './survey.js';
import type { Reader } from './understanding.js';

/** A batch system as pure functions: it builds commands and reads their output, and never runs anything. */
export interface Scheduler {
  /** As a site's profile calls it, in `scheduler.type`. */
  readonly name: string;
  /** Other systems that have the same commands, by the names that their recordings go by. */
  readonly aliases?: readonly string[];

  /** What to send for `job`: the script text (goes by stdin) and the command that submits it. */
  submit(job: BatchJob): Submission;
  /** The job id out of a submission's output, whatever banners surround it. @throws SchedulerError with the system's own words */
  parseSubmit(out: Output): string;
  /** Commands that together tell all about the jobs with this tag. They run in one round trip, in this order. */
  list(query: JobQuery): Command[];
  /** One status per batch job; the tasks of a pending array each get their own. @throws SchedulerError when the system could not be asked: *unknown*, never *gone* */
  parseList(outputs: readonly Output[], query: JobQuery): BatchJobStatus[];
  /** Cancels jobs; finished ones count as success. */
  cancel(ids: readonly string[], query: JobQuery): Command;
  /** @throws SchedulerError when jobs that are not over could not be cancelled */
  parseCancel(out: Output): void;

  /** What it can be asked before anything is submitted, for `sites check`. */
  readonly survey: Survey;
  /** Understands any one command of the system, for recordings of other sites; absent where there is no such command. */
  readonly read?: Reader;

  /** Why a site's profile must not contain this directive, as a phrase that follows it; undefined if it may. */
  directiveProblem(directive: string): string | undefined;
  /** Keys of a profile's `scheduler` that mean something to this system alone. */
  readonly profileKeys?: readonly ProfileKey[];
  /** The site is this machine: nobody logs in, and there are neither accounts nor directives. */
  readonly isThisMachine?: true;
  /** False: the system has no queues. Those of a profile are limits and directives under a name. */
  readonly hasQueues?: false;
  /** Nodes are cut to what a job asks for, so that each job must say its share. */
  readonly cutsNodes?: true;
  /** HTCondor's blahp submits to it, as templates/bosco/NAME_status.sh asks for its jobs. */
  readonly bosco?: true;
}

export type ProfileKey = 'queueOption' | 'parallelEnvironment';
