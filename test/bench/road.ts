import type { Lab } from '../lab/lab.js';
import { type Contestant, contestants, type Outcome, warmUp } from './contestants.js';
import { median, ratio, seconds, table } from './report.js';

/** Cold: nothing is on the site. Warm: the payload is there already. */
export type Start = 'cold' | 'warm';

export interface Cycle {
  readonly start: Start;
  /** Whether `up` returns only when the glide-ins have joined. */
  readonly wait: boolean;
}

export interface Measured extends Outcome {
  readonly what: string;
  readonly who: Contestant['name'];
  /** Added round-trip time. */
  readonly delayMs: number;
}

/** One cluster's life, each verb timed. The kit must be prepared. */
async function live(lab: Lab, who: Contestant, { start, wait }: Cycle, delayMs: number): Promise<Measured[]> {
  const found: Measured[] = [];
  const measure = async (what: string, verb: () => Promise<Outcome>): Promise<void> => {
    found.push({ what, who: who.name, delayMs, ...(await verb()) });
  };
  if (start === 'warm') await warmUp(lab);
  await measure(`up${wait ? '' : ' --no-wait'}, ${start}`, () => who.up(lab, wait));
  if (wait) await measure('status', () => who.verb(lab, 'status'));
  await measure(`down${wait ? '' : ' at once'}`, () => who.verb(lab, 'down'));
  return found;
}

/** Every contestant lives every cycle, in turns. */
export async function measureRoad(
  lab: Lab,
  cycles: readonly Cycle[],
  plan: readonly { readonly delayMs: number; readonly rounds: number }[],
  say: (text: string) => void,
): Promise<Measured[]> {
  const found: Measured[] = [];
  for (const { delayMs, rounds } of plan) {
    await lab.delay(delayMs);
    for (let round = 0; round < rounds; round++) {
      for (const cycle of cycles) {
        const all = Object.values(contestants);
        // nobody is always the first
        for (const who of [...all.slice(round % all.length), ...all.slice(0, round % all.length)]) {
          const part = await live(lab, who, cycle, delayMs);
          found.push(...part);
          say(`+${delayMs} ms, ${who.name}: ${part.map(m => `${m.what} ${seconds(m.ms)}`).join(', ')}`);
        }
      }
    }
  }
  await lab.delay(0);
  return found;
}

export function describeRoad(measured: readonly Measured[]): string {
  const delays = [...new Set(measured.map(m => m.delayMs))];
  return delays.map(delay => describeDelay(measured.filter(m => m.delayMs === delay))).join('\n\n');
}

function describeDelay(measured: readonly Measured[]): string {
  const { scailfin, byHand, byHandShared } = contestants;
  const rows = [...new Set(measured.map(m => m.what))].map(what => {
    const of = (who: Contestant): Measured[] => measured.filter(m => m.what === what && m.who === who.name);
    const time = (who: Contestant): number => median(of(who).map(m => m.ms));
    const trips = (who: Contestant): string => {
      const known = of(who).flatMap(m => m.trips ?? []);
      return known.length > 0 ? `${median(known)}` : '-';
    };
    const [ours, theirs, shared] = [time(scailfin), time(byHand), time(byHandShared)];
    return [
      ...[what, seconds(ours), trips(scailfin), seconds(theirs), trips(byHand), ratio(ours, theirs)],
      ...[seconds(shared), ratio(ours, shared)],
    ];
  });
  const heads = ['', 'scailfin', 'trips', 'by hand', 'trips', 'ratio', 'by hand, shared', 'ratio'];
  return `The road, +${measured[0]?.delayMs} ms round-trip time\n${table([heads, ...rows])}`;
}
