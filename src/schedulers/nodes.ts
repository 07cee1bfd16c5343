/**
 * The one place that says how many nodes a batch job has. The templates in templates/batch ask for one node, and the
 * node brings one glide-in into the pool. All other code asks here or in the record of the submission, and is also right
 * for a job of several nodes.
 */

/** Nodes of each batch job that is submitted now. */
export const NODES_PER_JOB: number = 1;

/** Nodes of each batch job of a recorded submission; old records do not contain this, and then it is one. */
export const nodesOfEach = (submission: { readonly nodes?: number } | undefined): number => submission?.nodes ?? 1;

/** How many batch jobs are needed for at least `nodes` nodes. */
export const jobsFor = (nodes: number): number => Math.ceil(nodes / NODES_PER_JOB);

/** How many nodes `jobs` batch jobs bring. */
export const nodesIn = (jobs: number): number => jobs * NODES_PER_JOB;
