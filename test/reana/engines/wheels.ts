import type { PythonEngine } from '../../../src/reana/engines/python.js';
import type { HostName, Lab } from '../../lab/lab.js';
import { fetchedWheels, offer } from '../../lab/wheels.js';
import { requirements } from './workflows.js';

const lists = (kind: PythonEngine): string[] => [requirements('build'), requirements(kind)];

/** What a workflow language's engine needs, from PyPI; the directory that `offerWheels` uses. */
export const engineWheels = (kind: PythonEngine): Promise<string> => fetchedWheels(lists(kind));

/** Lets pip on a lab's host, which has no network, find what a workflow language's engine needs. */
export const offerWheels = (lab: Lab, host: HostName, kind: PythonEngine): Promise<void> =>
  offer(lab, host, lists(kind));
