import type { WorkflowType } from '../run.js';
import type { WorkflowEngine } from './engine.js';
import { external } from './external.js';
import type { EngineSettings } from './python.js';
import { serial } from './serial.js';

/** The workflow engine for a workflow language. */
export function engineFor(type: WorkflowType, settings: EngineSettings): WorkflowEngine {
  return type === 'serial' ? serial : external(type, settings);
}
