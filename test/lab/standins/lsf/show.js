import { short } from '../clock.js';

/** @typedef {import('../slurm.js').Job<import('./order.js').Order>} Job */
/** @typedef {import('./order.js').Site} Site */

/** What was done to a job, and what its node alone knows.
 * @typedef {object} Known
 * @property {readonly { readonly at: Date, readonly what: 'killed' | 'stopped' | 'resumed', readonly by: string }[]} [done]
 * @property {string} [pid]
 * @property {readonly string[]} [usage] lines that the node reported while it runs
 */

/** LSF's word for a job, bjobs(1). @param {Job} job @returns {string} */
export function word(job) {
  if (job.state === 'over') return exitCode(job) === 0 ? 'DONE' : 'EXIT';
  const words = {
    queued: 'PEND',
    depends: 'PEND',
    waits: 'PEND',
    held: 'PSUSP',
    suspended: 'USUSP',
    running: 'RUN',
    ending: 'RUN',
  };
  return words[job.state];
}

/**
 * What ended by a signal counts 128 more; nothing for a job that never ran.
 * @param {Job} job @returns {number | undefined}
 */
export function exitCode({ started, end, code, signal }) {
  if (!started) return undefined;
  if (end === 'limit') return 140;
  if (end === 'cancelled') return 130;
  return signal ? 128 + signal : code;
}

/** @param {Job} job @returns {string} */
export const nativeId = ({ id, task }) => `${id}${task === undefined ? '' : `[${task}]`}`;
/** @param {Job} job @returns {string} */
export const nameOf = ({ order, task }) => `${order.name}${task === undefined ? '' : `[${task}]`}`;

const HEAD = 'JOBID   USER    STAT  QUEUE      FROM_HOST   EXEC_HOST   JOB_NAME   SUBMIT_TIME\n';

/**
 * `bjobs`, and `bjobs -w`.
 * @param {readonly Job[]} jobs @param {{ wide: boolean, header: boolean, reasons?: (job: Job) => string }} form
 * @returns {string}
 */
export function table(jobs, { wide, header, reasons }) {
  const rows = jobs.map(job => {
    const name = nameOf(job);
    const time = short(job.submitted).slice(4, 16);
    const hosts = slots(job).join(':') || (wide || job.state === 'over' ? '   -' : '');
    const shown = wide || name.length <= 10 ? name : `*${name.slice(-9)}`;
    const cells = [String(job.id).padEnd(7), job.order.user.padEnd(7), word(job).padEnd(5), job.order.queue.padEnd(10)];
    cells.push(job.order.host.padEnd(11), hosts.padEnd(11), shown.padEnd(10), time);
    return `${cells.join(' ')}\n${reasons ? reasons(job) : ''}`;
  });
  return `${header ? HEAD : ''}${rows.join('')}`;
}

/** `c1 c1 c2 c2`: a host for each slot. @param {Job} job @returns {string[]} */
const slots = ({ nodes, order }) => nodes.flatMap(node => Array(Math.ceil(order.slots / nodes.length)).fill(node));

/** Why a job waits, a line of its own. @param {Job} job @param {Site} site @returns {string} */
export function reason({ state, why, order }, site) {
  const many = `${site.hosts.length} host${site.hosts.length > 1 ? 's' : ''}`;
  const told = () => {
    if (state === 'held') return 'The job was suspended by the user while pending';
    if (state === 'depends') return 'Job dependency condition not satisfied';
    if (state === 'waits') return 'The job has a specified start time';
    if (site.queues[order.queue]?.active === false) return 'The queue is inactivated by the administrator';
    return why === 'Resources' || why === 'Priority' ? 'Not enough job slot(s)' : 'New job is waiting for scheduling';
  };
  return ` ${told()}: ${many};\n`;
}

const SCHEDULING = `
 SCHEDULING PARAMETERS:
           r15s   r1m  r15m   ut      pg    io   ls    it    tmp    swp    mem
 loadSched   -     -     -     -       -     -    -     -     -      -      -  
 loadStop    -     -     -     -       -     -    -     -     -      -      -  
`;

const MARGIN = `\n${' '.repeat(21)}`;

/**
 * Breaks a line after 79 bytes, within words as well; a blank that would begin the next line is lost.
 * @param {string} whole @returns {string}
 */
function folded(whole) {
  let [rest, out] = [whole, ''];
  for (let room = 79; rest.length > room; room = 58) {
    out += rest.slice(0, room) + MARGIN;
    rest = rest.slice(room).replace(/^ /, '');
  }
  return `${out}${rest}\n`;
}

/** An event; when it ends at the edge, an empty line follows. @param {string} whole @returns {string} */
function event(whole) {
  const text = folded(whole);
  const last = text.slice(text.lastIndexOf('\n', text.length - 2) + 1, -1);
  return last.length === 79 ? `${text.slice(0, -1)}${MARGIN}\n` : text;
}

/** @param {readonly string[]} records @returns {string} */
const joined = records => (records.length === 0 ? '' : `${records.join(`${'-'.repeat(78)}\n`)}\n`);

/** @param {Job} job @param {Site} site @returns {string} */
const runLimit = ({ order }, site) =>
  order.limit === undefined
    ? ''
    : `\n ${'RUNLIMIT'.padEnd(24)}\n ${`${order.limit.toFixed(1)} min of ${site.master}`.padEnd(24)}\n`;

/**
 * What was asked for, and from where.
 * @param {Job} job @param {string} [to] the queue, in the history @returns {string}
 */
function submission({ submitted, order }, to = '') {
  const dir =
    order.dir === order.home
      ? '$HOME'
      : order.dir.startsWith(`${order.home}/`)
        ? `$HOME${order.dir.slice(order.home.length)}`
        : order.dir;
  const parts = [`Submitted from host <${order.host}>${order.held ? ' on hold' : ''}${to}`];
  if (order.begin !== undefined) parts.push(`Specified Start Time <${short(new Date(order.begin * 1000))}>`);
  parts.push(`CWD <${dir}>`);
  if (order.output !== undefined) parts.push(`Output File <${order.output}>`);
  if (order.error !== undefined) parts.push(`Error File <${order.error}>`);
  if (order.slots > 1) parts.push(`${order.slots} Processors Requested`);
  if (order.resources !== undefined) parts.push(`Requested Resources <${order.resources}>`);
  return `${short(submitted)}: ${parts.join(', ')};`;
}

/** ` on <c1>`, ` on 2 Hosts/Processors <c1> <c1>` @param {Job} job @returns {string} */
function where(job) {
  const hosts = slots(job);
  return `${hosts.length > 1 ? `${hosts.length} Hosts/Processors ` : ''}${hosts.map(host => `<${host}>`).join(' ')}`;
}

/** @param {Job} job @returns {string} */
function ending(job) {
  const code = exitCode(job);
  if (code === undefined) return 'Exited';
  return `${code === 0 ? 'Done successfully.' : `Exited with exit code ${code}.`} The CPU time used is 0.0 seconds`;
}

/** `bjobs -l`. @param {readonly Job[]} jobs @param {Site} site @param {(job: Job) => Known} known @returns {string} */
export function long(jobs, site, known) {
  return joined(
    jobs.map(job => {
      const { order, state, started, ended, task } = job;
      const head = `Job Id <${nativeId(job)}>, Job Name <${nameOf(job)}>, User <${order.user}>, Project <${order.project}>, Status <${word(job)}>, Queue <${order.queue}>, Command <${order.command}>`;
      const begun = task === undefined ? 'Started' : `[${task}] started`;
      let out = `\n${folded(head)}${event(submission(job))}${runLimit(job, site)}`;
      if (started)
        out += event(
          `${short(started)}: ${begun} on ${where(job)}, Execution Home <${order.home}>, Execution CWD <${order.dir}>;`,
        );
      const usage = known(job).usage ?? [];
      if (state === 'running' && usage.length > 0) out += `${usage.join(MARGIN)}\n\n`;
      if (ended) out += event(`${short(ended)}: ${ending(job)}${started ? '.' : ''}`);
      if (!started && state !== 'over') out += ` PENDING REASONS:\n${reason(job, site)}`;
      return out + SCHEDULING;
    }),
  );
}

/**
 * `bhist -l`.
 * @param {readonly Job[]} jobs @param {Site} site @param {Date} now @param {(job: Job) => Known} known
 * @returns {string}
 */
export function history(jobs, site, now, known) {
  return joined(
    jobs.map(job => {
      const { order, started, ended } = job;
      const { done = [], pid = String(1000 + ((job.id * 61 + (job.task ?? 0) * 7) % 30000)) } = known(job);
      const head = `Job Id <${nativeId(job)}>, Job Name <${nameOf(job)}>, User <${order.user}>, Project <${order.project}>, Command <${order.command}>`;
      /** @type {[Date, string][]} */
      const events = [];
      for (const { at, what, by } of done) {
        if (what === 'killed') events.push([at, `Signal <KILL> requested by user or administrator <${by}>`]);
        else
          events.push([
            at,
            what === 'stopped'
              ? 'Suspended by the user or administrator while pending'
              : 'Pending: Waiting for scheduling',
          ]);
      }
      if (started) {
        events.push([started, `Dispatched to ${where(job)}`], [started, `Starting (Pid ${pid})`]);
        events.push([
          started,
          `Running with execution home <${order.home}>, Execution CWD <${order.dir}>, Execution Pid <${pid}>`,
        ]);
      }
      events.sort(([a], [b]) => a.getTime() - b.getTime() || 0);
      if (ended) events.push([ended, ending(job)]);
      if (ended && exitCode(job) === 0) events.push([ended, 'Post job process done successfully']);
      const lines = events.map(([at, what]) => event(`${short(at)}: ${what};`)).join('');
      return `\n${folded(head)}${event(submission(job, ` to Queue <${order.queue}>`))}${runLimit(job, site)}${lines}\n${summary(job, now, done)}`;
    }),
  );
}

/** @param {Job} job @param {Date} now @param {NonNullable<Known['done']>} done @returns {string} */
function summary(job, now, done) {
  const { submitted, started, ended, order } = job;
  const until = ended ?? now;
  const seconds = (/** @type {Date} */ from, /** @type {Date} */ to) =>
    Math.max(0, Math.round((to.getTime() - from.getTime()) / 1000));
  const waited = seconds(submitted, started ?? until);
  const isHeld = order.held || done.some(one => one.what === 'stopped');
  const run = started ? seconds(started, until) : 0;
  const counts = isHeld ? [0, waited, run] : [waited, 0, run];
  const cells = [...counts, 0, 0, 0, waited + run].map((n, at) => String(n).padEnd(at === 6 ? 12 : 9));
  return `Summary of time in seconds spent in various states by  ${short(until)}
  PEND     PSUSP    RUN      USUSP    SSUSP    UNKWN    TOTAL
  ${cells.join('')}
`;
}

/** `bjobs -A`. @param {readonly Job[]} jobs @returns {string} */
export function arrays(jobs) {
  const rows = [...new Set(jobs.map(job => job.id))].map(id => {
    const tasks = jobs.filter(job => job.id === id);
    const { order } = /** @type {Job} */ (tasks[0]);
    const count = (/** @type {string} */ which, /** @type {number} */ width) =>
      String(tasks.filter(job => word(job) === which).length).padStart(width);
    const counts = [
      count('PEND', 4),
      count('DONE', 4),
      count('RUN', 4),
      count('EXIT', 4),
      ...['SSUSP', 'USUSP', 'PSUSP'].map(w => count(w, 5)),
    ];
    return `${String(id).padEnd(8)} ${`${order.name}[${order.array}`.slice(0, 8).padEnd(11)} ${order.user.padEnd(8)} ${String(tasks.length).padStart(4)} ${counts.join(' ')}\n`;
  });
  return `JOBID    ARRAY_SPEC  OWNER   NJOBS PEND DONE  RUN EXIT SSUSP USUSP PSUSP\n${rows.join('')}`;
}
