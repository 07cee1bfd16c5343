import { type BatchJobStatus, ownId } from '../schedulers/job.js';
import { nodesOfEach } from '../schedulers/nodes.js';
import type { Batch, SiteRecord } from './record.js';

/**
 * Whether a batch job is part of an array, or that job itself. An id that a job itself reports contains no cluster of
 * Slurm.
 */
export const isPartOf = (id: string, jobId: string): boolean =>
  id.includes(';') ? id.endsWith(clusterOf(jobId)) && isTaskOf(ownId(id), ownId(jobId)) : isTaskOf(id, ownId(jobId));

/** `;c5` of Slurm's `17;c5` */
const clusterOf = (id: string): string => id.slice(ownId(id).length);

const isTaskOf = (id: string, jobId: string): boolean =>
  id === jobId || [`${jobId}_`, `${jobId}[`, `${jobId}.`].some(start => id.startsWith(start)) || arrayOf(id) === jobId;

/** Torque and PBS write `12[3].server` for a task of `12[].server`. */
const arrayOf = (id: string): string => id.replace(/\[\d+\]/, '[]');

/** The submission of a batch job; submissions by the headnode itself are recorded without ids. */
export function submissionOf(site: SiteRecord | undefined, id: string): Batch | undefined {
  const batch = site?.batches.find(b => b.jobIds.some(jobId => isPartOf(id, jobId)));
  return batch ?? site?.batches.find(b => b.jobIds.length === 0);
}

/**
 * How many nodes a batch job may have. The batch system does not show which tasks a missing array still has, so it counts as
 * a whole.
 */
export function nodesOf(site: SiteRecord | undefined, { id, missing }: BatchJobStatus): number {
  const batch = submissionOf(site, id);
  const tasks = missing && batch?.jobIds.includes(id) ? Math.ceil(batch.count / batch.jobIds.length) : 1;
  return tasks * nodesOfEach(batch);
}
