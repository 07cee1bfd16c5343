import { fileURLToPath } from 'node:url';
import type { HostName, Lab } from './lab.js';
import { offer } from './wheels.js';

const requirements = fileURLToPath(new URL('../../templates/worker/dask/requirements.txt', import.meta.url));

/** Lets pip on a lab's host, which has no network, find Dask. */
export const offerDask = (lab: Lab, host: HostName): Promise<void> => offer(lab, host, [requirements]);
