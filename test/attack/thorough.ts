/**
 * Whether each attack is tried with as many hostile inputs as it has: so does `npm run attack`. `npm test` tries every
 * attack, each with fewer inputs of its kind, which are others each time where they are made by chance.
 */
export const isThorough = process.env.SCAILFIN_THOROUGH === '1';

/** How many inputs are made by chance: `count` where each attack is tried with all, a quarter of it otherwise. */
export const tries = (count: number): number => (isThorough ? count : Math.ceil(count / 4));
