import type { WorkflowType } from '../run.js';
import type { Engine } from './engine.js';
import { external } from './external.js';
import type { EngineSettings } from './python.js';
import { serial } from './serial.js';

/** Who runs workflows of a language. */
export function engineFor(type: WorkflowType, settings: EngineSettings): Engine {
  return type === 'serial' ? serial : external(type, settings);
}
