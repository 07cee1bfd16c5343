import { SchedulerError } from '../../errors.js';
import { abridged } from '../../text.js';
import type { Output } from '../job.js';

/** Messages about a server that can't be reached, whatever the exit status. */
export const DOWN =
  /cannot connect to server|server shutting down|connection refused|unable to communicate with|could not connect to trqauthd|unable to authenticate connection|socket_connect_unix|errno=15\d{3}/i;

/** The beginning of stderr lines that a PBS program wrote about itself or about a job. */
export const PREFIX = /^\[?(q[a-z]+|pbs\w+|tracejob): */;

/** Complaints about single jobs that are over; the answer about the others is still complete. */
export const OVER =
  /Unknown Job ?Id|nonexistent job id|Job has finished|Request invalid for state of job(?! MSG=(?!.*(COMPLETE|EXITING)))/i;

/** @throws SchedulerError if the command was not answered; complaints about finished jobs do not count */
export function answered(system: string, program: string, out: Output | undefined): asserts out is Output {
  if (out === undefined || out.exitCode === null) throw refusal(system, program, out);
  const lines = said(out.stderr);
  const complaints = lines.filter(line => PREFIX.test(line) && !OVER.test(line));
  const over = lines.some(line => OVER.test(line));
  if (complaints.length > 0 || DOWN.test(out.stderr) || (out.exitCode !== 0 && !over))
    throw refusal(system, program, { ...out, stderr: lines.filter(line => !OVER.test(line)).join('\n') });
}

const said = (text: string): string[] =>
  text.split(/\r?\n/).flatMap(line => (line.trim() === '' ? [] : abridged(line)));

/** The system's own error: the lines of a PBS program, or otherwise everything. */
export function words(out: Output | undefined): string {
  const lines = said(out?.stderr ?? '').filter(line => !/^(usage:|\s)/i.test(line));
  const own = lines.filter(line => PREFIX.test(line) || DOWN.test(line));
  return joined((own.length > 0 ? own : lines).slice(-5));
}

/** Torque, after the words of a site's own program that may refuse jobs, such as one that knows who has time left: qsub(1B). */
const FILTERED = /^qsub: submit filter returned an error code/;

/**
 * What a site's own rules say to a job that they refuse goes on over several lines, of which only the first has the
 * program's name: a hook of PBS, whose text tells what to do. A submit filter of Torque has said all before that line.
 */
function ruleWords(out: Output | undefined): string {
  const all = said(out?.stderr ?? '');
  const usage = all.findIndex(line => /^usage:/i.test(line));
  const lines = usage < 0 ? all : all.slice(0, usage);
  const first = lines.findIndex(line => PREFIX.test(line));
  if (FILTERED.test(lines[first] ?? '')) return joined(lines.slice(Math.max(0, first - 8), first + 1));
  return first < 0 || DOWN.test(out?.stderr ?? '') ? words(out) : joined(lines.slice(first, first + 8));
}

const joined = (lines: readonly string[]): string => [...new Set(lines.map(line => line.trim()))].join('; ');

/** @returns a SchedulerError with the system's error, and a hint */
export function refusal(system: string, program: string, out: Output | undefined): SchedulerError {
  const told =
    (program === 'qsub' ? ruleWords(out) : words(out)) ||
    said(out?.stdout ?? '')
      .slice(-3)
      .join('; ');
  return new SchedulerError(
    `${system}'s ${program} refused: ${told || `there was no answer (status ${out?.exitCode ?? 'none'})`}`,
    { hint: [...(program === 'qsub' ? QSUB_HINTS : []), ...HINTS].find(([pattern]) => pattern.test(told))?.[1] },
  );
}

/** Of PBS, a queue whose list of users lacks this one says no more. */
const QSUB_HINTS: [RegExp, string][] = [
  [
    /unauthorized request/i,
    'choose a queue that is open for you: --queue NAME (to list the queues: `qstat -Q -f` there, with their acl_users)',
  ],
];

const HINTS: [RegExp, string][] = [
  [DOWN, "the site's batch server is down or busy: try again when it is back"],
  [
    /unknown queue|queue is not enabled|user ACL|queue is disabled/i,
    'choose a queue that is open for you: --queue NAME (to list the queues: `qstat -Q` there)',
  ],
  [
    /would exceed|violates queue and\/or server|per-user limit|maximum number of jobs/i,
    'ask for less (--nodes, --cores, --memory, --walltime), or wait until some of your jobs end',
  ],
  [
    /exceeds queue resource limits|feasible nodes|walltime|Illegal attribute or resource value/i,
    'ask for less: --walltime, --nodes, --cores or --memory',
  ],
  [
    /array/i,
    'the site allows only smaller arrays, or none: ask for fewer --nodes, or set `scheduler.arrays: false` in its profile',
  ],
  [/account|project|Bad UID|proxy job/i, 'name one of your allocations: --account NAME'],
  [
    /unknown resource|illegal -|usage|cannot be used with|cannot send environment|invalid option/i,
    "correct the directives in the site's profile: scailfin sites show SITE",
  ],
  [/unauthorized|not permitted/i, 'these jobs are not yours: log in as the user who submitted them (--user)'],
];

/** @throws SchedulerError if jobs that are not over could not be cancelled */
export function cancelled(system: string, out: Output): void {
  if (out.exitCode !== 0 || DOWN.test(out.stderr)) answered(system, 'qdel', out);
}
