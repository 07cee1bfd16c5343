import { it } from 'vitest';
import { check } from './commands.js';

/** Other histories each day, the same ones all day. */
const seed = Math.floor(Date.now() / 86_400_000);

// the seed is in the name, so that it is printed; `npm run model -- --seed SEED` tries the same and many more
it(`ends well, whatever happens: random histories from the seed ${seed}`, async () => {
  await check({ seed, numRuns: 100 });
});
