import type { EngineSettings } from '../engines/python.js';
import { engineFor } from '../engines/registry.js';
import type { WorkflowEngines } from './runs/runner.js';

/** The workflow engine for each workflow language. */
export const enginesOf = (settings: EngineSettings): WorkflowEngines => ({
  ...{ serial: engineFor('serial', settings), cwl: engineFor('cwl', settings) },
  ...{ yadage: engineFor('yadage', settings), snakemake: engineFor('snakemake', settings) },
});
