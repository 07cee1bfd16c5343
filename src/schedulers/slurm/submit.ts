import { render } from '../../templates.js';
import { clock } from '../../units.js';
import { directiveLine, directiveValue } from '../directives.js';
import { gpuWords } from '../gpus.js';
import type { BatchJob, Output, Submission } from '../job.js';
import { srunOnEach, starting } from '../start.js';
import { refusal } from './words.js';

/** For each node: sbatch(1) --gres. */
export const gpuForm = '--gres=gpu:TYPE:COUNT';

export function submit(job: BatchJob): Submission {
  const script = render('batch/slurm', {
    ...{ job, clock, directiveValue, directiveLine },
    gpus: gpuWords(job, gpuForm),
    ...starting(job, srunOnEach(job.nodes)),
  });
  return { argv: ['sbatch', '--parsable'], stdin: script, script };
}

export function parseSubmit(out: Output): string {
  // sites wrap sbatch and print banners around the id; a federated id is `17;cluster`
  const id = [...out.stdout.matchAll(/^(?:Submitted batch job )?(\d+)(?:;\S+)?\s*$/gm)].at(-1)?.[1];
  if (out.exitCode === 0 && id) return id;
  throw refusal('sbatch', out);
}
