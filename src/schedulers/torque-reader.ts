import { readerFor } from './pbs-reading.js';
import { interpretTorque } from './torque.js';
import type { Reader } from './understanding.js';

/** What Torque said, in any of its formats. */
export const read: Reader = readerFor(interpretTorque, new Map([['job_state', 'C']]));
