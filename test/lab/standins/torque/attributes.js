import { comment, duration, seconds } from '../clock.js';
import { perNode } from './order.js';

/** @typedef {import('../slurm.js').Job<import('./order.js').Order>} Job */
/** @typedef {import('../family.js').Attributes} Attributes */

/** Torque's letter for a job, qstat(1). @param {Job} job @returns {string} */
export function letter({ state, why }) {
  if (state === 'queued') return why === 'JobArrayTaskLimit' ? 'H' : 'Q';
  return { held: 'H', depends: 'H', waits: 'W', running: 'R', suspended: 'S', ending: 'E', over: 'C' }[state];
}

/**
 * 0 to 255 are the script's, 256 and more a signal's to its shell; nothing for a job that never ran.
 * @param {Job} job @returns {number | undefined}
 */
export function exitStatus({ state, end, code, signal, started }) {
  if (state !== 'over' || !started) return undefined;
  if (end === 'limit') return -11;
  if (end === 'cancelled') return 271;
  return signal ? 256 + signal : code;
}

const WAITING = 'Not Running: Not enough of the right type of nodes are available';

/** @param {Job} job @returns {string} */
function commentOf({ state, why, started }) {
  if (started) return `Job started on ${comment(started)}`;
  if (state !== 'queued') return '';
  if (why === 'PartitionDown') return 'Not Running: Queue not started.';
  return why === 'Resources' || why === 'Priority' ? WAITING : '';
}

/**
 * `name.o12`, where no path was given or only a directory.
 * @param {Job} job @param {'output' | 'error'} which @param {string} server @returns {string}
 */
function pathOf({ id, task, order }, which, server) {
  const given = order[which];
  const file = `${order.name}.${which === 'output' ? 'o' : 'e'}${id}${task === undefined ? '' : `-${task}`}`;
  const path = given === undefined ? `${order.dir}/${file}` : given.endsWith('/') ? given + file : given;
  return `${server}:${path.startsWith('/') ? path : `${order.dir}/${path}`}`;
}

/** Who holds it: the user, the system, or an array's limit. @param {Job} job @returns {string | undefined} */
function holds({ state, why }) {
  if (state === 'queued' && why === 'JobArrayTaskLimit') return 'l';
  return state === 'depends' ? 's' : state === 'held' ? 'u' : undefined;
}

/** A session is the node's affair, and not told here: any number will do. @param {Job} job @returns {string} */
const session = ({ id, task }) => String(1000 + ((id * 61 + (task ?? 0) * 7) % 30000));

/** `c1/0-7+c2/0-7` @param {Job} job @returns {string} */
function slots({ nodes, order }) {
  const count = perNode(order.resources.find(([key]) => key === 'nodes')?.[1] ?? '1');
  return nodes.map(node => `${node}/${count > 1 ? `0-${count - 1}` : '0'}`).join('+');
}

/**
 * All that Torque tells of a job or array task, in its order.
 * @param {Job} job @param {Date} now @param {string} server
 * @param {{ readonly slots?: string, readonly session?: string, readonly isOwn?: boolean, readonly before?: string }} [known] what Slurm can't know
 * @returns {Attributes}
 */
export function attributes(job, now, server, known = {}) {
  const { order, task, started, ended, submitted, state } = job;
  const isSub = task !== undefined;
  const status = exitStatus(job);
  const limit = order.resources.find(([key]) => key === 'walltime')?.[1];
  const used = started && ended ? Math.max(0, (ended.getTime() - started.getTime()) / 1000) : 0;
  const told = commentOf(job);
  const isHeld = state === 'held' || state === 'depends';
  const depend = [order.depend, known.before].filter(Boolean).join(',');
  /** @type {(readonly [string, string | Date | undefined])[]} */
  const all = [
    ...[
      ['Job_Name', isSub ? `${order.name}-${task}` : order.name],
      ['Job_Owner', `${order.user}@${order.host}`],
    ],
    ...(status === undefined ? [] : [...resourcesUsed(used)]),
    ...[
      ['job_state', letter(job)],
      ['queue', order.queue],
      ['server', server],
      ['Account_Name', order.account],
    ],
    ...[
      ['Checkpoint', 'u'],
      ['ctime', submitted],
      ['depend', depend || undefined],
    ],
    ['Error_Path', pathOf(job, 'error', server)],
    ['exec_host', started && (known.slots ?? slots(job))],
    ['Execution_Time', state === 'waits' && order.begin ? new Date(order.begin * 1000) : undefined],
    ['Hold_Types', holds(job) ?? (isSub ? undefined : 'n')],
    ...[
      ['Join_Path', order.join],
      ['Keep_Files', 'n'],
      ['Mail_Points', order.mail],
    ],
    ['mtime', ended ?? started ?? submitted],
    ...[
      ['Output_Path', pathOf(job, 'output', server)],
      ['Priority', '0'],
      ['qtime', submitted],
    ],
    ['Rerunable', order.rerunable ? 'True' : 'False'],
    ...order.resources.map(([key, value]) => [`Resource_List.${key}`, value]),
    ['session_id', started && (known.session ?? session(job))],
    ['Shell_Path_List', order.shell],
    ['Variable_List', known.isOwn === false ? undefined : variables(order, task)],
    ...[
      ['euser', order.user],
      ['egroup', order.user],
      ['queue_type', 'E'],
      ['comment', told || undefined],
    ],
    ['etime', isHeld || state === 'waits' ? undefined : submitted],
    ...[
      ['exit_status', status === undefined ? undefined : String(status)],
      ['submit_args', order.args || undefined],
    ],
    ['job_array_id', isSub ? String(task) : undefined],
    ['start_time', started],
    ['Walltime.Remaining', remaining(job, limit, now)],
    ...[
      ['start_count', started && '1'],
      ['fault_tolerant', 'False'],
      ['comp_time', status === undefined ? undefined : ended],
    ],
    ...[
      ['job_radix', '0'],
      ['total_runtime', status === undefined ? undefined : used.toFixed(6)],
    ],
    ...[
      ['submit_host', order.host],
      ['init_work_dir', order.dir],
      ['request_version', '1'],
    ],
  ].map(([key, value]) => /** @type {const} */ ([/** @type {string} */ (key), value]));
  return /** @type {Attributes} */ (all.filter(([, value]) => value !== undefined));
}

/** Nobody measures here. @param {number} used @returns {(readonly [string, string])[]} */
const resourcesUsed = used => [
  ['resources_used.cput', '00:00:00'],
  ['resources_used.vmem', '0kb'],
  ['resources_used.walltime', duration(used)],
  ['resources_used.mem', '0kb'],
  ['resources_used.energy_used', '0'],
];

/** @param {Job} job @param {string | undefined} limit @param {Date} now @returns {string | undefined} */
function remaining({ state, started }, limit, now) {
  if (state !== 'running' || !started || limit === undefined) return undefined;
  return String(Math.floor((seconds(limit) ?? 0) - (now.getTime() - started.getTime()) / 1000));
}

/**
 * Quotes are told with a backslash.
 * @param {Job['order']} order @param {number | undefined} task @returns {string | undefined}
 */
function variables(order, task) {
  const list = order.variables.map(
    ([name, value]) => `${name}=${value.replaceAll('"', '\\"').replaceAll('\n', '\\\n')}`,
  );
  return [...(task === undefined ? [] : [`PBS_ARRAYID=${task}`]), ...list].join(',');
}

const ORDER = ['R', 'E', 'S', 'Q', 'W', 'H', 'C'];

/**
 * An array as one: the state that is farthest from its end.
 * @param {readonly Job[]} tasks @param {Date} now @param {string} server @param {{ isOwn?: boolean }} [known]
 * @returns {Attributes}
 */
export function arrayAttributes(tasks, now, server, known = {}) {
  const letters = tasks.map(letter);
  const [first] = tasks;
  if (first === undefined) return [];
  const { task: _, started: __, ended: ___, ...whole } = first;
  const state = ORDER.find(one => letters.includes(one)) ?? 'C';
  const told = attributes({ ...whole, state: 'queued', why: '' }, now, server, known);
  const changed = tasks
    .flatMap(job => [job.ended ?? job.started ?? job.submitted])
    .sort((a, b) => b.getTime() - a.getTime())[0];
  return told.flatMap(([key, value]) => {
    if (key === 'qtime') return [];
    if (key === 'job_state') return [[key, state]];
    if (key === 'mtime') return [[key, changed ?? value]];
    if (key === 'Hold_Types') return [[key, letters.every(l => l === 'H') ? 'u' : 'n']];
    if (key === 'submit_args')
      return [
        [key, value],
        ['job_array_request', whole.order.array ?? ''],
      ];
    return [[key, value]];
  });
}
