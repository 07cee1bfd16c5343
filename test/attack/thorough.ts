/**
 * Whether each attack is tried with as many hostile inputs as it has: so does `npm run attack`. `npm test` tries every
 * attack, each with fewer inputs of its kind, which are others each time where they are made by chance.
 */
export const isThorough = process.env.SCAILFIN_THOROUGH === '1';

/** How many inputs are made by chance: `count` where each attack is tried with all, a quarter of it otherwise. */
export const tries = (count: number): number => (isThorough ? count : Math.ceil(count / 4));

/** One in four of these, from another one on for each `turn`: in four turns all are tried. Where each attack is tried with all, all. */
export const oneInFour = <T>(all: readonly T[], turn: number): T[] =>
  isThorough ? [...all] : all.filter((_, n) => (n + turn) % 4 === 0);
