import { SchedulerError } from '../errors.js';

/**
 * More jobs than anybody has: arrays are of 75 000 tasks at most on Grid Engine and of 1001 on Slurm unless a site changed
 * that. A few bytes name a million tasks (`17_[0-999999]`), so that what an answer stands for must be counted, too.
 */
export const mostJobs = 200_000;

/** The items, as long as they are not too many. @throws SchedulerError: what an answer of so many leaves out is unknown */
export function* bounded<T>(system: string, items: Iterable<T>): Generator<T> {
  let told = 0;
  for (const item of items) {
    told += 1;
    if (told > mostJobs)
      throw new SchedulerError(`${system} told of more than ${mostJobs} jobs of ours, which is no answer`);
    yield item;
  }
}

/** What each of them stands for, one after the other. */
export function* every<T, U>(items: Iterable<T>, of: (item: T) => Iterable<U>): Generator<U> {
  for (const item of items) yield* of(item);
}

/**
 * The numbers that a list names, each once: `1-7:2,9` → 1, 3, 5, 7, 9.
 * @returns undefined for what is no list, or one of more than `mostJobs`; counted before any is made
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
