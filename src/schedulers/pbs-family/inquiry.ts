import type { BatchJobStatus, Inquiry, Output } from '../job.js';
import { answered } from './words.js';

/**
 * The answer to `qstat ID…`, which names each id that the server does not know. Every id is asked for as a job and as an
 * array, of which the server knows one at most.
 * @param read the jobs in a complete answer; undefined for an incomplete one
 */
export function inquired(
  system: string,
  out: Output | undefined,
  ids: readonly string[],
  read: (stdout: string) => BatchJobStatus[] | undefined,
): Inquiry {
  try {
    answered(system, 'qstat', out);
  } catch {
    return { jobs: [], denied: [] };
  }
  const jobs = read(out.stdout) ?? [];
  const isDenied = (id: string): boolean =>
    !jobs.some(s => s.jobId === id) &&
    new RegExp(`Unknown Job ?Id (?:Error )?${id}(?:\\.|\\s|$)`, 'im').test(out.stderr);
  return { jobs, denied: ids.filter(id => /^\d+$/.test(id) && isDenied(id)) };
}
