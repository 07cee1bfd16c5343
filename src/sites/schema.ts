import * as z from 'zod';
import { transports } from '../hosts/target.js';
import { launchers } from '../schedulers/job.js';
import { schedulerNames } from '../schedulers/registry.js';
import { bind, count, date, duration, gpuType, htcondorSchema, line, memory, place } from './values.js';

const queueSchema = z.strictObject({
  /** What the batch system calls it, if several entries stand for one queue: with CPU and with GPU nodes, say. */
  name: line.optional(),
  walltime: duration.optional(),
  /** Most nodes that one job may have. */
  nodes: count.optional(),
  /** Fewest nodes that a job must have. */
  minNodes: count.optional(),
  /** Nodes of each job, if the user does not say it. */
  nodesPerJob: count.optional(),
  /** Most jobs that one user may have queued and running. */
  jobs: count.optional(),
  default: z.boolean().optional(),
  /** Several jobs share a node, so cores and memory must be asked for. */
  shared: z.boolean().optional(),
  cores: count.optional(),
  memory: memory.optional(),
  gpus: z.int().nonnegative().optional(),
  /** The type that jobs of this queue ask for, if the user names none. */
  gpuType: gpuType.optional(),
  directives: z.array(line).optional(),
  note: z.string().optional(),
});

export const profileSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]*$/, 'must be lower-case letters, digits and hyphens, a letter first'),
  title: line,
  status: z.enum(['active', 'retired']).default('active'),
  /** The day or month when the machine stopped; only with status retired. */
  retired: date.optional(),
  /** Absent: the site is this machine. */
  login: z
    .strictObject({
      hosts: z.array(line).min(1),
      port: z.int().min(1).max(65535).optional(),
      user: line.optional(),
      /** What the site accepts, for people; `gssapi-gsi` also makes scailfin log in by a proxy. */
      auth: z
        .array(z.enum(['publickey', 'agent', 'password', 'keyboard-interactive', 'gssapi-gsi', 'sshproxy']))
        .optional(),
      mfa: z.boolean().optional(),
      /** Which SSH client to use: the library ssh2, or the local ssh or gsissh if ssh2 can't log in. */
      transport: z.enum(transports).optional(),
      /** With gssapi-gsi: the login node gets its own proxy, made from the user's. */
      delegate: z.boolean().optional(),
      /** A service that gives a key with a short-lived certificate for a password and a one-time code. */
      certificates: z
        .strictObject({
          sshproxy: line.regex(/^https:\/\/[^/@\s]+\/?$/, 'must be an address such as https://sshproxy.example.org'),
          /** The path of the private key; its certificate is beside it. */
          key: line.regex(/^(~\/|\/)./, 'must be a path that begins with / or ~/'),
        })
        .optional(),
    })
    .optional(),
  scheduler: z.strictObject({
    type: z.enum(schedulerNames),
    version: line.optional(),
    /** false if the site forbids job arrays. */
    arrays: z.boolean().default(true),
    /** false if the site forbids requests for memory. */
    memory: z.boolean().default(true),
    /** false if a queue's nodes always have GPUs, which must not be asked for. */
    gpus: z.boolean().default(true),
    /** How jobs ask for GPUs, if not in the batch system's usual way; with the words COUNT, TOTAL and TYPE. */
    gpuForm: line
      .regex(/\b(COUNT|TOTAL)\b/, 'must have the word COUNT (GPUs of a node) or TOTAL (of all nodes of a job)')
      .optional(),
    /** Slurm: the option that selects a queue, by default `--partition`; NERSC uses `--qos`. */
    queueOption: z.enum(['partition', 'qos']).optional(),
    /** The directory of the batch system's programs, if not even a login shell there has it in its PATH. */
    path: z
      .string()
      .regex(/^\/[A-Za-z0-9_@%+=.,/~-]*$/, 'must be an absolute directory, such as /opt/pbs/bin')
      .optional(),
    /** The module that gives these programs, if a login shell does not load it by itself. */
    module: z
      .string()
      .regex(/^[A-Za-z0-9][\w.+/-]*$/, 'must be the name of a module, such as slurm/23.02')
      .optional(),
    /** Slurm: the cluster to which jobs go, if the login node submits to several. */
    cluster: z
      .string()
      .regex(/^[A-Za-z0-9][\w.-]*$/, 'must be the name of a cluster, such as c5')
      .optional(),
    /** For how long the site's batch system may not show a job that exists. Absent: what is usual for the system. */
    silence: duration.optional(),
    /** SGE: the parallel environment that gives a job several cores of one node, as in `-pe smp 24`. */
    parallelEnvironment: z
      .string()
      .regex(/^[A-Za-z][\w.-]*$/, 'must be the name of a parallel environment, such as smp')
      .optional(),
    /** SGE: the parallel environment that gives a job several nodes; its allocation_rule is the cores of each. */
    nodesEnvironment: z
      .string()
      .regex(/^[A-Za-z][\w.-]*$/, 'must be the name of a parallel environment, such as mpi-8')
      .optional(),
    directives: z.array(line).default([]),
  }),
  /** HTCondor itself has none: there, a queue is a name for limits and directives of this profile. */
  queues: z.record(line, queueSchema).default({}),
  account: z.enum(['required', 'optional', 'none']).default('optional'),
  launcher: z.enum(launchers).default('none'),
  /** The program that starts each step, if glide-ins do not run on the compute nodes themselves. */
  stepLauncher: z.enum(['none', 'aprun', 'srun']).default('none'),
  containers: z
    .array(
      z.strictObject({
        runtime: z.enum(['shifter', 'singularity', 'apptainer', 'charliecloud', 'podman-hpc']),
        module: line.optional(),
      }),
    )
    .default([]),
  directories: z
    .strictObject({
      /**
       * The directory for scailfin's files; login and compute nodes must both see it. Shell variables of the site are
       * allowed.
       */
      work: place.optional(),
      /** A node's own fast disk, for the working directories of jobs. */
      local: place.optional(),
      /** Where images of steps are kept for all nodes of the site; absent: in the cluster's directory, until `down`. */
      images: place.optional(),
      home: place.optional(),
      scratch: place.optional(),
    })
    .default({}),
  /** The site's own files that steps see in their containers. */
  binds: z.array(bind).default([]),
  node: z
    .strictObject({ cores: count.optional(), memory: memory.optional(), gpus: z.int().nonnegative().optional() })
    .default({}),
  network: z
    .strictObject({
      /** Whether compute nodes can open connections to the internet. */
      outbound: z.boolean().optional(),
      /** The login node's name or address as seen from compute nodes. */
      loginAddress: line.optional(),
      /** The site's HTTP proxy, by which compute nodes fetch images and data. A password does not belong here. */
      proxy: z
        .string()
        .regex(/^https?:\/\/[A-Za-z0-9.-]+:\d{1,5}$/, 'must be an address such as http://proxy.example.org:3128')
        .optional(),
      /** The hosts that are reached without that proxy, as in `no_proxy`. */
      noProxy: z
        .array(z.string().regex(/^[A-Za-z0-9.*:/_-]+$/, 'must be a host, a domain or an address, such as .example.org'))
        .default([]),
    })
    .default({ noProxy: [] }),
  htcondor: htcondorSchema.optional(),
  /** `local`, `login` or `[user@]host`. */
  headnode: line.optional(),
  notes: z
    .array(
      z.strictObject({
        text: z.string(),
        source: z.string(),
        date,
      }),
    )
    .default([]),
});

/** A site profile as the rest of the program sees it: seconds, MiB, all defaults filled in. */
export type SiteProfile = z.output<typeof profileSchema>;
export type QueueLimits = z.output<typeof queueSchema>;
