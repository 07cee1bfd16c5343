import type { BatchJobState } from '../job.js';
import { exitStatus, type Interpret, waitingReason } from '../pbs-family/status.js';

/** qstat(1B) "Job states"; B and X are for arrays and their tasks. */
export const STATES: Record<string, BatchJobState> = {
  Q: 'queued',
  W: 'queued',
  T: 'queued',
  H: 'held',
  S: 'held',
  U: 'held',
  R: 'running',
  B: 'running',
  E: 'completing',
  X: 'finished',
  F: 'finished',
};

/** What PBS adds to the comment of a job that qdel ends. Until the job has ended, which may take 10 s, its state stays R. */
const TERMINATED = /\band terminated by\b/;

/** Substate of a job in the history that was deleted; 92 means that it ended well, 93 that it did not. */
const DELETED = '91';

/** The reasons for which PBS itself ends jobs, by their negative exit statuses. */
const ENDED: Record<string, string> = { '-27': 'memory limit', '-28': 'CPU time limit', '-29': 'walltime limit' };

export const interpret: Interpret = attributes => {
  const word = attributes.get('job_state') ?? '';
  const base = STATES[word] ?? 'unknown';
  const text = attributes.get('comment')?.trim();
  if (base === 'running' && text && TERMINATED.test(text)) return { state: 'completing', reason: text };
  if (base !== 'finished') {
    const reason = base === 'running' || base === 'completing' ? undefined : waitingReason(attributes, base);
    return { state: base, ...(reason ? { reason } : {}) };
  }
  const substate = attributes.get('substate');
  const raw = attributes.get('Exit_status')?.trim();
  const exitCode = exitStatus(raw);
  // a task that was deleted before it began
  if (word === 'X' && attributes.has('substate') && raw === undefined && !attributes.has('stime'))
    return { state: 'cancelled', ...(text ? { reason: text } : {}) };
  // the end of the comment is PBS's own text; `qstat -s` has only that, cut at 79 columns
  const told = /\band (fail|finish|terminat|exceed)/.exec(text ?? '')?.[1];
  let state: BatchJobState = 'finished';
  if (substate === DELETED || told === 'terminat') state = 'cancelled';
  else if (exitCode !== undefined ? exitCode !== 0 : substate === '93' || (told !== undefined && told !== 'finish'))
    state = 'failed';
  const reason = state === 'finished' ? undefined : (text ?? ENDED[raw ?? '']);
  return { state, ...(exitCode === undefined ? {} : { exitCode }), ...(reason ? { reason } : {}) };
};
