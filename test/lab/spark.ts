import { fileURLToPath } from 'node:url';
import type { HostName, Lab } from './lab.js';
import { offer } from './wheels.js';

const requirements = ['requirements.txt', 'source.txt'].map(name =>
  fileURLToPath(new URL(`../../templates/worker/spark/${name}`, import.meta.url)),
);

/** Lets pip on a lab's host, which has no network, find Spark and Java. */
export const offerSpark = (lab: Lab, host: HostName): Promise<void> => offer(lab, host, requirements);
