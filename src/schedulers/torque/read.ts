import { readerFor } from '../pbs-family/read.js';
import type { Reader } from '../understanding.js';
import { interpretTorque } from './index.js';

/** What Torque said, in any of its formats. */
export const read: Reader = readerFor(interpretTorque, new Map([['job_state', 'C']]));
