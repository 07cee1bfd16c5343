import type { Step } from '../jobs/step.js';

/** A sentence about why a run failed at this step. */
export function failure({ request: { name }, state, exitCode, reason }: Step): string {
  if (state === 'stopped') return `step ${name} was stopped${reason ? `: ${reason}` : ''}`;
  const how = exitCode === undefined ? 'failed' : `ended with status ${exitCode}`;
  return `step ${name} ${how}${reason ? `: ${reason}` : ''}`;
}
