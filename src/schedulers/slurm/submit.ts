import { render } from '../../templates.js';
import { clock } from '../../units.js';
import { directiveLine, directiveValue } from '../directives.js';
import { gpuWords } from '../gpus.js';
import type { BatchJob, Output, Submission } from '../job.js';
import { srunOnEach, starting } from '../start.js';
import { join, option } from './clusters.js';
import { refusal } from './words.js';

/** For each node: sbatch(1) --gres. */
export const gpuForm = '--gres=gpu:TYPE:COUNT';

export function submit(job: BatchJob): Submission {
  const script = render('batch/slurm', {
    ...{ job, clock, directiveValue, directiveLine },
    gpus: gpuWords(job, gpuForm),
    ...starting(job, srunOnEach(job.nodes)),
  });
  return { argv: ['sbatch', '--parsable', ...option(job.cluster)], stdin: script, script };
}

export function parseSubmit(out: Output): string {
  // sites wrap sbatch and print banners around the id; of a job in another cluster it is `17;c5`
  const line = /^(?:Submitted batch job )?(\d+)(?:;([A-Za-z0-9][\w.-]*)| on cluster ([A-Za-z0-9][\w.-]*))?\s*$/gm;
  const [, id, cluster, named] = [...out.stdout.matchAll(line)].at(-1) ?? [];
  if (out.exitCode === 0 && id) return join(id, cluster ?? named);
  throw refusal('sbatch', out);
}
