import type { JobEvent } from '../../htcondor/userlog.js';
import { type Change, isInPool, type StepRecord } from './record.js';

/** A step that has lost its node this often is not started again. */
export const MAX_ATTEMPTS = 3;

/**
 * What an event of its job means for a step.
 * @returns the changes; undefined: none. If the step is over while its job is still in the queue, the job is to be
 * removed from the pool
 */
export function changeBy(event: JobEvent, step: StepRecord, maxAttempts = attemptsOf(step)): Change | undefined {
  if (!isInPool(step)) return undefined;
  switch (event.kind) {
    case 'submitted':
      return step.job === event.job ? undefined : { job: event.job };
    case 'executing':
      return {
        ...{ state: 'running', attempts: step.attempts + 1, started: event.at },
        ...{ node: event.node ?? step.node, reason: undefined },
      };
    case 'disconnected':
      return { reason: `its node ${nameOf(step)}does not answer; it is waited for` };
    case 'reconnected':
      return { reason: undefined };
    case 'evicted':
    case 'shadowException':
    case 'reconnectFailed':
      return lost(event, step, maxAttempts);
    case 'held':
      return { state: 'failed', ended: event.at, reason: `HTCondor held it: ${event.reason || 'no reason given'}` };
    case 'aborted':
      if (step.stopping) return { state: 'stopped', ended: event.at, reason: 'stopped' };
      return { state: 'failed', ended: event.at, reason: `it was removed from the pool: ${event.reason}` };
    case 'terminated':
      return { ending: { exitCode: event.exitCode, signal: event.signal, at: event.at } };
    default:
      return undefined;
  }
}

/**
 * A session that lost its node would begin with the files of its first beginning, and replace what it has saved since: it is
 * for its user to open it again.
 */
const attemptsOf = ({ request }: StepRecord): number => (request.isSession ? 1 : MAX_ATTEMPTS);

/** HTCondor starts it again elsewhere; several events may report the same loss. */
function lost(event: JobEvent & { reason: string }, step: StepRecord, maxAttempts: number): Change | undefined {
  const neverRan = step.state === 'queued' && event.kind === 'shadowException';
  if (step.state === 'queued' && !neverRan) return undefined;
  const attempts = step.attempts + (neverRan ? 1 : 0);
  const why = `its node ${nameOf(step)}was lost${event.reason ? `: ${event.reason.replace(/[.]$/, '')}` : ''}`;
  // a step that is being stopped is not started again
  if (attempts < maxAttempts || step.stopping) return { state: 'queued', attempts, reason: `${why}; it runs again` };
  return {
    state: 'failed',
    attempts,
    ended: event.at,
    reason: attempts > 1 ? `${why}, for the ${ordinal(attempts)} time` : why,
  };
}

const nameOf = (step: StepRecord): string => (step.node ? `${step.node} ` : '');

const ordinal = (n: number): string => `${n}${n === 1 ? 'st' : n === 2 ? 'nd' : n === 3 ? 'rd' : 'th'}`;
