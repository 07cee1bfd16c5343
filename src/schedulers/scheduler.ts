import type { GpuForm } from './gpus.js';
import type { BatchJob, BatchJobStatus, Command, Inquiry, JobQuery, Output, Submission } from './job.js';
import type { Survey } from './survey.js';
import type { Reader } from './understanding.js';

/** A batch system as pure functions: it builds commands and reads their output, and never runs anything. */
export interface Scheduler {
  /** The name of the system in a site's profile, `scheduler.type`. */
  readonly name: string;
  /** Other systems with the same commands, by their names in recordings. */
  readonly aliases?: readonly string[];

  /** The submission of `job`: the text of the script (passed through stdin) and the command that submits it. */
  submit(job: BatchJob): Submission;
  /**
   * The job id in a submission's output, whatever banners are around it. @throws SchedulerError with the system's own
   * error
   */
  parseSubmit(out: Output): string;
  /** Commands that together list all jobs with this tag. They run in one round trip, in this order. */
  list(query: JobQuery): Command[];
  /**
   * One status per batch job; each task of a pending array has its own. @throws SchedulerError if the system could not be
   * asked: *unknown*, never *gone*
   */
  parseList(outputs: readonly Output[], query: JobQuery): BatchJobStatus[];
  /** What it means that a job is missing from these answers. */
  readonly absence: Absence;
  /**
   * Asks for jobs by their ids, if `list` does not show them. Absent if the system has no other way to ask for a job.
   */
  readonly inquiry?: {
    commands(ids: readonly string[], query: JobQuery): Command[];
    /** A part that could not be asked says nothing: neither that a job is there, nor that it is not. */
    parse(outputs: readonly Output[], ids: readonly string[], query: JobQuery): Inquiry;
  };
  /** Cancels jobs; finished ones count as success. */
  cancel(ids: readonly string[], query: JobQuery): Command;
  /** @throws SchedulerError if jobs that are not over could not be cancelled */
  parseCancel(out: Output): void;

  /** The queries of `sites check`, before anything is submitted. */
  readonly survey: Survey;
  /**
   * Reads the output of any command of the system, for recordings of other sites; absent if the system has no such
   * commands.
   */
  readonly read?: Reader;

  /** Slurm: the other clusters to which these directives submit. */
  clustersIn?(directives: readonly string[]): string[];
  /** Why a site's profile must not contain this directive, as a phrase that follows it; undefined if it may. */
  directiveProblem(directive: string): string | undefined;
  /**
   * Jobs may have several nodes, and the script starts a glide-in on each of them: see start.ts. `nodesEnvironment`: only
   * where a site's profile has that key. Absent: each job has one node.
   */
  readonly severalNodes?: true | 'nodesEnvironment';
  /** How a job asks for GPUs, unless the site's profile says it: see gpus.ts. Absent: it can't. */
  readonly gpuForm?: GpuForm;
  /** Keys of a profile's `scheduler` that only this system uses. */
  readonly profileKeys?: readonly ProfileKey[];
  /** The site is this machine: there are no logins, accounts or directives. */
  readonly isThisMachine?: true;
  /**
   * Each login node may have a queue of its own, as HTCondor's schedds are: another one knows nothing of a job that was
   * submitted elsewhere.
   */
  readonly queuePerLoginNode?: true;
  /** False: the system has no queues. A queue in a profile is only a name for limits and directives. */
  readonly hasQueues?: false;
  /** A job gets only the part of a node that it asks for, so each job must name its share. */
  readonly cutsNodes?: true;
  /**
   * HTCondor's blahpd can submit to it, with this script of templates/bosco: SYSTEM_status asks for jobs in the place of blahp's own
   * script, and SYSTEM_jobs takes the place of all of blahp's scripts.
   */
  readonly bosco?: `${string}_status` | `${string}_jobs`;
}

export type ProfileKey = 'queueOption' | 'parallelEnvironment' | 'nodesEnvironment' | 'cluster';

/** The silence of a batch system about a job. A missing job is *unknown*, not over, until its time has passed. */
export interface Absence {
  /** A job that exists may be missing from all answers for this long. Seconds. */
  readonly seconds: number;
  /** Where this time is stated. */
  readonly source: string;
  /**
   * The system may forget a cancelled job at once. So if it has shown a job, accepted its cancellation, and then says that
   * it does not know the id, that is its word about the job's end.
   */
  readonly forgetsCancelled?: true;
}
