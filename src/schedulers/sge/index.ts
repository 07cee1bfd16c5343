import { SchedulerError, UsageError } from '../../errors.js';
import { quote } from '../../shell.js';
import { render } from '../../templates.js';
import { abridged } from '../../text.js';
import { clock } from '../../units.js';
import { directiveLine, directiveValue } from '../directives.js';
import { bounded, every } from '../most.js';
import { isOver, type Output, type PilotJob, type PilotStatus, type Scheduler } from '../scheduler.js';
import { accountRows } from './accounting.js';
import { detailTextRows, idsOf, queueRows, type Row } from './answers.js';

/** Grid Engine and its heirs: Son of Grid Engine, Univa, Altair. */
export const sge: Scheduler = {
  name: 'sge',

  submit(job) {
    const values = { job, clock, directiveValue, directiveLine, outputPath, slots: slotsOf(job), shellWord };
    const script = render('batch/sge', values);
    return { argv: ['qsub', '-terse'], stdin: script, script };
  },

  parseSubmit(out) {
    const id = [...out.stdout.matchAll(SUBMITTED)].at(-1);
    if (out.exitCode === 0 && id) return (id[1] ?? id[2]) as string;
    throw refusal('qsub', out);
  },

  list({ tag, user, ids }) {
    // -r: the whole name, and h_rt; a state, however, never says why
    const queue = { argv: ['qstat', '-u', user, '-r', '-xml'] };
    const now = { argv: ['date', '+now %Y-%m-%dT%H:%M:%S'] };
    if (ids.length === 0) return [queue, now];
    // by name, as each qacct reads the whole accounting file, which may be gigabytes
    const accounting = { argv: ['timeout', '40', 'qacct', '-o', user, '-j', tag] };
    return [queue, accounting, { argv: ['qstat', '-j', ids.join(',')] }, now];
  },

  parseList([queue, ...others], { tag, user, ids }) {
    if (queue?.exitCode !== 0 || UNREACHABLE.test(queue.stderr)) throw refusal('qstat', queue);
    const { root, rows } = queueRows(queue.stdout, row => isOurs(row, tag, user, ids)) ?? {};
    // a job in the part that never came, or that can't be read, must not count as gone
    if (!rows) throw new SchedulerError("Grid Engine's qstat was cut short or garbled in its answer");
    if (root?.name !== 'job_info')
      throw new SchedulerError(`Grid Engine's qstat answered with <${root?.name}>, not <job_info>`);

    const said = others.filter(o => o.exitCode === 0).map(o => o.stdout);
    const ended = said.flatMap(text => accountRows(text) ?? []).filter(r => r.name === tag && ids.includes(r.job));
    const told = every(said.flatMap(detailTextRows), row => idsOf(row).map(id => [id, row] as const));
    const details = new Map(bounded('Grid Engine', told));
    const now = Date.parse(`${/^now (\S+)$/m.exec(said.at(-1) ?? '')?.[1]}Z`);

    const found = new Map<string, PilotStatus>();
    // what isn't over there, and is not in the queue, was deleted before it ran again: it has no record of that
    const own = ended.filter(row => row.owner === user);
    for (const status of bounded('Grid Engine', every(own, statuses)))
      if (isOver(status.state)) found.set(status.id, status);
    const timed = (row: Row): PilotStatus[] => {
      const seconds = left(row, now);
      return statuses(row).map(s =>
        s.state === 'running' && seconds !== undefined ? { ...s, secondsLeft: seconds } : s,
      );
    };
    for (const status of bounded('Grid Engine', every(rows, timed))) {
      const reason = waiting(status, details.get(status.id));
      found.set(status.id, { ...status, ...(reason ? { reason } : {}) });
    }
    return [...found.values()];
  },

  cancel: ids => ({ argv: ['qdel', ...ids.map(id => id.replace('_', '.'))] }),

  parseCancel(out) {
    const said = `${out.stdout}\n${out.stderr}`.split('\n').filter(l => l.trim() !== '');
    const complaint = said.filter(l => !CANCELLED.test(l) && !GONE.test(l));
    const failed = out.exitCode === 0 ? complaint.filter(l => COMPLAINT.test(l)) : complaint;
    if (failed.length > 0 || (out.exitCode !== 0 && said.length === 0))
      throw refusal('qdel', { ...out, stdout: '', stderr: failed.join('\n') });
  },
};

/** `38`, `72.1-3:1`, or qsub's sentence where a site's wrapper lost -terse; banners may stand around it. */
export const SUBMITTED =
  /^(?:(\d+)(?:\.[\d,:-]+)?|Your job(?:-array)? (\d+)(?:\.[\d,:-]+)? \(.*\) has been submitted)\s*$/gm;
/** qdel on what it did, all on stdout. */
export const CANCELLED =
  /\bhas (deleted|registered the) job(?:-array task)? "?(\d+)(?:\.(\d+))?|^job "?(\d+)(?:\.(\d+))?"? is already in deletion/;
/** qdel on what is over. */
export const GONE = /^(denied: )?(the )?job(-array tasks?)? .* do(es)? not exist|^\.+$/i;
const COMPLAINT = /privilege|permission|denied|error|unable|invalid/i;
const UNREACHABLE = /commlib error|unable to (send message|contact|connect)|can't connect|getting configuration/i;

function slotsOf(job: PilotJob): number | undefined {
  const slots = job.coresPerNode;
  if (slots === undefined || slots === 1 || job.parallelEnvironment !== undefined) return slots;
  throw new UsageError(
    `a job of ${slots} cores needs a parallel environment on Grid Engine, and the site's profile names none`,
    {
      hint: 'add scheduler.parallelEnvironment to the profile (see `qconf -spl` there), or ask for --cores 1',
    },
  );
}

/** qsub takes `host:path` and lists of paths. */
function outputPath(path: string): string {
  if (/[:,]/.test(path))
    throw new UsageError(`Grid Engine can't write to ${path}: a path there may hold no : and no ,`);
  return directiveValue('the log directory', path);
}

/** A quoted word without a line end of its own: qsub looks for directives in every line of a script. */
function shellWord(word: string): string {
  if (!/[\n\r]/.test(word)) return quote(word);
  const escapes: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\\': '\\\\', "'": "\\'" };
  return `$'${word.replace(/[\n\r\\']/g, c => escapes[c] as string)}'`;
}

function isOurs(row: Row, tag: string, user: string, ids: readonly string[]): boolean {
  if (row.owner !== undefined && row.owner !== user) return false;
  if (row.isWholeName || row.name === tag) return row.name === tag;
  // cut to ten characters by a qstat that knows no whole names
  return ids.includes(row.job) && row.name !== undefined && row.name !== '' && tag.startsWith(row.name);
}

function statuses(row: Row): PilotStatus[] {
  const { job, state = 'unknown', word = '', reason, node, exit } = row;
  return idsOf(row).map(id => ({
    ...{ id, jobId: job, state, word },
    ...(reason ? { reason } : {}),
    ...(node ? { node } : {}),
    ...(exit === undefined ? {} : { exitCode: exit }),
  }));
}

function waiting(status: PilotStatus, detail: Row | undefined): string | undefined {
  if (status.state !== 'queued' && status.state !== 'held') return undefined;
  if (detail?.reason) return detail.reason;
  return /E/.test(status.word) ? `in error state (see qstat -j ${status.jobId} there)` : undefined;
}

/** Seconds until h_rt ends it, by the site's own clock. */
function left({ start, limit }: Row, now: number): number | undefined {
  const began = Date.parse(`${start}Z`);
  if (limit === undefined || Number.isNaN(began) || Number.isNaN(now)) return undefined;
  return Math.max(0, Math.round((began - now) / 1000) + limit);
}

/** What Grid Engine itself said, without its first words; some of it comes on stdout. */
export function refusalWords(out: Output | undefined): string {
  const texts = [out?.stderr ?? '', out?.stdout ?? ''].map(t => t.split('\n').flatMap(line => line.trim() || []));
  const lines = texts.find(t => t.some(l => PREFIX.test(l))) ?? texts.find(t => t.length > 0) ?? [];
  const start = lines.findIndex(line => PREFIX.test(line));
  const told = lines.slice(Math.max(0, start)).filter(line => !/^Exiting\.$|^usage: |^\[-/i.test(line));
  return [...new Set(told.slice(0, 5).map(line => abridged(line.replace(PREFIX, ''))))].join('; ');
}

function refusal(program: string, out: Output | undefined): SchedulerError {
  const words = refusalWords(out);
  const hint = HINTS.find(([pattern]) => pattern.test(words))?.[1];
  return new SchedulerError(
    `Grid Engine's ${program} refused: ${words || `it answered nothing (status ${out?.exitCode ?? 'none'})`}`,
    { hint },
  );
}

const PREFIX =
  /^(Unable to run job: |Unable to read script file because of |error: |ERROR! |denied: |qsub: |qstat: |qdel: )+(job rejected: )?/;

const HINTS: [RegExp, string][] = [
  [/commlib|qmaster/i, "the site's Grid Engine is down or busy: try again when it is back"],
  [/unknown queue/i, 'choose a queue the site has: --queue NAME (see `qconf -sql` there)'],
  [/project/i, 'name a project of yours: --account NAME (see `qconf -sprjl` there)'],
  [/parallel environment/i, "correct parallelEnvironment in the site's profile (see `qconf -spl` there)"],
  [
    /jobs are allowed|job limit|jobs per user/i,
    'you have as many jobs there as you may: ask for fewer --nodes, or wait for jobs to end',
  ],
  [/more than \d+ tasks/i, "ask for fewer --nodes: the site's largest array is smaller"],
  [/no suitable queues|time value/i, 'ask for less: --walltime, --cores or --memory'],
  [
    /unknown resource|invalid option|date\/time/i,
    "correct the directives in the site's profile: scailfin sites show SITE",
  ],
  [/privileges/i, 'these jobs are not yours: log in as the user who submitted them (--user)'],
];
