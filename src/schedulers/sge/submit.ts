import { UsageError } from '../../errors.js';
import { quote } from '../../shell.js';
import { render } from '../../templates.js';
import { clock } from '../../units.js';
import { directiveLine, directiveValue } from '../directives.js';
import { gpuWords } from '../gpus.js';
import type { BatchJob, Output, Submission } from '../job.js';
import { starting } from '../start.js';
import { refusal } from './words.js';

/** The usual name of the resource; it is counted for each slot, unless the site counts it for each job. */
export const gpuForm = '-l gpu=COUNT';

export function submit(job: BatchJob): Submission {
  const values = {
    job,
    gpus: gpuWords(job, gpuForm),
    clock,
    directiveValue,
    directiveLine,
    outputPath,
    slots: slotsOf(job),
    shellWord,
  };
  // without a launcher, the script itself starts the glide-ins on the other nodes
  const script = render('batch/sge', { ...values, environment: environmentOf(job), ...starting(job, '') });
  return { argv: ['qsub', '-terse'], stdin: script, script };
}

/** `38`, `72.1-3:1`, or qsub's sentence if a site's wrapper removed -terse; banners may be around it. */
export const SUBMITTED =
  /^(?:(\d+)(?:\.[\d,:-]+)?|Your job(?:-array)? (\d+)(?:\.[\d,:-]+)? \(.*\) has been submitted)\s*$/gm;

export function parseSubmit(out: Output): string {
  const id = [...out.stdout.matchAll(SUBMITTED)].at(-1);
  if (out.exitCode === 0 && id) return (id[1] ?? id[2]) as string;
  throw refusal('qsub', out);
}

function slotsOf(job: BatchJob): number | undefined {
  const slots = job.nodes === 1 ? job.coresPerNode : (job.coresPerNode ?? 1) * job.nodes;
  if (job.nodes > 1 || slots === undefined || slots === 1 || job.parallelEnvironment !== undefined) return slots;
  throw new UsageError(
    `a job of ${slots} cores needs a parallel environment on Grid Engine, but the site's profile names none`,
    {
      hint: 'add scheduler.parallelEnvironment to the profile (to list them: `qconf -spl` there), or ask for --cores 1',
    },
  );
}

const environmentOf = (job: BatchJob): string | undefined =>
  job.nodes === 1 ? job.parallelEnvironment : job.nodesEnvironment;

/** qsub accepts `host:path` and lists of paths, so these characters are refused. */
function outputPath(path: string): string {
  if (/[:,]/.test(path))
    throw new UsageError(`Grid Engine can't write to ${path}: a path there may hold no : and no ,`);
  return directiveValue('the log directory', path);
}

/** A quoted word on one line, because qsub looks for directives in every line of a script. */
function shellWord(word: string): string {
  if (!/[\n\r]/.test(word)) return quote(word);
  const escapes: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\\': '\\\\', "'": "\\'" };
  return `$'${word.replace(/[\n\r\\']/g, c => escapes[c] as string)}'`;
}
