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

  /** Why a site's profile must not carry this directive: a phrase to follow it; undefined when it may. */
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

export interface Command {
  readonly argv: readonly string[];
  readonly stdin?: string;
}

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

export interface Submission extends Command {
  /** The job script, as it arrives at the batch system. */
  readonly script: string;
}

/** `count` identical jobs, each of as many nodes as `NODES_PER_JOB` says. */
export interface BatchJob {
  /** The job's name, the same for all batch jobs of a cluster: `tagOf(name)`. At most 15 characters, as Torque allows. */
  readonly tag: string;
  readonly count: number;
  readonly coresPerNode: number | undefined;
  /** MiB. */
  readonly memoryPerNode: number | undefined;
  readonly gpusPerNode: number;
  /** Seconds. */
  readonly walltime: number;
  readonly queue: string | undefined;
  /** What the queue is to the scheduler; NERSC names its queues as QOS. */
  readonly queueOption: 'partition' | 'qos';
  readonly account: string | undefined;
  /** SGE: what gives a job several cores of one node. */
  readonly parallelEnvironment?: string | undefined;
  /** Extra directive arguments from the profile, each one whole option as the system spells it: `-C EGRESS`. */
  readonly directives: readonly string[];
  readonly launcher: Launcher;
  /** The cluster's directory on the site, absolute; exists before submission. */
  readonly dir: string;
  /** Absolute directory on the site for the job's own output files; exists before submission. */
  readonly logDir: string;
  /** Absolute path of the program that is the glide-in, and its arguments. */
  readonly command: readonly string[];
  /** The site forbids arrays: submit `count` times with count 1. */
  readonly arrays: boolean;
}

export const launchers = ['none', 'srun', 'aprun', 'ibrun', 'mpiexec'] as const;
export type Launcher = (typeof launchers)[number];

/** What the jobs of one cluster are known by. */
export interface JobQuery {
  readonly tag: string;
  /** The site user whose jobs they are. */
  readonly user: string;
  /** Job ids (array parents) we know; lets accounting find what the queue has forgotten. */
  readonly ids: readonly string[];
  /** The cluster's directory on the site. */
  readonly dir: string;
}

export type BatchJobState =
  | 'queued'
  | 'held'
  | 'running'
  | 'completing'
  | 'finished'
  | 'failed'
  | 'cancelled'
  | 'unknown';

export interface BatchJobStatus {
  /** `17`, or `17_2` for an array's task, which is a job of its own. */
  readonly id: string;
  /** What was submitted: `17` for `17_2`. */
  readonly jobId: string;
  readonly state: BatchJobState;
  /** The scheduler's own word: `PENDING`. */
  readonly word: string;
  /** Why it waits, is held or failed, in the scheduler's words. */
  readonly reason?: string;
  /** Where it runs; the first one where there are several. */
  readonly node?: string;
  /** Seconds until the scheduler ends it. */
  readonly secondsLeft?: number;
  readonly exitCode?: number;
}

export function isOver(state: BatchJobState): boolean {
  return state === 'finished' || state === 'failed' || state === 'cancelled';
}
