import { setTimeout as sleep } from 'node:timers/promises';
import { Load, type LoadOptions } from '../cluster/helpers/load.js';
import { cluster, lease } from './ground.js';
import type { Random } from './random.js';
import { countReruns, none, type Tally } from './tally.js';
import { insist, type Work } from './work.js';

/**
 * A job of a batch may take so long, whatever happens to it. One whose node died without a word waits for the end of its lease,
 * which each schedd that is started again begins anew.
 */
const patienceMs = 12 * 60_000;

/** Bare jobs of the pool, batch after batch. */
export class Jobs {
  readonly tally: Tally = none();

  constructor(private readonly work: Work) {}

  async keepOn(random: Random): Promise<void> {
    while (!this.work.isOver)
      await this.batch({
        ...{ count: random.whole(2, 4), seconds: random.whole(2, 20), bytes: 10 ** random.whole(3, 6) },
      }).catch(error => this.work.problem(`a batch of jobs: ${error}`));
  }

  /** @param onQueued told its jobs' log when they wait */
  async batch(options: LoadOptions, onQueued: (load: Load) => void = () => {}): Promise<void> {
    const { lab } = this.work.ground;
    const load = await Load.prepare(lab, { ...options, lease });
    // a schedd that dies may have taken them, all or none
    const isIn = async (): Promise<true | undefined> =>
      (await load.log().catch(() => '')).includes('000 (') ? true : undefined;
    const queued = await insist(20, async attempt => {
      if (attempt > 0 && (await isIn())) return true;
      await load.queue(cluster);
      return true as const;
    });
    if (!queued) {
      this.work.problem('jobs could not be submitted within a minute');
      await load.remove();
      return;
    }
    onQueued(load);
    const end = performance.now() + patienceMs;
    for (let before = 0; performance.now() < end; ) {
      const { done } = await load.events();
      if (done > before) this.work.pulse.beat();
      before = done;
      if (done >= options.count) break;
      await sleep(1500);
    }
    await this.count(load, options.count);
  }

  private async count(load: Load, count: number): Promise<void> {
    const { tally, work } = this;
    const [{ wrong }, log, moments] = await Promise.all([load.outcome(), load.log(), load.moments()]);
    const ends = [...log.matchAll(/^005 \(\d+\.(\d+)\./gm)].map(m => Number(m[1]));
    let isWell = true;
    for (let job = 0; job < count; job++) {
      const times = ends.filter(n => n === job).length;
      if (times === 0) tally.missing++;
      else tally.done++;
      if (times > 1) tally.doubled++;
      if (times > 0 && wrong.includes(job)) tally.wrong++;
      if (times > 0 && !wrong.includes(job)) tally.right++;
      // a schedd that is killed between the log and its queue tells the same end once more; whether it ran twice is seen below
      isWell &&= times > 0 && !wrong.includes(job);
    }
    const begins = moments.filter(m => m.what === 'began').map(m => ({ ...m, id: `job ${load.name}.${m.job}` }));
    for (const note of countReruns(begins, work.deaths, tally)) work.note(note);
    if (isWell) return load.remove();
    work.problem(`jobs of ${load.name} did not end well; their log:\n${log.slice(-6000)}`);
  }
}
