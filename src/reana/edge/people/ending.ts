import { messageOf } from '../../../errors.js';
import { isRunOver } from '../../run.js';
import type { Parts } from '../routes/parts.js';
import type { RunRecord } from '../runs/record.js';

/**
 * Stops the runs of somebody whose access has ended, unless they were to go on; their records and files stay, for the
 * cluster's owner.
 * @param runs among which theirs are @returns how many were active
 */
export async function endRuns(
  { book, people, runner, sessions }: Pick<Parts, 'book' | 'people' | 'runner' | 'sessions'>,
  id: string,
  runs: readonly RunRecord[],
): Promise<number> {
  // nobody could use them any more; also those of runs that are over
  if (!people.byId(id)) void sessions.endAll(runs.filter(run => run.owner === id)).catch(() => {});
  if (people.mayRun(id)) return 0;
  const active = runs.filter(run => run.owner === id && run.status !== 'created' && !isRunOver(run.status));
  for (const run of active) {
    await book.change(run.id, { status: 'stopped', stopped: Date.now() });
    // the stop is recorded, so it will happen in any case; the pool may take a while
    void runner.stop(run.id).catch(error => runner.log(run.id, `while it was stopped: ${messageOf(error)}`));
  }
  return active.length;
}
