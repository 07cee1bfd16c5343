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
 * @throws UsageError if jobs of several nodes are asked for and can't be had
 */
export function jobSize(
  { nodesPerJob, submit }: { readonly nodesPerJob?: number | undefined; readonly submit?: string | undefined },
  own: number | undefined,
  { scheduler, queues }: SiteProfile,
  queue: string | undefined,
  nodes: number,
): number {
  const problem =
    submit === 'bosco'
      ? {
          why: 'with --submit bosco, the headnode submits jobs of one node, as single jobs wait',
          hint: 'leave out --nodes-per-job, or submit directly: --submit direct',
        }
      : schedulerFor(scheduler.type).severalNodesProblem?.(scheduler.nodesEnvironment);
  const asked = nodesPerJob ?? own;
  if (asked !== undefined && asked > 1 && problem)
    throw new UsageError(`--nodes-per-job ${asked}: ${problem.why}`, { hint: problem.hint });
  if (asked !== undefined || problem) return asked ?? 1;
  return usualNodesPerJob(nodes, queue === undefined ? undefined : queues[queue]);
}

/**
 * The user's own options for the batch system, checked as those of a profile are.
 * @throws UsageError naming each option that must not be given
 */
export function checkDirectives(directives: readonly string[], { scheduler, name }: SiteProfile): readonly string[] {
  const { directiveProblem } = schedulerFor(scheduler.type);
  const problems = directives.flatMap(text => {
    const why = directiveProblem(text);
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
  if (asked && schedulerFor(scheduler.type).isThisMachine)
    throw new UsageError('this machine gives its GPUs to nobody in particular', { hint: 'leave out --gpus' });
  const { gpuForm } = scheduler;
  // what could not be written is found before anything is touched
  gpuWords({ gpusPerNode: gpus, gpuType: type, gpuForm, nodes }, schedulerFor(scheduler.type).gpuForm);
  return {
    gpus,
    ...(asked === undefined ? {} : { ownGpus: true }),
    ...(type === undefined ? {} : { gpuType: type }),
  };
}
