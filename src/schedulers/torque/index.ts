import { SchedulerError } from '../../errors.js';
import { render } from '../../templates.js';
import { clock } from '../../units.js';
import { directiveLine, directiveValue } from '../directives.js';
import { nativeIds, submittedId } from '../pbs-family/ids.js';
import { isWhole, jobsFromXml, ours } from '../pbs-family/jobs.js';
import { exitStatus, type Interpret, statuses, waitingReason } from '../pbs-family/status.js';
import { answered, cancelled, refusal } from '../pbs-family/words.js';
import type { PilotState, Scheduler } from '../scheduler.js';

/** qstat(1) "-f"; C lasts as long as the server's keep_completed, which may be no time at all. */
export const TORQUE_STATES: Record<string, PilotState> = {
  Q: 'queued',
  W: 'queued',
  T: 'queued',
  H: 'held',
  S: 'held',
  R: 'running',
  E: 'completing',
  C: 'finished',
};

/** Exit statuses of jobs that Torque ended itself. */
const ENDED: Record<string, string> = { '-10': 'memory limit', '-11': 'walltime limit', '-12': 'CPU time limit' };

export const interpretTorque: Interpret = (attributes, native) => {
  const base = TORQUE_STATES[attributes.get('job_state')?.trim() ?? ''] ?? 'unknown';
  if (base !== 'finished') {
    const reason = base === 'running' || base === 'completing' ? undefined : waitingReason(attributes, base);
    return { state: base, ...(reason ? { reason } : {}) };
  }
  const raw = attributes.get('exit_status')?.trim();
  const exitCode = exitStatus(raw);
  // neither a table nor an array as such shows one
  if (exitCode === undefined && (attributes.size <= 2 || native?.includes('[]'))) return { state: base };
  // qdel ends a job with TERM; one that never began has no status
  const state = exitCode === 0 ? 'finished' : exitCode === undefined || raw === '271' ? 'cancelled' : 'failed';
  const reason = ENDED[raw ?? ''] ?? (state === 'finished' ? undefined : waitingReason(attributes, base));
  return { state, ...(exitCode === undefined ? {} : { exitCode }), ...(reason ? { reason } : {}) };
};

const END = '<!--that is all-->';

/**
 * All jobs of the user: qselect can't find arrays by name. One document comes per id, so a last line tells whether
 * some are missing. Tasks are told by their array, and only with -t: without it an array's id lists everybody's jobs.
 */
const LIST = `set -f
ids=$(qselect -u "$1") || exit
ids=$(printf '%s\\n' "$ids" | sed -n 's/^\\([0-9][0-9]*\\)\\[[0-9]*\\]/\\1[]/;/^[0-9]/p' | sort -u)
status=0
[ -z "$ids" ] || { qstat -t -x $ids; status=$?; }
printf '\\n%s\\n' '${END}'
exit "$status"`;

/** TORQUE, also under Moab or Maui. */
export const torque: Scheduler = {
  name: 'torque',

  submit(job) {
    // the site's own way to ask for a node replaces ours
    const asksForNodes = job.directives.some(d => /(^|[\s,])nodes=/.test(d));
    const script = render('batch/torque', { job, clock, directiveValue, directiveLine, asksForNodes });
    return { argv: ['qsub'], stdin: script, script };
  },

  parseSubmit(out) {
    const id = submittedId(out.stdout);
    if (out.exitCode === 0 && id !== undefined) return id;
    throw refusal('Torque', 'qsub', out);
  },

  list: ({ user }) => [{ argv: ['sh', '-c', LIST, 'torque-list', user] }],

  parseList([out], { tag, ids }) {
    answered('Torque', 'qstat', out);
    const text = out.stdout.trimEnd();
    if (!text.endsWith(END) || !isWhole(text, 'Data') || !isWhole(text, 'Job'))
      throw new SchedulerError("Torque's qstat was cut short in its answer");
    const nameOf = (task: string | undefined): string => (task === undefined ? tag : `${tag}-${task}`);
    return statuses(jobsFromXml(text, ours(ids, nameOf)), interpretTorque);
  },

  cancel: ids => ({ argv: ['qdel', ...ids.flatMap(nativeIds)] }),
  parseCancel: out => cancelled('Torque', out),
};
