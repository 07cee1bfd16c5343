import { SchedulerError } from '../../errors.js';
import { abridged } from '../../text.js';
import type { Output } from '../job.js';

/** bkill's answers for jobs that are over or about to be; an array with tasks that were killed before is "in progress". */
export const CANCELLED =
  /^Job <[^>]+>:?\s.*(already finished|is being (terminated|signaled)|No matching job found|Operation is in progress)/i;

/** What bjobs says when there is nothing to show; with exit status 255, or 0 as LSB_BJOBS_CONSISTENT_EXIT_CODE has it. */
export const NOTHING =
  /^(No (unfinished |matching |pending |running |suspended |finished )?jobs? found\b.*|Job <.*> is not found)\.?$/i;

/** LSF itself is not there. */
export const AWAY =
  /not responding|still trying|\bis down\b|try later|Failed in (LIM|an LSF library)|unable to contact|communication/i;

/** What LSF itself said. */
export function refusal(program: string, out: Output | undefined): SchedulerError {
  const lines = wordsOf(out);
  const hint = HINTS.find(([pattern]) => pattern.test(lines.join('\n')))?.[1];
  const late = out?.exitCode === 124 ? 'it did not answer in time' : '';
  const words = [lines.join('; '), late].filter(Boolean).join('; ');
  return new SchedulerError(
    `LSF's ${program} refused: ${words || `it answered nothing (status ${out?.exitCode ?? 'none'})`}`,
    { hint: hint ?? (late ? AWAY_HINT : undefined) },
  );
}

/** The lines with LSF's own words, without what a site puts in front, and each once. */
export function wordsOf(out: Output | undefined): string[] {
  const lines = (out?.stderr.trim() || out?.stdout || '').split('\n').flatMap(line => line.trim() || []);
  const usage = lines.findIndex(line => /Usage: b\w+/.test(line));
  const told = (usage < 0 ? lines : lines.slice(0, usage + 1)).map(withoutUsage).filter(Boolean);
  const words = told.length > 0 ? told.slice(-5) : lines.slice(0, 1);
  return [...new Set(words.map(line => abridged(line)))];
}

/** bsub and its like end a complaint with their usage, on the same line. */
function withoutUsage(line: string): string {
  const at = line.search(/Usage: b\w/);
  return at < 0 ? line : line.slice(0, at).trimEnd();
}

const AWAY_HINT = "the site's LSF is down or busy: try again when it is back";

const HINTS: [RegExp, string][] = [
  [AWAY, AWAY_HINT],
  [
    /no such queue|queue has been closed|cannot use the queue|queue.*(closed|inactive)/i,
    'choose a queue the site has open: --queue NAME (see `bqueues` there)',
  ],
  [/RUNLIMIT|run ?limit/i, 'ask for less: --walltime'],
  [/too many processors|number of processors|PROCLIMIT|TASKLIMIT|slots? requested/i, 'ask for less: --cores'],
  [/MEMLIMIT|memory/i, 'ask for less: --memory'],
  [/project|account|allocation/i, 'name an allocation of yours: --account NAME'],
  [
    /job array index too large/i,
    "ask for fewer --nodes: the site's largest array is smaller (see `bparams -a | grep MAX_JOB_ARRAY_SIZE` there)",
  ],
  [
    /(job|pending job|slot).*(limit|threshold)|limit.*(reached|exceeded)/i,
    'you have as much there as you may: wait for jobs of yours to end (see `bjobs` there)',
  ],
  [/permission denied/i, 'these jobs are not yours: log in as the user who submitted them (--user)'],
  [
    /resource requirement|bad host name|dependency|no matching job|no command|invalid option|illegal option|bad job name/i,
    "correct the directives in the site's profile: scailfin sites show SITE",
  ],
];
