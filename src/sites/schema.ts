import { z } from 'zod';
import { transports } from '../hosts/target.js';
import { launchers } from '../schedulers/job.js';
import { schedulerNames } from '../schedulers/registry.js';
import { GPU_TYPE, parseDuration, parseGpus, parseMemory } from '../units.js';
import { parseBind } from './binds.js';

/** A bare number is the most likely mistake, so the message shows it with its unit. */
function withUnit(what: string, input: unknown, unit: string, examples: string): string {
  if (typeof input === 'number') return `a number needs a unit here: write ${input}${unit}, not ${input}`;
  return `must be ${what} with its unit, such as ${examples}`;
}

const memory = z
  .string({ error: ({ input }) => withUnit('an amount of memory', input, 'G', '4G or 512M') })
  .transform((text, ctx) => {
    const mib = parseMemory(text);
    if (mib !== undefined) return mib;
    ctx.addIssue({ code: 'custom', message: `"${text}" is not an amount of memory; write 4G or 512M` });
    return z.NEVER;
  });

const duration = z
  .string({ error: ({ input }) => withUnit('a duration', input, 'h', '30m, 2h or 1d12h') })
  .transform((text, ctx) => {
    const seconds = parseDuration(text);
    if (seconds !== undefined) return seconds;
    ctx.addIssue({ code: 'custom', message: `"${text}" is not a duration; write 30m, 2h, 1d12h or 02:00:00` });
    return z.NEVER;
  });

const count = z.int().positive();
/** One word or phrase that becomes part of a script: it must not contain a line break. */
const line = z
  .string()
  .min(1)
  .regex(/^[^\r\n\0]*$/, 'must be a single line');

/** A directory at the site; it may contain the site's own variables. */
const place = line.regex(
  /^(?:[^$`"\\]|\$[A-Za-z_]|\$\{[A-Za-z_]\w*\})*$/,
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's syntax
  'may contain variables of the site, $NAME or ${NAME}, but no other $, no `, no " and no backslash',
);

/** A file or directory of the site that steps see: `SRC[:DST][:ro]`. */
const bind = line.superRefine((text, ctx) => {
  const read = parseBind(text);
  if (typeof read === 'string') ctx.addIssue({ code: 'custom', message: read });
});

const date = z.string().regex(/^\d{4}-\d{2}(-\d{2})?$/, 'must be a date, YYYY-MM or YYYY-MM-DD');

/** The source of HTCondor on a headnode and for the glide-ins' payload. */
export const htcondorSchema = z.discriminatedUnion('source', [
  z.strictObject({ source: z.literal('system') }),
  z.strictObject({
    source: z.literal('tarball'),
    /** https://… or an absolute local path. */
    from: line,
    sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits'),
  }),
  z.strictObject({ source: z.literal('module'), module: line }),
]);

/** The programs a headnode needs for REANA on Kubernetes. */
export const toolNames = ['minikube', 'kubectl', 'helm'] as const;
export type ToolName = (typeof toolNames)[number];

/** The source of one of them instead of its publisher: a URL that the headnode can reach, or a file on it. */
const toolSchema = z.strictObject({
  from: line.refine(from => /^https?:\/\/[^\s/]+|^\//.test(from), 'must be a URL or an absolute path on the headnode'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits'),
});
export type ToolSource = z.output<typeof toolSchema>;

const gpuType = z.string().regex(GPU_TYPE, 'must be one word, such as a100');

/** `2` or `2:a100`, as after --gpus. */
const gpus = z.coerce.string().transform((value, ctx) => {
  const wanted = parseGpus(value);
  if (wanted) return wanted;
  ctx.addIssue({ code: 'custom', message: `"${value}" is not a number of GPUs; write 2, or 2:TYPE` });
  return z.NEVER;
});

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
export type HtcondorSource = z.output<typeof htcondorSchema>;

/** The keys of the user's own config.yaml. */
export const configSchema = z.strictObject({
  headnode: line.optional(),
  /** First port tried for the pool on a headnode; the next 99 follow. */
  port: z.int().min(1024).max(65435).optional(),
  htcondor: htcondorSchema.optional(),
  /**
   * Whether requests of compute nodes are carried out behind a fence on the headnode, where only the files of their jobs
   * exist.
   */
  fence: z.enum(['auto', 'required', 'off']).optional(),
  tools: z
    .strictObject({ minikube: toolSchema.optional(), kubectl: toolSchema.optional(), helm: toolSchema.optional() })
    .optional(),
  reana: z
    .strictObject({
      flavour: z.enum(['edge', 'upstream']).optional(),
      kubernetes: line
        .refine(text => /^(minikube|context:\S+)$/.test(text), 'must be minikube or context:NAME')
        .optional(),
      /** The container engine for minikube. */
      engine: z.enum(['docker', 'podman']).optional(),
      /** The cores of minikube's node. */
      cores: count.optional(),
      memory: memory.optional(),
      /** The job controller's image in a registry. */
      image: line.optional(),
      chart: toolSchema.partial({ sha256: true }).optional(),
      /** Helm values that take precedence over scailfin's. */
      values: z.record(line, z.unknown()).optional(),
      /** The administrator's e-mail address, with which the user signs in to REANA's page. */
      email: line.optional(),
    })
    .optional(),
  idleTimeout: duration.optional(),
  queueTime: duration.optional(),
  /** URLs that `sites check` tries to reach from a site. */
  probeUrls: z
    .array(line.refine(url => /^https?:\/\/[^\s/]+/.test(url), 'must be a URL, such as https://github.com'))
    .optional(),
  sites: z
    .record(
      line,
      z.strictObject({
        user: line.optional(),
        account: line.optional(),
        queue: line.optional(),
        headnode: line.optional(),
        relay: z.boolean().optional(),
        nodes: count.optional(),
        nodesPerJob: count.optional(),
        maxNodeHours: z.number().positive().optional(),
        gpus: gpus.optional(),
        directives: z.array(line).optional(),
        walltime: duration.optional(),
        /** In addition to those of the profile. */
        binds: z.array(bind).optional(),
      }),
    )
    .default({}),
});
export type Config = z.output<typeof configSchema>;
