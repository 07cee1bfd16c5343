import type { BatchJobState } from '../job.js';
import { exitStatus, type Interpret, waitingReason } from '../pbs-family/status.js';

/** qstat(1) "-f"; C lasts as long as the server's keep_completed, which may be 0. */
export const STATES: Record<string, BatchJobState> = {
  Q: 'queued',
  W: 'queued',
  T: 'queued',
  H: 'held',
  S: 'held',
  R: 'running',
  E: 'completing',
  C: 'finished',
};

/** The exit statuses of jobs that Torque itself ended. */
const ENDED: Record<string, string> = { '-10': 'memory limit', '-11': 'walltime limit', '-12': 'CPU time limit' };

export const interpret: Interpret = (attributes, native) => {
  const base = STATES[attributes.get('job_state')?.trim() ?? ''] ?? 'unknown';
  if (base !== 'finished') {
    const reason = base === 'running' || base === 'completing' ? undefined : waitingReason(attributes, base);
    return { state: base, ...(reason ? { reason } : {}) };
  }
  const raw = attributes.get('exit_status')?.trim();
  const exitCode = exitStatus(raw);
  // neither a table nor an array as a whole has an exit status
  if (exitCode === undefined && (attributes.size <= 2 || native?.includes('[]'))) return { state: base };
  // qdel ends a job with TERM; a job that never began has no status
  const state = exitCode === 0 ? 'finished' : exitCode === undefined || raw === '271' ? 'cancelled' : 'failed';
  const reason = ENDED[raw ?? ''] ?? (state === 'finished' ? undefined : waitingReason(attributes, base));
  return { state, ...(exitCode === undefined ? {} : { exitCode }), ...(reason ? { reason } : {}) };
};
