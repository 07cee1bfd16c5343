import { comment, duration } from '../clock.js';

/** @typedef {import('../slurm.js').Job<import('./order.js').Order>} Job */
/** @typedef {import('../family.js').Attributes} Attributes */
/** @typedef {import('./site.js').Site} Site */

/** What Slurm can't know, or the recorded server had otherwise.
 * @typedef {object} Known
 * @property {string} [slots]
 * @property {string} [vnodes]
 * @property {string} [session] '' where it is not told
 * @property {string} [before]
 * @property {boolean} [isOwn]
 * @property {string} [comment] what a job says that its user held
 */

/**
 * PBS's letter for a job, and the number of the state within it, qstat(1B).
 * @param {Job} job @param {boolean} [isLive] its array goes on @returns {[string, string]}
 */
export function stateOf(job, isLive = false) {
  if (job.state === 'over') {
    if (isLive) return ['X', '91'];
    if (job.end === 'cancelled') return ['F', '91'];
    return ['F', exitStatus(job) === 0 ? '92' : '93'];
  }
  if (isBeingDeleted(job)) return ['R', '42'];
  /** @type {{ [state: string]: [string, string] }} */
  const states = {
    ...{ queued: ['Q', '10'], held: ['H', '20'], depends: ['H', '22'], waits: ['W', '30'] },
    ...{ running: ['R', '42'], suspended: ['S', '43'], ending: ['E', '51'] },
  };
  return /** @type {[string, string]} */ (states[job.state]);
}

/** A job that qdel ends runs, as far as PBS tells, until it has ended. @param {Job} job */
const isBeingDeleted = ({ state, end, started }) => state === 'ending' && end === 'cancelled' && started !== undefined;

/**
 * 0 to 255 are the script's, 256 and more a signal's to its shell; nothing for a job that never ran.
 * @param {Job} job @returns {number | undefined}
 */
export function exitStatus(job) {
  const { state, end, code, signal, started } = job;
  if ((state !== 'over' && state !== 'ending') || !started || isBeingDeleted(job)) return undefined;
  if (end === 'limit') return -29;
  if (end === 'cancelled') return 271;
  return signal ? 256 + signal : code;
}

/** @param {Job} job @param {Known} known @param {Site} site @returns {string | undefined} */
function commentOf(job, known, site) {
  const { state, started, end, order } = job;
  const ran = started && `Job run at ${comment(started)} on ${known.vnodes ?? vnodes(job)}`;
  const waited = waiting(job, site);
  if (state !== 'over' && !isBeingDeleted(job))
    return ran ?? (state === 'held' ? known.comment : state === 'queued' ? waited : undefined);
  if (end === 'limit') return `${ran} and exceeded resource walltime`;
  if (end !== 'cancelled') return `${ran} and ${exitStatus(job) === 0 ? 'finished' : 'failed'}`;
  if (ran) return `${ran} and terminated by ${order.user}@${order.host}`;
  return [known.comment || waited, 'and terminated'].filter(Boolean).join(' ');
}

/** Why a job waits. @param {Job} job @param {Site} site @returns {string | undefined} */
export function waiting({ why, order }, site) {
  if (site.queues[order.queue]?.started === false) return 'Not Running: Queue not started.';
  return why === 'Resources' || why === 'Priority' ? 'Not Running: Not enough free nodes available' : undefined;
}

/** `(c1:ncpus=8:mem=65536kb)+(c2:…)` @param {Job} job @returns {string} */
function vnodes({ nodes, order: { chunk } }) {
  const memory = chunk.memory === undefined ? '' : `:mem=${kilobytes(chunk.memory)}kb`;
  return nodes.map(node => `(${node}:ncpus=${chunk.cores}${memory})`).join('+');
}

/** @param {string} amount @returns {number} */
export function kilobytes(amount) {
  const [, number = '0', unit = 'b'] = /^(\d+)([kmgt]?)b?$/i.exec(amount) ?? [];
  return Math.ceil(Number(number) * 1024 ** ('bkmgt'.indexOf(unit.toLowerCase() || 'b') - 1));
}

/**
 * `name.o12`, where no path was given; of a task, `name.o12.1` once it has begun.
 * @param {Job} job @param {'output' | 'error'} which @param {boolean} begun @returns {string}
 */
function pathOf({ id, task, order }, which, begun) {
  const index = order.array === undefined ? '' : begun ? `.${task}` : '.^array_index^';
  const file = `${order.name}.${which === 'output' ? 'o' : 'e'}${id}${index}`;
  const path = order[which] ?? `${order.dir}/${file}`;
  return `${order.host}:${path.startsWith('/') ? path : `${order.dir}/${path}`}`;
}

/** A session is the node's affair, and not told here: any number will do. @param {Job} job @returns {string} */
const sessionOf = ({ id, task }) => String(1000 + ((id * 61 + (task ?? 0) * 7) % 30000));

/**
 * All that PBS tells of a job or of an array's task, in its order. A task that has not begun is told as its array is.
 * @param {Job} job @param {Date} now @param {Site} site @param {Known} known @param {boolean} [isLive] its array goes on
 * @returns {Attributes}
 */
export function attributes(job, now, site, known = {}, isLive = false) {
  const { order, started, ended, submitted, state, task } = job;
  const begun = task !== undefined && started !== undefined;
  const [letter, substate] = stateOf(job, isLive);
  const status = exitStatus(job);
  const used = started ? duration(((ended ?? now).getTime() - started.getTime()) / 1000) : '';
  const isHeld = state === 'held' || state === 'depends';
  const told = task !== undefined && state === 'over' && !started ? 'Subjob finished' : commentOf(job, known, site);
  const depend = [order.depend?.replace(/:(\d+)(\.\w+)?/g, `:$1.${site.server}@${site.server}`), known.before];
  /** @type {(readonly [string, string | Date | undefined])[]} */
  const all = [
    ...[
      ['Job_Name', order.name],
      ['Job_Owner', `${order.user}@${order.host}`],
    ],
    ...(started ? resourcesUsed(String(order.chunk.count * order.chunk.cores), used) : []),
    ...[
      ['job_state', letter],
      ['queue', order.queue],
      ['server', site.server],
      ['Account_Name', order.account],
    ],
    ...[
      ['Checkpoint', begun ? undefined : 'u'],
      ['ctime', submitted],
      ['depend', depend.filter(Boolean).join(',') || undefined],
    ],
    ...[
      ['Error_Path', pathOf(job, 'error', begun)],
      ['exec_host', started && (known.slots ?? job.nodes.map(n => `${n}/0*${order.chunk.cores}`).join('+'))],
    ],
    ['exec_vnode', started && (known.vnodes ?? vnodes(job))],
    ['Execution_Time', state === 'waits' && order.begin ? new Date(order.begin * 1000) : undefined],
    ['Hold_Types', begun ? undefined : state === 'depends' ? 's' : isHeld ? 'u' : 'n'],
    ...[
      ['Join_Path', order.join],
      ['Keep_Files', 'n'],
      ['Mail_Points', order.mail],
      ['mtime', ended ?? started ?? submitted],
    ],
    ...[
      ['Output_Path', pathOf(job, 'output', begun)],
      ['Priority', '0'],
      ['qtime', submitted],
    ],
    ['Rerunable', order.rerunable ? 'True' : 'False'],
    ...order.resources.map(([key, value]) => [`Resource_List.${key}`, value]),
    ...[
      ['stime', started],
      ['obittime', started && state === 'over' ? ended : undefined],
    ],
    ['session_id', (started && (known.session ?? sessionOf(job))) || undefined],
    ...[
      ['Shell_Path_List', order.shell],
      ['jobdir', started && `/home/${order.user}`],
      ['substate', substate],
    ],
    ['Variable_List', known.isOwn === false ? undefined : variables(order)],
    ...[
      ['comment', told],
      ['etime', isHeld || state === 'waits' ? undefined : submitted],
      ['run_count', started && '1'],
    ],
    ['Stageout_status', state === 'over' && started ? '1' : undefined],
    ['Exit_status', status === undefined ? undefined : String(status)],
    ['Submit_arguments', begun ? undefined : order.args],
    ...(begun
      ? [
          ['array_id', `${job.id}[].${site.server}`],
          ['array_index', String(task)],
        ]
      : []),
    [
      'history_timestamp',
      state === 'over' && ended && (task === undefined || (begun && !isLive))
        ? String(ended.getTime() / 1000)
        : undefined,
    ],
    ...(task !== undefined && !begun
      ? []
      : [
          ['project', order.project],
          ['Submit_Host', order.host],
        ]),
  ].map(([key, value]) => /** @type {const} */ ([/** @type {string} */ (key), value]));
  return /** @type {Attributes} */ (all.filter(([, value]) => value !== undefined));
}

/** Nobody measures here. @param {string} cores @param {string} walltime @returns {(readonly [string, string])[]} */
const resourcesUsed = (cores, walltime) => [
  ...[
    ['cpupercent', '0'],
    ['cput', '00:00:00'],
    ['mem', '0kb'],
    ['ncpus', cores],
    ['vmem', '0kb'],
    ['walltime', walltime],
  ].map(([key, value]) => /** @type {const} */ ([`resources_used.${key}`, /** @type {string} */ (value)])),
];

/** @param {Job['order']} order @returns {string} */
const variables = order =>
  order.variables.map(([name, value]) => `${name}=${value.replaceAll(/[\\,]/g, '\\$&')}`).join(',');
