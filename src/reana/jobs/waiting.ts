import { formatMemory } from '../../units.js';
import { needsOf } from './description.js';
import type { Ledger } from './ledger.js';
import type { JobQueue, Room } from './queue.js';
import type { StepRecord } from './record.js';

/** How long a step waits before a reason is given, because glide-ins come and go. */
const PATIENCE_MS = 10_000;
/** The beginning of such a reason, by which a later service recognises it. */
const SAID = 'no glide-in ';

/** Gives reasons for steps that wait for resources which the pool does not have. */
export class Waiting {
  #looking: Promise<void> | undefined;

  constructor(
    private readonly ledger: Ledger,
    private readonly queue: JobQueue,
  ) {}

  /** Asks the pool, if a step waits; if it can't be asked now, it is asked the next time. */
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
    const ids = [...this.ledger.steps.queued.values()].filter(s => waits(s) && s.created < before).map(s => s.id);
    if (ids.length === 0) return;
    const rooms = await this.queue.rooms();
    const why = misfits(rooms);
    // together, so that they are written together
    await Promise.all(
      ids.map(async id => {
        const step = this.ledger.get(id);
        // it may have started meanwhile
        if (!step || !waits(step)) return;
        const reason = why(needsOf(step.request));
        if (reason !== step.reason) await this.ledger.change(id, { reason });
      }),
    );
  }
}

const waits = ({ state, job, stopping, reason }: StepRecord): boolean =>
  state === 'queued' && job !== undefined && !stopping && (reason === undefined || reason.startsWith(SAID));

const kinds = [
  { key: 'cores', show: (n: number) => `${n} core${n === 1 ? '' : 's'}` },
  { key: 'memory', show: (n: number) => `${formatMemory(n)} of memory` },
  { key: 'disk', show: (n: number) => `${formatMemory(Math.ceil(n / 1024))} of disk` },
] as const;

/** As `misfit`, worked out once for all steps that need the same. */
function misfits(rooms: readonly Room[]): (needs: Room) => string | undefined {
  const known = new Map<string, string | undefined>();
  return needs => {
    const key = kinds.map(kind => needs[kind.key]).join(' ');
    if (!known.has(key)) known.set(key, misfit(needs, rooms));
    return known.get(key);
  };
}

/** Why no glide-in could run a step, even without other jobs. @returns undefined if one could and is only busy */
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
