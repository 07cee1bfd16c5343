import { SchedulerError } from '../errors.js';
import { render } from '../templates.js';
import { clock } from '../units.js';
import { directiveLine, directiveValue } from './directives.js';
import {
  answered,
  cancelled,
  exitStatus,
  type Interpret,
  jobsFromJson,
  nativeIds,
  type RawJob,
  refusal,
  statuses,
  submittedId,
  waitingReason,
} from './pbs-common.js';
import type { Output, PilotState, Scheduler } from './scheduler.js';

/** qstat(1B) "Job states"; B and X are of arrays and their tasks. */
export const PBS_STATES: Record<string, PilotState> = {
  Q: 'queued',
  W: 'queued',
  T: 'queued',
  H: 'held',
  S: 'held',
  U: 'held',
  R: 'running',
  B: 'running',
  E: 'completing',
  X: 'finished',
  F: 'finished',
};

/** Substate of a job in history that was deleted; 92 ended well, 93 did not. */
const DELETED = '91';

/** What PBS makes of jobs that it ends itself, as negative exit statuses. */
const ENDED: Record<string, string> = { '-27': 'memory limit', '-28': 'CPU time limit', '-29': 'walltime limit' };

export const interpretPbs: Interpret = attributes => {
  const word = attributes.get('job_state') ?? '';
  const base = PBS_STATES[word] ?? 'unknown';
  if (base !== 'finished') {
    const reason = base === 'running' || base === 'completing' ? undefined : waitingReason(attributes, base);
    return { state: base, ...(reason ? { reason } : {}) };
  }
  const substate = attributes.get('substate');
  const raw = attributes.get('Exit_status')?.trim();
  const exitCode = exitStatus(raw);
  const comment = attributes.get('comment')?.trim();
  // the words at the end of the comment are PBS's own, and all that `qstat -s` has
  const told = /\band (failed|finished|terminated|exceeded resource)\b/.exec(comment ?? '')?.[1];
  let state: PilotState = 'finished';
  if (substate === DELETED || told === 'terminated') state = 'cancelled';
  else if (exitCode !== undefined ? exitCode !== 0 : substate === '93' || (told !== undefined && told !== 'finished'))
    state = 'failed';
  const reason = state === 'finished' ? undefined : (comment ?? ENDED[raw ?? '']);
  return { state, ...(exitCode === undefined ? {} : { exitCode }), ...(reason ? { reason } : {}) };
};

/**
 * Jobs in the queue by name. The ids go through a variable of their own: a qstat without ids would list everybody's.
 * Times are told in the time zone of whoever asks.
 */
const LIST = `set -f
ids=$(qselect -u "$1" -N "$2") || exit
ids=$(printf '%s\\n' "$ids" | grep '^[0-9]')
[ -n "$ids" ] || { echo '{"Jobs":{}}'; exit 0; }
TZ=UTC0 exec qstat -t -f -F json $ids`;

/** PBS Professional and OpenPBS. */
export const pbs: Scheduler = {
  name: 'pbs',

  submit(job) {
    // the site's own way to ask for a node replaces ours: qsub refuses both together
    const asksForNodes = job.directives.some(d => /(^|[\s,])(select|nodes)=/.test(d));
    const script = render('batch/pbs', { job, clock, directiveValue, directiveLine, asksForNodes });
    return { argv: ['qsub'], stdin: script, script };
  },

  parseSubmit(out) {
    const id = submittedId(out.stdout);
    if (out.exitCode === 0 && id !== undefined) return id;
    throw refusal('PBS', 'qsub', out);
  },

  list({ tag, user, ids }) {
    const queue = { argv: ['sh', '-c', LIST, 'pbs-list', user, tag] };
    if (ids.length === 0) return [queue];
    // history, where the site keeps one, knows what has left the queue
    return [queue, { argv: ['env', 'TZ=UTC0', 'qstat', '-x', '-t', '-f', '-F', 'json', ...ids.flatMap(nativeIds)] }];
  },

  parseList([queue, history], { tag, ids }) {
    answered('PBS', 'qstat', queue);
    const live = jobs(queue);
    if (live === undefined) throw new SchedulerError("PBS's qstat was cut short in its answer, or told no JSON");
    const found = statuses(
      live.filter(job => job.attributes.get('Job_Name') === tag || ids.some(id => job.native.startsWith(`${id}.`))),
      interpretPbs,
    );
    const past = statuses(historyOf(history), interpretPbs);
    // history is asked later, and tells of live jobs as well
    return [...new Map([...found, ...past].map(s => [s.id, s])).values()];
  },

  cancel: ids => ({ argv: ['qdel', ...ids.flatMap(nativeIds)] }),
  parseCancel: out => cancelled('PBS', out),
};

/** Without history, or when it couldn't be asked, what the queue says has to do. */
function historyOf(out: Output | undefined): RawJob[] {
  if (out === undefined) return [];
  try {
    answered('PBS', 'qstat', out);
    return jobs(out) ?? [];
  } catch {
    return [];
  }
}

function jobs(out: Output): RawJob[] | undefined {
  // all that was asked for had left: nothing at all is an answer then
  if (out.stdout.trim() === '') return out.exitCode === 0 ? undefined : [];
  const now = /"timestamp":\s*(\d+)/.exec(out.stdout)?.[1];
  return jobsFromJson(out.stdout)?.map(({ native, attributes }) => ({
    native,
    attributes: now === undefined ? attributes : new Map([...attributes, ['now', now]]),
  }));
}
