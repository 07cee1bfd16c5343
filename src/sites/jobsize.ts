import { jobsFor } from '../schedulers/nodes.js';
import type { QueueLimits } from './schema.js';

/**
 * How many nodes each job gets if the user does not say it: what the profile says for the queue; otherwise one, as long as
 * the queue takes so many jobs of one node; otherwise the fewest jobs that fit, all of the same size.
 * @param nodes how many are asked for. If the queue's smallest job is larger, the request must be refused: nobody shall be
 *   charged for more without having asked for it
 */
export function usualNodesPerJob(nodes: number, queue: QueueLimits | undefined): number {
  const smallest = queue?.minNodes ?? 1;
  if (nodes < smallest) return nodes;
  if (queue?.nodesPerJob !== undefined) return Math.min(queue.nodesPerJob, nodes);
  if (smallest === 1 && nodes <= (queue?.jobs ?? nodes)) return 1;
  const largest = Math.max(smallest, queue?.nodes ?? nodes);
  return Math.max(smallest, jobsFor(nodes, jobsFor(nodes, largest)));
}
