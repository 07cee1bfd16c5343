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
  /** The job script in the form that the batch system gets. */
  readonly script: string;
}

/** `count` identical jobs of `nodes` nodes each. */
export interface BatchJob {
  /** The job's name, the same for all batch jobs of a cluster: `tagOf(name)`. At most 15 characters, as Torque allows. */
  readonly tag: string;
  readonly count: number;
  /** Of each job; the command runs once on each node. */
  readonly nodes: number;
  readonly coresPerNode: number | undefined;
  /** MiB. */
  readonly memoryPerNode: number | undefined;
  readonly gpusPerNode: number;
  readonly gpuType?: string | undefined;
  /** The site's own way to ask for GPUs, from the profile; absent: the batch system's. */
  readonly gpuForm?: string | undefined;
  /** Seconds. */
  readonly walltime: number;
  readonly queue: string | undefined;
  /** The scheduler's option for the queue; NERSC selects queues as QOS. */
  readonly queueOption: 'partition' | 'qos';
  readonly account: string | undefined;
  /** Slurm: the cluster that gets the job, if the login node submits to several. */
  readonly cluster?: string | undefined;
  /** SGE: the parallel environment that gives a job several cores of one node. */
  readonly parallelEnvironment?: string | undefined;
  /** SGE: the parallel environment that gives a job several nodes. */
  readonly nodesEnvironment?: string | undefined;
  /** Extra directive arguments from the profile and the user, each one a complete option in the system's spelling: `-C EGRESS`. */
  readonly directives: readonly string[];
  readonly launcher: Launcher;
  /** Absolute; the cluster's directory on the site, which exists before submission. */
  readonly dir: string;
  /** Absolute directory on the site for the job's own output files; it exists before submission. */
  readonly logDir: string;
  /**
   * The absolute path of the glide-in's program, and its arguments. If there are several nodes, `nodeArguments` follow
   * them.
   */
  readonly command: readonly string[];
  /** false if the site forbids arrays: then submit `count` times with count 1. */
  readonly arrays: boolean;
}

export const launchers = ['none', 'srun', 'aprun', 'ibrun', 'mpiexec'] as const;
export type Launcher = (typeof launchers)[number];

/** Identifies the jobs of one cluster. */
export interface JobQuery {
  readonly tag: string;
  /** The user at the site who owns the jobs. */
  readonly user: string;
  /** The known job ids (of arrays as a whole), by which accounting finds jobs that the queue has forgotten. */
  readonly ids: readonly string[];
  /** The cluster's directory on the site. */
  readonly dir: string;
  /** Slurm: the clusters in which jobs may be although no known id names them. Absent: the login node's own one. */
  readonly clusters?: readonly string[];
  /** Seconds for which a job that exists may be missing from all answers, if the site differs from its batch system. */
  readonly silence?: number | undefined;
  /** The directory that has the batch system's programs, and the module that gives them, if a login shell has neither. */
  readonly path?: string | undefined;
  readonly module?: string | undefined;
  /** Ids of jobs that the system has shown before, and whose cancellation it has accepted since. */
  readonly cancelled?: readonly string[];
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

/** What a batch system answers when it is asked for jobs by their ids. */
export interface Inquiry {
  readonly jobs: readonly BatchJobStatus[];
  /** The ids that it says it does not know. */
  readonly denied: readonly string[];
}

export interface BatchJobStatus {
  /** `17`, or `17_2` for a task of an array, which counts as a job; in another cluster of Slurm `17_2;c5`. */
  readonly id: string;
  /** The submitted job: `17` for `17_2`. */
  readonly jobId: string;
  readonly state: BatchJobState;
  /** The scheduler's own word: `PENDING`. */
  readonly word: string;
  /** Why it waits, is held or failed, in the scheduler's words. */
  readonly reason?: string;
  /** The node where it runs; the first one if there are several. */
  readonly node?: string;
  /** All nodes where it runs, if there are several and the system tells them. */
  readonly allNodes?: readonly string[];
  /** Seconds until the scheduler ends it. */
  readonly secondsLeft?: number;
  readonly exitCode?: number;
  /** Seconds that it ran, if the scheduler says so. */
  readonly elapsed?: number;
  /** It ended because its node failed or was needed for others, as the batch system says: by no fault of the job. */
  readonly lost?: true;
  /** Present if it is missing from the answers of the batch system: then it is *unknown*. */
  readonly missing?: Missing;
}

/** Seconds since a job was found missing for the first time, and after how many seconds it counts as over. */
export interface Missing {
  readonly seconds: number;
  readonly limit: number;
}

/** The id that a job itself knows: in Slurm's `17_2;c5` the cluster is not part of it. */
export const ownId = (id: string): string => id.split(';', 1)[0] as string;

/** It is over, or on its way out by the batch system's word: it brings nothing any more, and may be replaced. */
export const isEnding = (state: BatchJobState): boolean => isOver(state) || state === 'completing';

export function isOver(state: BatchJobState): boolean {
  return state === 'finished' || state === 'failed' || state === 'cancelled';
}
