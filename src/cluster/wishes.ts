import { UsageError } from '../errors.js';
import { directiveLine } from '../schedulers/directives.js';
import { gpuWords } from '../schedulers/gpus.js';
import { schedulerFor } from '../schedulers/registry.js';
import { usualNodesPerJob } from '../sites/jobsize.js';
import type { QueueLimits, SiteProfile } from '../sites/schema.js';

/** GPUs of each node as they are asked for: `--gpus 2:a100`. */
export interface GpuWish {
  readonly count: number;
  readonly type?: string | undefined;
}

/** GPUs of each node as they are planned. */
export interface GpusOfNode {
  readonly gpus: number;
  /** The user asked for this number: it replaces what the profile's directives ask for. */
  readonly ownGpus?: true;
  readonly gpuType?: string;
}

/**
 * How many nodes each job gets.
 * @param own what config.yaml says, for a command line that does not
 * @param nodes how many nodes are asked for
 * @throws UsageError if jobs of several nodes are asked for where jobs have one
 */
export function jobSize(
  { nodesPerJob, submit }: { readonly nodesPerJob?: number | undefined; readonly submit?: string | undefined },
  own: number | undefined,
  { scheduler, queues }: SiteProfile,
  queue: string | undefined,
  nodes: number,
): number {
  const problem = oneNodeOnly(submit, scheduler);
  const asked = nodesPerJob ?? own;
  if (asked !== undefined && asked > 1 && problem)
    throw new UsageError(`--nodes-per-job ${asked}: ${problem}`, { hint: 'give --nodes-per-job 1' });
  if (asked !== undefined || problem) return asked ?? 1;
  return usualNodesPerJob(nodes, queue === undefined ? undefined : queues[queue]);
}

/** Why jobs have one node, as a sentence; undefined if they may have several. */
function oneNodeOnly(submit: string | undefined, scheduler: SiteProfile['scheduler']): string | undefined {
  if (submit === 'bosco') return 'with --submit bosco, the headnode submits jobs of one node, as single jobs wait';
  const { severalNodes } = schedulerFor(scheduler.type);
  if (severalNodes === undefined) return `with the scheduler ${scheduler.type}, each job has one node`;
  if (severalNodes === true || scheduler[severalNodes] !== undefined) return undefined;
  return `jobs of several nodes need the key scheduler.${severalNodes} in the site's profile, see sites/README.md`;
}

/**
 * The user's own options for the batch system, checked as those of a profile are.
 * @throws UsageError naming each option that must not be given
 */
export function checkDirectives(directives: readonly string[], { scheduler, name }: SiteProfile): readonly string[] {
  const { directiveProblem, clustersIn } = schedulerFor(scheduler.type);
  const problems = directives.flatMap(text => {
    // jobs are looked for where the profile says
    const elsewhere = clustersIn?.([text])[0];
    const why =
      directiveProblem(text) ??
      (elsewhere === undefined ? undefined : 'names a cluster; name it with scheduler.cluster in the profile');
    return why === undefined ? [] : [`--directive ${JSON.stringify(text)} ${why}`];
  });
  if (problems.length > 0) throw new UsageError(problems.join('\n'), { hint: `scailfin sites show ${name}` });
  return directives.map(text => directiveLine(text));
}

/**
 * The GPUs of each node: those that are asked for, or those that the queue's nodes have.
 * @param nodes of each job
 * @throws UsageError if jobs can't ask for GPUs, or not for this type
 */
export function gpusOf(
  { scheduler, node, name }: SiteProfile,
  queue: QueueLimits | undefined,
  asked: GpuWish | undefined,
  nodes: number,
): GpusOfNode {
  const there = queue?.gpus ?? node.gpus ?? 0;
  const gpus = asked?.count ?? there;
  const type = asked?.type ?? (gpus > 0 ? queue?.gpuType : undefined);
  if (asked && !scheduler.gpus && (asked.type !== undefined || asked.count !== there))
    throw new UsageError(`GPUs come with the nodes at ${name}, and jobs can't ask for them`, {
      hint: `leave out --gpus, and choose a queue with GPUs: scailfin sites show ${name}`,
    });
  const form = scheduler.gpuForm ?? schedulerFor(scheduler.type).gpuForm;
  if (form === undefined && asked && asked.count > 0)
    throw new UsageError(`it is not known how jobs ask for GPUs at ${name}`, {
      hint: 'leave out --gpus, or add scheduler.gpuForm to the profile',
    });
  // what can't be written is found before anything is touched
  if (form !== undefined) gpuWords({ gpusPerNode: gpus, gpuType: type, gpuForm: form, nodes }, form);
  return {
    gpus,
    ...(asked === undefined ? {} : { ownGpus: true }),
    ...(type === undefined ? {} : { gpuType: type }),
  };
}
