import type { BatchJob, Launcher } from './job.js';

/** What a job script has around the glide-in's command; both are shell text, and empty if nothing is needed. */
export interface Start {
  /** Before it: starts it on each node of the job. */
  readonly start: string;
  /** After it. */
  readonly nodeArguments: string;
}

/**
 * How a job script starts the glide-in on each node of its job: by the launcher that the site's profile names, otherwise
 * in the batch system's own way. A job of one node needs neither.
 * @param own the batch system's own way to several nodes
 */
export function starting(job: BatchJob, own: string): Start {
  const { launcher, nodes } = job;
  if (launcher !== 'none') return { start: launched[launcher](nodes), nodeArguments: nodeArguments(nodes) };
  return { start: nodes === 1 ? '' : own, nodeArguments: nodeArguments(nodes) };
}

/**
 * What templates/glidein/node.sh can't learn on its node. Not every starter passes variables on, and some pass the words
 * through another shell, so an empty value is written as a hyphen. The last word is the same on all nodes of a run of the
 * job, and another one if the batch system runs the job again under its id.
 */
const nodeArguments = (nodes: number): string =>
  nodes === 1 ? '' : `"$SCAILFIN_JOB" ${nodes} "\${SCAILFIN_CORES:--}" "\${SCAILFIN_MEMORY:--}" "$(date +%s).$$" `;

// biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's syntax
const CORES = '"${SCAILFIN_CORES:-1}"';

/**
 * A glide-in that ends must not end the others of its job. So srun does not end a step when one of its tasks fails
 * (--kill-on-bad-exit=0), ends (--wait=0 is no limit), or loses its node (--no-kill): srun(1). mpiexec and ibrun have no
 * such options; they start one glide-in on each node because the job has one task there. aprun(1): -n copies, -N copies
 * on each node, -d cores of each; -b leaves the program where it is.
 */
const launched: Record<Exclude<Launcher, 'none'>, (nodes: number) => string> = {
  srun: nodes => (nodes === 1 ? `srun --ntasks=1 --cpus-per-task=${CORES}` : srunOnEach(nodes)),
  mpiexec: nodes => `mpiexec -n ${nodes}`,
  ibrun: nodes => (nodes === 1 ? 'ibrun -n 1' : 'ibrun'),
  aprun: nodes => `aprun -b -n ${nodes} ${nodes === 1 ? '' : '-N 1 '}-d ${CORES} --`,
};

/** Slurm's own way to several nodes. */
export const srunOnEach = (nodes: number): string =>
  `srun --nodes=${nodes} --ntasks=${nodes} --ntasks-per-node=1 --cpus-per-task=${CORES} ` +
  '--kill-on-bad-exit=0 --wait=0 --no-kill';
