import { SchedulerError, UsageError } from '../../errors.js';
import { quote } from '../../shell.js';
import { render } from '../../templates.js';
import { abridged } from '../../text.js';
import { directiveLine, directiveValue } from '../directives.js';
import { isOver, type Output, type PilotStatus, type Scheduler } from '../scheduler.js';
import { CutShort, historyJobs, type LsfJob, longJobs, secondsLeft } from './text.js';

/**
 * LSF's commands wait for as long as its daemons are away, so each gets a time limit, timeout(1).
 * Those of one query together stay below what the runner allows a round trip.
 */
const limited = (seconds: number, ...argv: string[]): string[] => ['timeout', String(seconds), ...argv];

/**
 * bsub reads the script from stdin. OpenLava knows no units of memory, which are always MB there, and would read
 * `-rn` as `-r`, the opposite.
 */
const SUBMIT = `case "$(timeout 20 bsub -V 2>&1 </dev/null)" in
*[Oo]pen[Ll]ava*) sed -e '/^#BSUB -rn$/d' -e '/^#BSUB -R "rusage/s/\\(mem=[0-9]*\\)MB/\\1/' ;;
*) cat ;;
esac | timeout 120 bsub`;

/** Where LSF has let bjobs wait in vain, the history is not to take as long again. */
const HISTORY = `timeout 10 bqueues >/dev/null 2>&1
[ "$?" -ne 124 ] || { echo 'LSF is not responding' >&2; exit 124; }
exec timeout 40 bhist -l "$@"`;

/** IBM Spectrum LSF, and OpenLava with its older dialect of the same commands. */
export const lsf: Scheduler = {
  name: 'lsf',

  submit(job) {
    const script = render('batch/lsf', { job, directiveValue, directiveLine, jobName, plainPath, oneLine });
    return { argv: ['sh', '-c', SUBMIT], stdin: script, script };
  },

  parseSubmit(out) {
    // with BSUB_QUIET bsub says nothing at all: the runner then looks for the job by its name
    const id = [...out.stdout.matchAll(/^Job <(\d+)> is submitted to (?:default )?queue <[^>]*>\.\s*$/gm)].at(-1)?.[1];
    if (out.exitCode === 0 && id) return id;
    throw refusal('bsub', out);
  },

  list({ tag, ids }) {
    // not -UF: OpenLava takes the job's command for a format there, and dies of some
    const queue = [
      { argv: limited(30, 'bjobs', '-a', '-l', '-J', tag) },
      // LSF tells when a job began, on this clock, and not how long it may go on
      { argv: ['date', '+%Y %m %d %H %M %S'] },
    ];
    if (ids.length === 0) return queue;
    // the history knows what bjobs has forgotten (CLEAN_PERIOD, an hour by default)
    return [...queue, { argv: ['sh', '-c', HISTORY, 'lsf-history', ...ids] }];
  },

  parseList([queue, date, history], { ids }) {
    const live = answered(queue);
    const found = new Map<string, PilotStatus>();
    for (const job of remembered(history)) {
      // a job that goes on there, though bjobs doesn't know it, ended in a part of the history that was not read
      if (ids.includes(job.jobId) && isOver(job.state ?? 'unknown')) found.set(job.id, statusOf(job, ''));
    }
    for (const job of live) {
      const before = found.get(job.id);
      const now = statusOf(job, date?.exitCode === 0 ? date.stdout : '');
      // only the history tells that a job was killed, and by whom
      found.set(job.id, before?.state === 'cancelled' && now.state === 'failed' ? { ...now, ...before } : now);
    }
    return [...found.values()];
  },

  cancel: ids => ({ argv: limited(60, 'bkill', ...ids.map(id => id.replace(/_(\d+)$/, '[$1]'))) }),

  parseCancel(out) {
    if (out.exitCode === 0) return;
    const said = `${out.stderr}\n${out.stdout}`.split('\n').filter(l => l.trim() !== '');
    const complaint = said.filter(l => !CANCELLED.test(l));
    if (out.exitCode === null || out.exitCode === 124 || said.length === 0 || complaint.length > 0)
      throw refusal('bkill', { ...out, stderr: complaint.join('\n'), stdout: '' });
  },
};

/** bkill's answers for jobs that are over or about to be; an array with tasks that were killed before is "in progress". */
export const CANCELLED =
  /^Job <[^>]+>:?\s.*(already finished|is being (terminated|signaled)|No matching job found|Operation is in progress)/i;

/** What bjobs says when there is nothing to show; with exit status 255, or 0 as LSB_BJOBS_CONSISTENT_EXIT_CODE has it. */
export const NOTHING =
  /^(No (unfinished |matching |pending |running |suspended |finished )?jobs? found\b.*|Job <.*> is not found)\.?$/i;

/** LSF itself is not there. */
export const AWAY =
  /not responding|still trying|\bis down\b|try later|Failed in (LIM|an LSF library)|unable to contact|communication/i;

/** @throws SchedulerError when bjobs could not be asked, or its answer is not whole */
function answered(out: Output | undefined): LsfJob[] {
  if (out === undefined || AWAY.test(out.stderr) || ![0, 255].includes(out.exitCode ?? -1)) throw refusal('bjobs', out);
  let jobs: LsfJob[];
  try {
    jobs = longJobs(out.stdout);
  } catch (error) {
    if (!(error instanceof CutShort)) throw error;
    throw new SchedulerError("LSF's bjobs was cut short in its answer");
  }
  if (jobs.length > 0 && out.exitCode === 0) return jobs;
  if (jobs.length === 0 && `${out.stderr}\n${out.stdout}`.split('\n').some(l => NOTHING.test(l.trim()))) return [];
  throw refusal('bjobs', out);
}

/** What the history tells, where it could be read; it is only asked for what bjobs doesn't know. */
function remembered(out: Output | undefined): LsfJob[] {
  if (out?.exitCode !== 0) return [];
  try {
    return historyJobs(out.stdout);
  } catch (error) {
    if (error instanceof CutShort) return [];
    throw error;
  }
}

function statusOf(job: LsfJob, now: string): PilotStatus {
  const { started: _, runLimit: __, ...rest } = job;
  const left = job.state === 'running' ? secondsLeft(job, now) : undefined;
  return {
    ...rest,
    state: job.state ?? 'unknown',
    word: job.word ?? '',
    ...(left === undefined ? {} : { secondsLeft: left }),
  };
}

/** LSF gives brackets in a name a meaning: `x[1-9]` is an array. */
function jobName(tag: string): string {
  if (/^[A-Za-z0-9_.-]+$/.test(tag)) return tag;
  throw new UsageError(`the job name ${JSON.stringify(tag)} has characters that LSF gives a meaning`, {
    hint: 'use letters, digits and _ . -',
  });
}

/** A directory in which LSF will find nothing to fill in, such as `%J`. */
function plainPath(path: string): string {
  if (!path.includes('%')) return directiveValue('the log directory', path);
  throw new UsageError(`the log directory ${JSON.stringify(path)} has a %, which LSF gives a meaning`, {
    hint: 'choose another directory in the profile of the site',
  });
}

/** One shell word in one line: LSF looks for #BSUB in all lines of a script. */
function oneLine(word: string): string {
  if (!/[\n\r]/.test(word)) return quote(word);
  const escaped = word.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
  return `$'${escaped.replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`;
}

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
