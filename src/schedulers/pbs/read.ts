import { readerFor } from '../pbs-family/read.js';
import type { Reader } from '../understanding.js';
import { interpretPbs } from './index.js';

/** What OpenPBS or PBS Pro said, in any of its formats. */
export const read: Reader = readerFor(interpretPbs, new Map([['job_state', 'F']]));
