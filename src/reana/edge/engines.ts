import { serial } from '../engines/serial.js';
import type { Engines } from './runs/runner.js';

/** Who runs which kind of workflow. */
export const engines: Engines = { serial };
