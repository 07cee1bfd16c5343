import { SchedulerError } from '../../errors.js';
import { render } from '../../templates.js';
import { clock } from '../../units.js';
import { directiveLine, directiveValue } from '../directives.js';
import { nativeIds, submittedId } from '../pbs-family/ids.js';
import { jobsFromText, ours } from '../pbs-family/jobs.js';
import { exitStatus, type Interpret, statuses, waitingReason } from '../pbs-family/status.js';
import { answered, cancelled, refusal } from '../pbs-family/words.js';
import type { Output, PilotState, PilotStatus, Scheduler } from '../scheduler.js';

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
  // the words at the end of the comment are PBS's own, and all that `qstat -s` has, cut at 79 columns
  const told = /\band (fail|finish|terminat|exceed)/.exec(comment ?? '')?.[1];
  let state: PilotState = 'finished';
  if (substate === DELETED || told === 'terminat') state = 'cancelled';
  else if (exitCode !== undefined ? exitCode !== 0 : substate === '93' || (told !== undefined && told !== 'finish'))
    state = 'failed';
  const reason = state === 'finished' ? undefined : (comment ?? ENDED[raw ?? '']);
  return { state, ...(exitCode === undefined ? {} : { exitCode }), ...(reason ? { reason } : {}) };
};

/** The last line of a whole answer, and when it was given. */
const END = /(?:^|\n)asked at (\d+)\n\s*$/;
const FINISH = `status=$?
printf '\\nasked at %s\\n' "$(date +%s)"
exit "$status"`;

/**
 * Jobs in the queue by name. A qstat without ids would list everybody's, so it is not run then. Plain text: of several
 * ids, `-F json` tells the first only (OpenPBS 23.06). Times come in the time zone of whoever asks.
 */
const QUEUE = `set -f
ids=$(qselect -u "$1" -N "$2") || exit
set -- $(printf '%s\\n' "$ids" | grep '^[0-9]')
[ $# -eq 0 ] || TZ=UTC0 qstat -t -f "$@"
${FINISH}`;
const HISTORY = `TZ=UTC0 qstat -x -t -f "$@"
${FINISH}`;

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
    const queue = { argv: ['sh', '-c', QUEUE, 'pbs-queue', user, tag] };
    if (ids.length === 0) return [queue];
    // history, where the site keeps one, knows what has left the queue
    return [queue, { argv: ['sh', '-c', HISTORY, 'pbs-history', ...ids.flatMap(nativeIds)] }];
  },

  parseList([queue, history], { tag, ids }) {
    answered('PBS', 'qstat', queue);
    const now = endOf(queue);
    if (now === undefined) throw new SchedulerError("PBS's qstat was cut short in its answer");
    const jobs = jobsFromText(
      queue.stdout,
      ours(ids, () => tag),
    );
    const found = statuses(jobs, interpretPbs, now);
    const past = historyOf(history);
    // history is asked later, and tells of live jobs as well
    return [...new Map([...found, ...past].map(s => [s.id, s])).values()];
  },

  cancel: ids => ({ argv: ['qdel', ...ids.flatMap(nativeIds)] }),
  parseCancel: out => cancelled('PBS', out),
};

/** Without history, or when it couldn't be asked, what the queue says has to do. */
function historyOf(out: Output | undefined): PilotStatus[] {
  if (out === undefined) return [];
  try {
    answered('PBS', 'qstat', out);
  } catch {
    return [];
  }
  const now = endOf(out);
  return now === undefined ? [] : statuses(jobsFromText(out.stdout), interpretPbs, now);
}

/** When a whole answer was given, in seconds; undefined when it was cut: a job on a line that never came must not count as gone. */
function endOf({ stdout }: Output): number | undefined {
  const [, now] = END.exec(stdout.slice(-100)) ?? [];
  return now === undefined ? undefined : Number(now);
}
