import { setTimeout as sleep } from 'node:timers/promises';
import { verified } from '../cluster/helpers/cycle.js';
import { describeFault, type FaultKind, faultsOf, strike } from './faults.js';
import { Ground, type GroundName, languages } from './ground.js';
import { Jobs } from './jobs.js';
import { Pulse } from './pulse.js';
import { Random } from './random.js';
import { Runs } from './runs.js';
import { grows, Sizes, type Slope } from './sizes.js';
import type { Tally } from './tally.js';
import type { Work } from './work.js';

export interface Plan {
  readonly ground: GroundName;
  readonly seed: number;
  /** How long faults go on. */
  readonly seconds: number;
  /** Also workflows of other languages. */
  readonly hasLanguages: boolean;
  /** If given: these faults and no others. */
  readonly only?: readonly FaultKind[];
  /** The lab's name. */
  readonly lab: string;
}

/** What became of one ground. */
export interface Report {
  readonly ground: GroundName;
  readonly seed: number;
  readonly seconds: number;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly jobs: Tally;
  readonly steps: Tally;
  readonly runs: Tally;
  /** The longest time in which nothing ended. Seconds. */
  readonly stall: number;
  readonly slopes: readonly Slope[];
  /** `down` verified that nothing is left, and nothing was that it did not name. */
  readonly isGone: boolean;
  /** What is not as it must be. */
  readonly problems: readonly string[];
}

const lookMs = 10_000;

/** Lets a cluster work under faults, and takes it down. @param say told how it goes, a line each time */
export async function soak(plan: Plan, say: (line: string) => void): Promise<Report> {
  const random = new Random(plan.seed);
  const problems: string[] = [];
  const problem = (text: string): void => {
    problems.push(text);
    say(`NOT WELL ${text}`);
  };
  const ground = await Ground.open(plan.ground, plan.lab, plan.hasLanguages);
  try {
    const work: Work = { ground, isOver: false, pulse: new Pulse(), deaths: [], note: say, problem };
    const [jobs, runs, sizes] = [new Jobs(work), new Runs(work), new Sizes(ground)];
    const faults: Partial<Record<FaultKind, number>> = {};
    const began = performance.now();
    const age = (): number => Math.round((performance.now() - began) / 1000);
    const progress = (): string =>
      `${plan.ground} ${age()} s: ${jobs.tally.done} jobs, ${runs.tally.done} steps of ${runs.runs.done} runs, ${problems.length} problems`;
    const chosen = faultsOf(plan.ground, random.branch());
    const workers = [
      jobs.keepOn(random.branch()),
      runs.keepOn(random.branch(), ['serial']),
      runs.keepOn(random.branch(), plan.hasLanguages ? ['serial', ...languages] : ['serial']),
    ];
    const watching = (async () => {
      while (!work.isOver) {
        await sizes.look().catch(() => {});
        await sleep(lookMs);
      }
    })();

    while (age() < plan.seconds) {
      const fault = chosen.next().value;
      if (plan.only && !plan.only.includes(fault.kind)) continue;
      await sleep(fault.calm * 1000);
      if (age() >= plan.seconds) break;
      say(`${progress()}; ${describeFault(fault)}`);
      await strike(fault, work, jobs).catch(error => problem(`${fault.kind}: ${error}`));
      faults[fault.kind] = (faults[fault.kind] ?? 0) + 1;
    }
    say(`${progress()}; no more faults, waiting for all work to end`);
    work.isOver = true;
    // who lost all its glide-ins would wait for ever
    await ground.up().catch(error => problem(`up at the end: ${error}`));
    await Promise.all([...workers, watching]);
    const [slopes, seconds, stall] = [sizes.slopes(), age(), work.pulse.longest];
    for (const slope of slopes) if (grows(slope)) problem(`${slope.program} grows`);
    for (const { done, needless } of [jobs.tally, runs.tally])
      if (needless > Math.max(3, done / 10))
        problem(`${needless} of ${done} ran again although nothing of theirs had died`);
    const { said, left } = await ground.down();
    // a glide-in that was killed with its keeper leaves its directory, which `down` names
    const named = [...said.matchAll(/^ {2}- (\S+) on (\S+)$/gm)].map(([, dir, node]) => `${node}: file ${dir}`);
    const unnamed = left.filter(line => !named.some(name => line.startsWith(name)));
    const isGone =
      said.includes(named.length > 0 ? 'is down. Verified: no batch job' : verified) && unnamed.length === 0;
    if (!isGone) problem(`down said: ${said}\nleft: ${unnamed.join('\n')}`);
    const { jobs: j, steps, runs: r } = { jobs: jobs.tally, steps: runs.tally, runs: runs.runs };
    return { ...plan, seconds, faults, jobs: j, steps, runs: r, stall, slopes, isGone, problems };
  } finally {
    if (process.env.SCAILFIN_SOAK_STAY === undefined || problems.length === 0) await ground.lab.down();
  }
}
