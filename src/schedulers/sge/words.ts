import { SchedulerError } from '../../errors.js';
import { abridged } from '../../text.js';
import type { Output } from '../job.js';

/** Grid Engine's own error, without its first words; some of it is on stdout. */
export function refusalWords(out: Output | undefined): string {
  const texts = [out?.stderr ?? '', out?.stdout ?? ''].map(t => t.split('\n').flatMap(line => line.trim() || []));
  const lines = texts.find(t => t.some(l => PREFIX.test(l))) ?? texts.find(t => t.length > 0) ?? [];
  const start = lines.findIndex(line => PREFIX.test(line));
  const told = lines.slice(Math.max(0, start)).filter(line => !/^Exiting\.$|^usage: |^\[-/i.test(line));
  return [...new Set(told.slice(0, 5).map(line => abridged(line.replace(PREFIX, ''))))].join('; ');
}

/** @returns a SchedulerError with Grid Engine's own error, and a hint */
export function refusal(program: string, out: Output | undefined): SchedulerError {
  const words = refusalWords(out);
  const hint = HINTS.find(([pattern]) => pattern.test(words))?.[1];
  return new SchedulerError(
    `Grid Engine's ${program} refused: ${words || `there was no answer (status ${out?.exitCode ?? 'none'})`}`,
    { hint },
  );
}

const PREFIX =
  /^(Unable to run job: |Unable to read script file because of |error: |ERROR! |denied: |qsub: |qstat: |qdel: )+(job rejected: )?/;

const HINTS: [RegExp, string][] = [
  [/commlib|qmaster/i, "the site's Grid Engine is down or busy: try again when it is back"],
  [/unknown queue/i, 'choose a queue of the site: --queue NAME (to list the queues: `qconf -sql` there)'],
  [/project/i, 'name one of your projects: --account NAME (to list the projects: `qconf -sprjl` there)'],
  [/parallel environment/i, "correct parallelEnvironment in the site's profile (to list them: `qconf -spl` there)"],
  [
    /jobs are allowed|job limit|jobs per user/i,
    'you have reached your limit of jobs there: ask for fewer --nodes, or wait until jobs end',
  ],
  [/more than \d+ tasks/i, "ask for fewer --nodes: the site's largest array is smaller"],
  [/no suitable queues|time value/i, 'ask for less: --walltime, --cores or --memory'],
  [
    /unknown resource|invalid option|date\/time/i,
    "correct the directives in the site's profile: scailfin sites show SITE",
  ],
  [/privileges/i, 'these jobs are not yours: log in as the user who submitted them (--user)'],
];
