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
