import { UsageError } from '../../errors.js';
import { quote } from '../../shell.js';
import { render } from '../../templates.js';
import { directiveLine, directiveValue } from '../directives.js';
import { gpuWords } from '../gpus.js';
import type { BatchJob, Output, Submission } from '../job.js';
import { starting } from '../start.js';
import { refusal } from './words.js';

/**
 * bsub reads the script from stdin. OpenLava does not know units of memory, which is always in MB there, and would read
 * `-rn` as `-r`, its opposite.
 */
const SUBMIT = `case "$(timeout 20 bsub -V 2>&1 </dev/null)" in
*[Oo]pen[Ll]ava*) sed -e '/^#BSUB -rn$/d' -e '/^#BSUB -R "rusage/s/\\(mem=[0-9]*\\)MB/\\1/' ;;
*) cat ;;
esac | timeout 120 bsub`;

/** For each host: bsub(1) -gpu. */
export const gpuForm = '-gpu "num=COUNT:gmodel=TYPE"';

export function submit(job: BatchJob): Submission {
  // blaunch -z starts the program once on each of the hosts in its list
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's syntax
  const start = starting(job, 'blaunch -z "${hosts# }"');
  const script = render('batch/lsf', {
    job,
    directiveValue,
    directiveLine,
    jobName,
    plainPath,
    oneLine,
    gpus: gpuWords(job, gpuForm),
    ...start,
  });
  return { argv: ['sh', '-c', SUBMIT], stdin: script, script };
}

export function parseSubmit(out: Output): string {
  // with BSUB_QUIET bsub prints nothing: then the runner looks for the job by its name
  const id = [...out.stdout.matchAll(/^Job <(\d+)> is submitted to (?:default )?queue <[^>]*>\.\s*$/gm)].at(-1)?.[1];
  if (out.exitCode === 0 && id) return id;
  throw refusal('bsub', out);
}

/** In LSF brackets in a name have a meaning: `x[1-9]` is an array. */
function jobName(tag: string): string {
  if (/^[A-Za-z0-9_.-]+$/.test(tag)) return tag;
  throw new UsageError(`the job name ${JSON.stringify(tag)} has characters that LSF gives a meaning`, {
    hint: 'use letters, digits and _ . -',
  });
}

/** A directory name in which LSF finds no placeholder such as `%J`. */
function plainPath(path: string): string {
  if (!path.includes('%')) return directiveValue('the log directory', path);
  throw new UsageError(`the log directory ${JSON.stringify(path)} has a %, which LSF gives a meaning`, {
    hint: 'choose another directory in the profile of the site',
  });
}

/** One shell word on one line, because LSF looks for #BSUB in all lines of a script. */
function oneLine(word: string): string {
  if (!/[\n\r]/.test(word)) return quote(word);
  const escaped = word.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
  return `$'${escaped.replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`;
}
