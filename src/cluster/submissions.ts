import type { Batch, SiteRecord } from './record.js';

/** Whether a batch job is one of an array's, or that job itself. */
export const isPartOf = (id: string, jobId: string): boolean =>
  id === jobId || [`${jobId}_`, `${jobId}[`, `${jobId}.`].some(start => id.startsWith(start)) || arrayOf(id) === jobId;

/** Torque and PBS write `12[3].server` for a part of `12[].server`. */
const arrayOf = (id: string): string => id.replace(/\[\d+\]/, '[]');

/** The submission by which a batch job came; what the headnode submits by itself is on record without ids. */
export function submissionOf(site: SiteRecord | undefined, id: string): Batch | undefined {
  const batch = site?.batches.find(b => b.jobIds.some(jobId => isPartOf(id, jobId)));
  return batch ?? site?.batches.find(b => b.jobIds.length === 0);
}
