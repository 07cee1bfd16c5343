import { render } from '../../templates.js';
import { clock } from '../../units.js';
import { directiveLine, directiveValue } from '../directives.js';
import { type GpuForm, gpuWords } from '../gpus.js';
import type { BatchJob, Submission } from '../job.js';
import { starting } from '../start.js';

/** What differs in a submission by qsub. */
export interface Qsub {
  /** The job script's template. */
  readonly template: 'batch/pbs' | 'batch/torque';
  /** A site's own directive that replaces our request for nodes. */
  readonly asksForNodes: RegExp;
  readonly gpuForm: GpuForm;
  /** Starts a program once on each node of a job. */
  readonly onEachNode: string;
}

/** How a job is submitted by qsub. */
export const qsub =
  ({ template, asksForNodes, gpuForm, onEachNode }: Qsub) =>
  (job: BatchJob): Submission => {
    const script = render(template, {
      ...{ job, clock, directiveValue, directiveLine },
      asksForNodes: job.directives.some(directive => asksForNodes.test(directive)),
      gpus: gpuWords(job, gpuForm),
      ...starting(job, onEachNode),
    });
    return { argv: ['qsub'], stdin: script, script };
  };
