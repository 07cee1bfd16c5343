import { messageOf } from '../../src/errors.js';
import { chance } from './chance.js';
import { faults } from './faults.js';
import { Ground } from './ground.js';
import type { Kept } from './kept.js';
import type { Point } from './point.js';
import { record } from './record.js';
import { NAME, type Scenario } from './scenarios.js';
import { attempt, prepare, type Result, type Trial } from './trial.js';

export interface Wish {
  readonly seed: number;
  readonly isWanted: (fault: string, point: string) => boolean;
  /** For so long trials begin, once the points are known. */
  readonly seconds: number;
  /** No trial begins any more. */
  readonly signal?: AbortSignal;
  readonly labs: number;
  /** Also each trial's other ending. */
  readonly both: boolean;
  /** What is not to be tried again. */
  readonly kept?: Kept | undefined;
  readonly onPoints: (scenario: Scenario, points: readonly Point[]) => void;
  readonly onResult: (result: Result) => void;
}

/** All points of some scenarios, and what became of the trials at them. */
export async function campaign(scenarios: readonly Scenario[], wish: Wish): Promise<Result[]> {
  const results: Result[] = [];
  for (const options of new Set(scenarios.map(scenario => scenario.lab))) {
    const here = scenarios.filter(scenario => scenario.lab === options);
    let ground: Ground | undefined = await Ground.open(options ?? {});
    const trials: Trial[] = [];
    try {
      for (const scenario of here) {
        await prepare(ground, scenario);
        const points = await record(ground, scenario);
        wish.onPoints(scenario, points);
        trials.push(...trialsOf(scenario, points, wish));
        await ground.cli(['down', NAME]);
      }
    } catch (error) {
      await ground.close();
      throw error;
    }
    // the trial that comes first by lot is tried first, so that a part of them is a fair sample
    const queue = trials.sort((a, b) => lot(a, wish.seed) - lot(b, wish.seed));
    const end = Date.now() + wish.seconds * 1000;
    const work = async (): Promise<void> => {
      const own = ground ?? (await Ground.open(options ?? {}));
      ground = undefined;
      results.push(...(await tryAll(own, queue, end, wish)));
    };
    await Promise.all(Array.from({ length: Math.min(wish.labs, queue.length) || 1 }, work));
  }
  return results;
}

function trialsOf(scenario: Scenario, points: readonly Point[], { seed, isWanted, both, kept }: Wish): Trial[] {
  return points.flatMap(point =>
    faults.flatMap(fault => {
      const name = `${scenario.name} ${fault.name} ${point.key}`;
      if (!fault.applies(point) || !isWanted(fault.name, point.key)) return [];
      if (kept?.has({ scenario: scenario.name, point: point.key, fault: fault.name })) return [];
      const endings = chance(seed, name, 'ending') < 0.5 ? (['again', 'down'] as const) : (['down', 'again'] as const);
      return (both ? endings : endings.slice(0, 1)).map(ending => {
        return { scenario, point, fault, ending, chance: chance(seed, name, 'moment') };
      });
    }),
  );
}

const lot = ({ scenario, point, fault, ending }: Trial, seed: number): number =>
  chance(seed, scenario.name, point.key, fault.name, ending);

/** Takes one trial after the other from the queue. A lab on which something went wrong is not used again. */
async function tryAll(first: Ground, queue: Trial[], end: number, { signal, onResult }: Wish): Promise<Result[]> {
  let ground = first;
  const results: Result[] = [];
  try {
    for (
      let trial = queue.shift();
      trial !== undefined && !signal?.aborted;
      trial = Date.now() < end ? queue.shift() : undefined
    ) {
      const result = await attempt(ground, trial).catch((error): Result => failed(trial as Trial, error));
      results.push(result);
      onResult(result);
      if (result.wrong.length === 0) continue;
      await ground.close();
      ground = await Ground.open(trial.scenario.lab ?? {});
    }
  } finally {
    await ground.close();
  }
  return results;
}

const failed = ({ scenario, point, fault, ending }: Trial, error: unknown): Result => ({
  ...{ scenario: scenario.name, point: point.key, fault: fault.name, ending },
  ...{ ended: 'not reached', said: '', wrong: [`the trial itself failed: ${messageOf(error)}`], seconds: 0 },
});
