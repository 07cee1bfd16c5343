import { formatMemory } from '../../units.js';
import { needsOf } from './description.js';
import type { Ledger } from './ledger.js';
import type { JobQueue, Room } from './queue.js';
import type { StepRecord } from './record.js';

/** Before anything is said of a step that waits: glide-ins come and go. */
const PATIENCE_MS = 10_000;
/** By which such a reason is known again, also by a service after this one. */
const SAID = 'no glide-in ';

/** Tells of steps which wait for what the pool has not. */
export class Waiting {
  #looking: Promise<void> | undefined;

  constructor(
    private readonly ledger: Ledger,
    private readonly queue: JobQueue,
  ) {}

  /** Asks the pool, if anybody waits; what can't be asked now is asked the next time. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch(() => {})
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const before = Date.now() - PATIENCE_MS;
    const ids = [...this.ledger.steps.values()].filter(s => waits(s) && s.created < before).map(s => s.id);
    if (ids.length === 0) return;
    const rooms = await this.queue.rooms();
    for (const id of ids) {
      const step = this.ledger.get(id);
      // it may have begun meanwhile
      if (!step || !waits(step)) continue;
      const reason = misfit(needsOf(step.request), rooms);
      if (reason !== step.reason) await this.ledger.change(id, { reason });
    }
  }
}

const waits = ({ state, job, stopping, reason }: StepRecord): boolean =>
  state === 'queued' && job !== undefined && !stopping && (reason === undefined || reason.startsWith(SAID));

const kinds = [
  { key: 'cores', show: (n: number) => `${n} core${n === 1 ? '' : 's'}` },
  { key: 'memory', show: (n: number) => `${formatMemory(n)} of memory` },
  { key: 'disk', show: (n: number) => `${formatMemory(Math.ceil(n / 1024))} of disk` },
] as const;

/** Why no glide-in could run a step, even if it ran nothing else. @returns undefined where one could: it is only busy */
export function misfit(needs: Room, rooms: readonly Room[]): string | undefined {
  if (rooms.length === 0) return `${SAID}is in the pool now`;
  if (rooms.some(room => kinds.every(({ key }) => room[key] >= needs[key]))) return undefined;
  const lacking = kinds.filter(({ key }) => rooms.every(room => room[key] < needs[key]));
  const short = lacking.map(({ key, show }) => {
    const most = Math.max(...rooms.map(room => room[key]));
    return `${show(needs[key])} (the largest has ${show(most).replace(/ of \w+$/, '')})`;
  });
  if (short.length > 0) return `${SAID}has ${short.join(', nor ')}`;
  return `${SAID}has ${kinds.map(({ key, show }) => show(needs[key])).join(', ')} together`;
}
