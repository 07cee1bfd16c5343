import type { Step } from '../jobs/step.js';

/** Why a run ended with this step, in one sentence. */
export function failure({ request: { name }, state, exitCode, reason }: Step): string {
  if (state === 'stopped') return `step ${name} was stopped${reason ? `: ${reason}` : ''}`;
  const how = exitCode === undefined ? 'failed' : `ended with status ${exitCode}`;
  return `step ${name} ${how}${reason ? `: ${reason}` : ''}`;
}
