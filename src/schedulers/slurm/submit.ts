import { render } from '../../templates.js';
import { clock } from '../../units.js';
import { directiveLine, directiveValue } from '../directives.js';
import type { BatchJob, Output, Submission } from '../job.js';
import { srunOnEach, starting } from '../start.js';
import { refusal } from './words.js';

export function submit(job: BatchJob): Submission {
  const script = render('batch/slurm', {
    ...{ job, clock, directiveValue, directiveLine },
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
