/*
 * How the work of a parser grows with what it reads. Another machine chooses the text, so that a parser which needs the
 * square of its length is one that a megabyte stops for hours.
 *
 * A clock on a busy machine says little, so three things make the verdict sure. CPU time of this process is counted, the
 * best of several tries where it seems wrong. The bound is far from both sides: at 128 Ki characters a linear parser takes a few ms and a
 * quadratic one ten seconds, and one second lies between. And where there is enough to be measured at all, four
 * times the text may not take eight times as long: it is four for a linear parser and sixteen for a quadratic one.
 * Sizes grow step by step, so that a slow parser is found out before it takes for ever.
 */
import { isThorough } from './thorough.js';

const sizes = [2, 8, 32, 128].map(k => k * 1024);
const mostMs = 1_000;
const measurableMs = 15;
const mostGrowth = 8;
/**
 * What takes less than `ms` for `size` characters is linear beyond doubt, and need not be tried with more: a quadratic
 * parser takes 40 ms for 8 Ki characters, and a linear one a fraction of one.
 */
const sure = isThorough ? { size: 32 * 1024, ms: 8 } : { size: 8 * 1024, ms: 3 };

export interface Hostile {
  readonly name: string;
  /** About so many characters of it. */
  readonly make: (size: number) => string;
}

/**
 * Tries each of some readings of a text by itself: among many quick ones, a slow one would not be seen.
 * @returns what is wrong with how the work grows, a line for each reading that takes longer than its text is long
 */
export function tooSlow(reads: readonly ((text: string) => unknown)[], { name, make }: Hostile): string[] {
  const wrong: string[] = [];
  // each with the milliseconds that it took for a quarter of the text
  let open = reads.map(read => ({ read, before: 0 }));
  for (const size of sizes) {
    const text = make(size);
    open = open.flatMap(({ read, before }) => {
      const took = bestOf(read, text, ms => ms > mostMs || (before >= measurableMs && ms > mostGrowth * before));
      if (took.isWrong) {
        wrong.push(`${name}: ${took.ms} ms for ${size / 1024} Ki characters, ${before} ms for a quarter of them`);
        return [];
      }
      return size >= sure.size && took.ms < sure.ms ? [] : [{ read, before: took.ms }];
    });
    if (open.length === 0) break;
  }
  return wrong;
}

/** Only what seems wrong is tried again: somebody else may have had the caches. */
function bestOf(
  read: (text: string) => unknown,
  text: string,
  isWrong: (ms: number) => boolean,
): { readonly ms: number; readonly isWrong: boolean } {
  let ms = cpuMs(() => read(text));
  for (let n = 0; n < 2 && isWrong(ms) && ms < 2 * mostMs; n++) {
    ms = Math.min(
      ms,
      cpuMs(() => read(text)),
    );
  }
  return { ms, isWrong: isWrong(ms) };
}

/** CPU time of this process. */
function cpuMs(work: () => unknown): number {
  const start = process.cpuUsage();
  try {
    work();
  } catch {
    // what it makes of the text is another test's
  }
  const { user, system } = process.cpuUsage(start);
  return Math.round((user + system) / 1000);
}

const fill = (unit: string, size: number): string => unit.repeat(Math.ceil(size / unit.length)).slice(0, size);

/** What no parser likes, whatever it reads. */
const units = [
  ' ',
  '\t',
  '\n',
  ' \n',
  '\n\n ',
  '0',
  'a',
  '-',
  '=',
  '.',
  ',',
  ':',
  '/',
  '*',
  '"',
  "'",
  '(',
  '[',
  '{',
  '<',
];
const pairs = ['1 ', '1 !', '${', 'a=', '<a', '\\', '|', '0.', 'A ', '\r\n', '\u001b['];
const tails = ['!'];

/**
 * Hostile texts, made from the words that a parser looks for: each many times over, and each with a long run of something
 * behind it that then does not end as it should.
 */
export function hostileTexts(words: readonly string[]): Hostile[] {
  const plain = [...units, ...pairs].map(unit => ({
    name: `${JSON.stringify(unit)} many times`,
    make: (size: number) => `1${fill(unit, size)}!`,
  }));
  const own = words.flatMap((word): Hostile[] => [
    { name: `${JSON.stringify(word)} many times`, make: size => `${fill(word, size)}!` },
    { name: `${JSON.stringify(word)} many times in lines`, make: size => fill(`${word}\n`, size) },
    ...[' ', '\n', '0', 'a', '<'].flatMap(unit =>
      tails.map(tail => ({
        name: `${JSON.stringify(word)}, then ${JSON.stringify(unit)} many times and ${JSON.stringify(tail)}`,
        make: (size: number) => `${word}${fill(unit, size)}${tail}`,
      })),
    ),
  ]);
  return [...plain, ...own];
}
