/** How many nodes batch jobs have. Each node of a job brings one glide-in into the pool. */

/** Nodes of each batch job of a recorded submission; old records do not contain this, and then it is one. */
export const nodesOfEach = (submission: { readonly nodes?: number } | undefined): number => submission?.nodes ?? 1;

/** Nodes of each job that the headnode itself submits: it follows single jobs that wait, so it asks for single nodes. */
export const GROWN_NODES = 1;

/** How many batch jobs of `perJob` nodes are needed for at least `nodes` nodes. */
export const jobsFor = (nodes: number, perJob: number): number => Math.ceil(nodes / perJob);

/** How many nodes `jobs` batch jobs of `perJob` nodes bring. */
export const nodesIn = (jobs: number, perJob: number): number => jobs * perJob;

/** The smallest number of nodes that is not below `nodes` and is made of whole jobs of `perJob` nodes. */
export const wholeJobs = (nodes: number, perJob: number): number => nodesIn(jobsFor(nodes, perJob), perJob);
