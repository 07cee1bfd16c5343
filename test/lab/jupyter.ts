import { fileURLToPath } from 'node:url';
import type { HostName, Lab } from './lab.js';
import { offer } from './wheels.js';

export const requirements = fileURLToPath(new URL('../../templates/worker/jupyter/requirements.txt', import.meta.url));

/** Lets pip on a lab's host, which has no network, find JupyterLab. */
export const offerJupyter = (lab: Lab, host: HostName): Promise<void> => offer(lab, host, [requirements]);
