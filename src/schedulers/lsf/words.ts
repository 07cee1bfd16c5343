import { SchedulerError } from '../../errors.js';
import { abridged } from '../../text.js';
import type { Output } from '../job.js';

/**
 * bkill's answers for jobs that are over or about to end; an array with tasks that were killed before is "in progress".
 */
export const CANCELLED =
  /^Job <[^>]+>:?\s.*(already finished|is being (terminated|signaled)|No matching job found|Operation is in progress)/i;

/** bjobs' messages if there is nothing to show; the exit status is 255, or 0 with LSB_BJOBS_CONSISTENT_EXIT_CODE. */
export const NOTHING =
  /^(No (unfinished |matching |pending |running |suspended |finished )?jobs? found\b.*|Job <.*> is not found)\.?$/i;

/** Messages if LSF itself is down. */
export const AWAY =
  /not responding|still trying|\bis down\b|try later|Failed in (LIM|an LSF library)|unable to contact|communication/i;

/** LSF's own error. */
export function refusal(program: string, out: Output | undefined): SchedulerError {
  const lines = wordsOf(out);
  const hint = HINTS.find(([pattern]) => pattern.test(lines.join('\n')))?.[1];
  const late = out?.exitCode === 124 ? 'it did not answer in time' : '';
  const words = [lines.join('; '), late].filter(Boolean).join('; ');
  return new SchedulerError(
    `LSF's ${program} refused: ${words || `there was no answer (status ${out?.exitCode ?? 'none'})`}`,
    { hint: hint ?? (late ? AWAY_HINT : undefined) },
  );
}

/** The lines of LSF itself, without text that a site puts before them, and without repetitions. */
export function wordsOf(out: Output | undefined): string[] {
  const lines = (out?.stderr.trim() || out?.stdout || '').split('\n').flatMap(line => line.trim() || []);
  const usage = lines.findIndex(line => /Usage: b\w+/.test(line));
  const told = (usage < 0 ? lines : lines.slice(0, usage + 1)).map(withoutUsage).filter(Boolean);
  const words = told.length > 0 ? told.slice(-5) : lines.slice(0, 1);
  return [...new Set(words.map(line => abridged(line)))];
}

/** bsub and similar programs print their usage after an error, on the same line. */
function withoutUsage(line: string): string {
  const at = line.search(/Usage: b\w/);
  return at < 0 ? line : line.slice(0, at).trimEnd();
}

const AWAY_HINT = "the site's LSF is down or busy: try again when it is back";

const HINTS: [RegExp, string][] = [
  [AWAY, AWAY_HINT],
  [
    /no such queue|queue has been closed|cannot use the queue|queue.*(closed|inactive)/i,
    'choose a queue that is open: --queue NAME (to list the queues: `bqueues` there)',
  ],
  [/RUNLIMIT|run ?limit/i, 'ask for less: --walltime'],
  [/too many processors|number of processors|PROCLIMIT|TASKLIMIT|slots? requested/i, 'ask for less: --cores'],
  [/MEMLIMIT|memory/i, 'ask for less: --memory'],
  [/project|account|allocation/i, 'name one of your allocations: --account NAME'],
  [
    /job array index too large/i,
    "ask for fewer --nodes: the site's largest array is smaller (see `bparams -a | grep MAX_JOB_ARRAY_SIZE` there)",
  ],
  [
    /(job|pending job|slot).*(limit|threshold)|limit.*(reached|exceeded)/i,
    'you have reached your limit there: wait until some of your jobs end (see `bjobs` there)',
  ],
  [/permission denied/i, 'these jobs are not yours: log in as the user who submitted them (--user)'],
  [
    /resource requirement|bad host name|dependency|no matching job|no command|invalid option|illegal option|bad job name/i,
    "correct the directives in the site's profile: scailfin sites show SITE",
  ],
];
