import { SchedulerError, UsageError } from '../errors.js';
import { render, templateText } from '../templates.js';
import { directiveLine, directiveValue } from './directives.js';
import type { Output, PilotJob, PilotState, PilotStatus, Scheduler } from './scheduler.js';

/** JobStatus, HTCondor manual "Job ClassAd Attributes"; 3 and 4 are still in the queue while the job is being ended. */
const STATES: Record<number, readonly [PilotState, string]> = {
  1: ['queued', 'IDLE'],
  2: ['running', 'RUNNING'],
  3: ['completing', 'REMOVED'],
  4: ['completing', 'COMPLETED'],
  5: ['held', 'HELD'],
  6: ['completing', 'TRANSFERRING_OUTPUT'],
  7: ['held', 'SUSPENDED'],
};

const LIVE = [
  'HoldReason',
  'JobCurrentStartDate',
  'LastRejMatchReason',
  'RemoteHost',
  'ScailfinWalltime',
  'ServerTime',
];
const PAST = ['ExitBySignal', 'ExitCode', 'ExitSignal', 'LastRemoteHost', 'RemoveReason'];
const SAME = ['ClusterId', 'ProcId', 'JobStatus'];

/** How many of the newest records of ended jobs are looked through: a busy queue's history has millions. */
const HISTORY = 20_000;

/**
 * HTCondor as a site's own batch system. As with the others, the nodes share the cluster's directory with the login node:
 * with `should_transfer_files = NO`, jobs go only to nodes of the submit machine's FILESYSTEM_DOMAIN.
 */
export const htcondor: Scheduler = {
  name: 'htcondor',

  submit(job) {
    refuseForeign(job);
    const script = render('batch/htcondor', { job, directiveValue, args, string, command });
    // a profile that speaks of the domain itself knows better
    const isKnown = job.directives.some(line => /FileSystemDomain/i.test(line));
    const check = ['sh', '-c', templateText('batch/htcondor-submit.sh'), 'htcondor-submit'];
    return { argv: isKnown ? ['condor_submit', '-terse'] : check, stdin: script, script };
  },

  parseSubmit(out) {
    const id =
      /^(\d+)\.\d+ - \1\.\d+\s*$/m.exec(out.stdout)?.[1] ?? /submitted to cluster (\d+)\.\s*$/m.exec(out.stdout)?.[1];
    if (out.exitCode === 0 && id) return id;
    throw refusal('condor_submit', out);
  },

  list({ tag, user, ids }) {
    const which = ['-constraint', `ScailfinTag =?= ${string(tag)} && Owner =?= ${string(user)}`];
    const live = [...SAME, ...LIVE].join(',');
    const queue = { argv: ['condor_q', '-allusers', '-json', '-attributes', live, ...which] };
    if (ids.length === 0) return [queue];
    const past = [...SAME, ...PAST].join(',');
    const scan = ['-scanlimit', String(HISTORY)];
    return [queue, { argv: ['condor_history', '-json', '-attributes', past, ...scan, ...ids] }];
  },

  parseList([queue, history]) {
    // condor_q ends with 0 in some versions when the schedd did not answer, and says nothing at all where nothing matches
    const live = queue?.exitCode === 0 && !DOWN.test(queue.stderr) ? ads(queue.stdout) : undefined;
    if (!live) throw refusal('condor_q', queue);
    const past = history?.exitCode === 0 ? ads(history.stdout) : [];
    const found = new Map<string, PilotStatus>();
    for (const s of (past ?? []).flatMap(fromHistory)) found.set(s.id, s);
    // what left the queue between the two is over; what is in both came back from the history's side of the same moment
    for (const s of live.flatMap(fromQueue)) if (!found.has(s.id)) found.set(s.id, s);
    return [...found.values()];
  },

  cancel: ids => ({ argv: ['condor_rm', ...ids.map(id => id.replace('_', '.'))] }),

  parseCancel(out) {
    if (out.exitCode === 0) return;
    const said = `${out.stdout}\n${out.stderr}`.split('\n').flatMap(l => l.trim() || []);
    const complaint = said.filter(l => !GONE.test(l) && !MARKED.test(l));
    if (said.length === 0 || complaint.length > 0)
      throw refusal('condor_rm', { ...out, stdout: '', stderr: complaint.join('\n') });
  },
};

const GONE =
  /not found$|no jobs in the queue|Couldn't find\/remove|already (?:marked|being removed|completed)|has been removed/i;
const MARKED = /marked for removal/i;
const DOWN = /Failed to connect|communication error|failed to fetch ads|Can't find address/i;

type Ad = Record<string, unknown>;

/** `-json`: one array, or nothing where nothing matched; undefined for an answer that was cut short or is none. */
function ads(text: string): Ad[] | undefined {
  if (text.trim() === '') return [];
  // banners of the login node come before
  const start = text.search(/^\[/m);
  try {
    const list: unknown = JSON.parse(text.slice(start));
    return Array.isArray(list) ? list.filter(ad => typeof ad === 'object' && ad !== null) : undefined;
  } catch {
    return undefined;
  }
}

const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
const text = (value: unknown): string | undefined => (typeof value === 'string' && value ? value : undefined);

function identity(ad: Ad): { id: string; jobId: string } | undefined {
  const [cluster, proc] = [number(ad.ClusterId), number(ad.ProcId)];
  return cluster === undefined || proc === undefined ? undefined : { id: `${cluster}_${proc}`, jobId: String(cluster) };
}

function fromQueue(ad: Ad): PilotStatus[] {
  const ids = identity(ad);
  if (!ids) return [];
  const status = number(ad.JobStatus) ?? 0;
  const [state, word] = STATES[status] ?? (['unknown', `JobStatus ${status}`] as const);
  const reason = text(status === 5 ? ad.HoldReason : status === 1 ? ad.LastRejMatchReason : undefined)?.trim();
  const node = hostOf(ad.RemoteHost);
  const [now, began, walltime] = [ad.ServerTime, ad.JobCurrentStartDate, ad.ScailfinWalltime].map(number);
  const timed = state === 'running' && now !== undefined && began !== undefined && walltime !== undefined;
  return [
    {
      ...{ ...ids, state, word },
      ...(reason ? { reason } : {}),
      ...(node ? { node } : {}),
      ...(timed ? { secondsLeft: Math.max(0, began + walltime - now) } : {}),
    },
  ];
}

function fromHistory(ad: Ad): PilotStatus[] {
  const ids = identity(ad);
  const status = number(ad.JobStatus);
  if (!ids || (status !== 3 && status !== 4)) return [];
  const node = hostOf(ad.LastRemoteHost);
  const where = node ? { node } : {};
  if (status === 3) {
    const reason = text(ad.RemoveReason);
    // nobody cancelled it: its own time limit did, or the site's policy
    const state = /PeriodicRemove|PERIODIC_REMOVE|ALLOWED_/i.test(reason ?? '') ? 'failed' : 'cancelled';
    return [{ ...ids, state, word: 'REMOVED', ...(reason ? { reason } : {}), ...where }];
  }
  const signal = ad.ExitBySignal === true ? number(ad.ExitSignal) : undefined;
  const exitCode = signal === undefined ? number(ad.ExitCode) : 128 + signal;
  return [
    {
      ...{ ...ids, state: exitCode === 0 ? 'finished' : 'failed', word: 'COMPLETED' },
      ...(signal === undefined ? {} : { reason: `killed by signal ${signal}` }),
      ...where,
      ...(exitCode === undefined ? {} : { exitCode }),
    },
  ];
}

/** `slot1_2@node07.site` → `node07.site` */
function hostOf(slot: unknown): string | undefined {
  return text(slot)?.split('@').at(-1);
}

function refuseForeign(job: PilotJob): void {
  if (job.queue !== undefined)
    throw new UsageError('HTCondor has no queues to choose from', {
      hint: 'leave --queue out, or describe it in the profile: queues: {longlunch: {walltime: 2h, directives: [\'+JobFlavour = "longlunch"\']}}',
    });
  if (job.launcher !== 'none')
    throw new UsageError(`HTCondor starts glide-ins without a launcher such as ${job.launcher}`, {
      hint: 'leave the launcher out of the profile',
    });
}

/** A ClassAd string literal. */
function string(value: string): string {
  return `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** The `arguments` of a submit description in its new syntax: blanks within single quotes, quotes doubled. */
function args(words: readonly string[]): string {
  return words
    .map(word => {
      if (/[\r\n\0]/.test(word))
        throw new UsageError(`the argument ${JSON.stringify(word)} can't go into a submit description`);
      const plain = word.replaceAll('$', '$(DOLLAR)').replaceAll('"', '""');
      return plain !== '' && !/[\s']/.test(plain) ? plain : `'${plain.replaceAll("'", "''")}'`;
    })
    .join(' ');
}

/** A submit command of the profile's: `NAME = VALUE`. Others (`queue`, `include`) would submit twice or run programs here. */
function command(line: string): string {
  const plain = directiveLine(line);
  if (/^(\+|my\.)?[a-z_][\w.]*\s*=[^=]/i.test(plain)) return plain;
  throw new UsageError(`the directive ${JSON.stringify(line)} is no line of a submit description`, {
    hint: 'HTCondor takes NAME = VALUE and +NAME = VALUE',
  });
}

/** HTCondor's own words, without warnings about other things and without the advice around them. */
function refusal(program: string, out: Output | undefined): SchedulerError {
  const text = (out?.stderr.trim() || out?.stdout || '').replaceAll(/^(WARNING:|Submitting job).*$/gm, '');
  const told = text.split(/\n\s*\n/).filter(paragraph => !paragraph.trim().startsWith('Extra Info:'));
  const lines = told.join('\n').split('\n');
  const said = lines.flatMap(line => line.trim().replace(/^(?:-- )?(?:ERROR:\s*)?(?:condor_\w+:\s*)?/i, '') || []);
  const words = [...new Set(said)].slice(0, 4).join('; ').replaceAll(':; ', ': ');
  const hint = HINTS.find(([pattern]) => pattern.test(text))?.[1];
  return new SchedulerError(
    `HTCondor's ${program} refused: ${words || `it answered nothing it should (status ${out?.exitCode ?? 'none'})`}`,
    { hint },
  );
}

const HINTS: [RegExp, string][] = [
  [
    /FILESYSTEM_DOMAIN/,
    "the nodes must see the cluster's directory (directories.work in the profile). If they do, whatever the site calls its domains, " +
      "say so in the profile: scheduler.directives: ['requirements = TARGET.FileSystemDomain =!= undefined']",
  ],
  [
    /failed to connect|can't find address|communication error|connection|condor_schedd is not|timed? ?out/i,
    "the site's HTCondor is down or busy: try again when it is back",
  ],
  [/accounting.?group/i, 'name an allocation of yours: --account NAME'],
  [
    /MAX_JOBS|would exceed|limit/i,
    'you have as much there as you may: ask for less (--nodes), or wait for jobs to end',
  ],
  [/permission|denied|not authori[sz]ed|authenticat/i, 'these jobs are not yours, or the site does not let you submit'],
  [
    /parse error|on line|parameter was provided|no queue statement|invalid|unknown/i,
    "correct the site's profile: scailfin sites show SITE",
  ],
];
