import { interpretPbs } from './pbs.js';
import { readerFor } from './pbs-reading.js';
import type { Reader } from './understanding.js';

/** What OpenPBS or PBS Pro said, in any of its formats. */
export const read: Reader = readerFor(interpretPbs, new Map([['job_state', 'F']]));
