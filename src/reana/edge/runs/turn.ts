import type { RunRecord } from './record.js';

type Run = Pick<RunRecord, 'id' | 'owner' | 'queued'>;

/**
 * The run that may begin next. Whoever has the fewest active runs comes first, and then the order in which they came. As
 * long as anybody else has runs, nobody takes more than half of the room, so that a new one finds some.
 * @param limit how many may be active at a time
 */
export function nextInTurn<R extends Run>(waiting: readonly R[], active: readonly Run[], limit: number): R | undefined {
  if (active.length >= limit) return undefined;
  const count = (owner: string): number => active.filter(run => run.owner === owner).length;
  const owners = new Set([...waiting, ...active].map(run => run.owner));
  const most = owners.size > 1 ? Math.ceil(limit / 2) : limit;
  return waiting
    .filter(run => count(run.owner) < most)
    .sort((a, b) => count(a.owner) - count(b.owner) || (a.queued ?? 0) - (b.queued ?? 0))[0];
}
