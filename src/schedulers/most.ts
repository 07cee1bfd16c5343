import { SchedulerError } from '../errors.js';

/**
 * More jobs than any user has: by default arrays have at most 75 000 tasks on Grid Engine and 1001 on Slurm. A few bytes
 * can name a million tasks (`17_[0-999999]`), so the number of jobs in an answer must be limited, too.
 */
export const mostJobs = 200_000;

/**
 * The items, if there are not too many. @throws SchedulerError for too many, because jobs that would be left out are
 * unknown
 */
export function* bounded<T>(system: string, items: Iterable<T>): Generator<T> {
  let told = 0;
  for (const item of items) {
    told += 1;
    if (told > mostJobs)
      throw new SchedulerError(`${system} listed more than ${mostJobs} jobs of this cluster, which can't be right`);
    yield item;
  }
}

/** The jobs for which each item stands, one after the other. */
export function* every<T, U>(items: Iterable<T>, of: (item: T) => Iterable<U>): Generator<U> {
  for (const item of items) yield* of(item);
}

/**
 * The numbers in a list, each once: `1-7:2,9` → 1, 3, 5, 7, 9.
 * @returns undefined for text that is not a list, or for a list of more than `mostJobs` numbers, which are counted before
 * any is made
 */
export function taskNumbers(text: string): number[] | undefined {
  const ranges: [first: number, last: number, step: number][] = [];
  let told = 0;
  for (const part of text.split(',')) {
    const [, from, to, step] = /^(\d+)(?:-(\d+)(?::(\d+))?)?$/.exec(part) ?? [];
    const [first, last, by] = [Number(from), Number(to ?? from), Number(step ?? 1)];
    if (!Number.isSafeInteger(last) || last < first || !(by >= 1)) return undefined;
    told += Math.floor((last - first) / by) + 1;
    if (told > mostJobs) return undefined;
    ranges.push([first, last, by]);
  }
  const numbers = new Set<number>();
  for (const [first, last, by] of ranges) for (let n = first; n <= last; n += by) numbers.add(n);
  return [...numbers];
}
