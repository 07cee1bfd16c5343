import { fileURLToPath } from 'node:url';
import type { HostName, Lab } from './lab.js';
import { offer } from './wheels.js';

const beside = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Files of requirements: what PySpark needs, and a client alone. */
export const sparkRequirements = beside('../../templates/worker/spark/requirements.txt');
export const sparkClient = beside('spark/client-requirements.txt');

/** Lets pip on a lab's host, which has no network, find Spark and Java. */
export const offerSpark = (lab: Lab, host: HostName): Promise<void> =>
  offer(lab, host, [sparkRequirements, beside('../../templates/worker/spark/source.txt')]);
