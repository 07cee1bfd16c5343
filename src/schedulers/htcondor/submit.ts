import { UsageError } from '../../errors.js';
import { render, templateText } from '../../templates.js';
import { directiveLine, directiveValue } from '../directives.js';
import { gpuWords } from '../gpus.js';
import type { BatchJob, Output, Submission } from '../job.js';
import { refusal } from './words.js';

/** Of the machine. */
export const gpuForm = 'request_gpus = COUNT';

export function submit(job: BatchJob): Submission {
  refuseForeign(job);
  const lines = job.directives.map(command);
  const script = render('batch/htcondor', {
    job,
    gpus: gpuWords(job, gpuForm),
    lines,
    requirements,
    directiveLine,
    directiveValue,
    args,
    string,
  });
  // a profile that mentions the domain itself decides
  const isKnown = lines.some(line => /FileSystemDomain/i.test(line));
  const check = ['sh', '-c', templateText('batch/htcondor-submit.sh'), 'htcondor-submit'];
  return { argv: isKnown ? ['condor_submit', '-terse'] : check, stdin: script, script };
}

export function parseSubmit(out: Output): string {
  const id =
    /^(\d+)\.\d+ - \1\.\d+\s*$/m.exec(out.stdout)?.[1] ?? /submitted to cluster (\d+)\.\s*$/m.exec(out.stdout)?.[1];
  if (out.exitCode === 0 && id) return id;
  throw refusal('condor_submit', out);
}

function refuseForeign(job: BatchJob): void {
  if (job.queue !== undefined)
    throw new UsageError('HTCondor has no queues to choose from', {
      hint: 'leave out --queue, or describe the queue in the profile: queues: {longlunch: {walltime: 2h, directives: [\'+JobFlavour = "longlunch"\']}}',
    });
  if (job.launcher !== 'none')
    throw new UsageError(`HTCondor starts glide-ins without a launcher such as ${job.launcher}`, {
      hint: 'remove the launcher from the profile',
    });
}

/** A ClassAd string literal. */
export function string(value: string): string {
  return `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** The `arguments` of a submit description in its new syntax: words with blanks in single quotes, quotes doubled. */
function args(words: readonly string[]): string {
  return words
    .map(word => {
      if (/[\r\n\0]/.test(word))
        throw new UsageError(`the argument ${JSON.stringify(word)} can't go into a submit description`);
      // two of them begin an expression that HTCondor evaluates when a machine is found
      const dollars = (run: string): string =>
        '$$(DOLLARDOLLAR)'.repeat(run.length >> 1) + '$(DOLLAR)'.repeat(run.length & 1);
      const plain = word.replaceAll(/\$+/g, dollars).replaceAll('"', '""');
      return plain !== '' && !/[\s']/.test(plain) ? plain : `'${plain.replaceAll("'", "''")}'`;
    })
    .join(' ');
}

/**
 * A submit command from the profile: `NAME = VALUE`. Others (`queue`, `include`) are refused: they would submit twice or
 * run programs here.
 */
function command(line: string): string {
  const plain = directiveLine(line);
  if (/^(\+|my\.)?[a-z_][\w.]*\s*=[^=]/i.test(plain)) return plain;
  throw new UsageError(`the directive ${JSON.stringify(line)} is no line of a submit description`, {
    hint: 'HTCondor takes NAME = VALUE and +NAME = VALUE',
  });
}

const REQUIREMENTS = /^requirements\s*=\s*/i;

/**
 * Combines our requirements and the profile's, because of two such lines HTCondor uses only the last. @returns that line
 * and the others
 */
function requirements(ours: string, lines: readonly string[]): string[] {
  const [theirs, others] = [lines.filter(l => REQUIREMENTS.test(l)), lines.filter(l => !REQUIREMENTS.test(l))];
  const all = [ours, ...theirs.map(line => line.replace(REQUIREMENTS, ''))];
  return [`requirements = ${all.map(part => `(${part})`).join(' && ')}`, ...others];
}
