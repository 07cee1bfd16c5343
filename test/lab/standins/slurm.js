import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';

/** Where the lab put Slurm's commands, out of everybody's PATH. */
const programs = '/usr/libexec/lab-slurm';
/** What was asked for at each submission, as the batch system in front keeps it; anyone may write here. */
const orders = '/var/spool/lab-batch/orders';

/**
 * A job or array task behind the curtain.
 * @template Order what the batch system in front wrote down when it was submitted
 * @typedef {object} Job
 * @property {number} id
 * @property {number} [task]
 * @property {'queued' | 'held' | 'depends' | 'waits' | 'running' | 'suspended' | 'ending' | 'over'} state
 * @property {string} why Slurm's reason
 * @property {'exit' | 'limit' | 'cancelled'} end how it ended, when it is over or ending
 * @property {number} code exit status
 * @property {number} signal that ended its top shell, or 0
 * @property {Date} submitted
 * @property {Date} [started]
 * @property {Date} [ended]
 * @property {readonly string[]} nodes empty unless it ever ran
 * @property {Order} order
 */

/**
 * @param {string} name @param {readonly string[]} args @param {string} [input]
 * @returns {{ status: number, stdout: string, stderr: string }}
 */
function run(name, args, input = '') {
  const env = { ...process.env, SLURM_TIME_FORMAT: '%s' };
  const { status, stdout, stderr, error } = spawnSync(`${programs}/${name}`, args, { input, env, encoding: 'utf8' });
  if (error) throw error;
  return { status: status ?? 255, stdout, stderr };
}

/** Asks slurmctld's port: Slurm's own commands would try for many seconds. @returns {Promise<boolean>} */
export function isUp() {
  return new Promise(resolve => {
    const socket = connect(6817, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy()).unref();
  });
}

/**
 * @typedef {object} Request
 * @property {string} queue
 * @property {number} nodes
 * @property {number} cores of each node
 * @property {number} memory MiB of each node; 0 where the job doesn't say
 * @property {number} seconds
 * @property {string | undefined} array `1-3%2`
 * @property {boolean} held
 * @property {Date | undefined} begin
 * @property {string | undefined} dependency as sbatch has it
 */

/**
 * @template Order
 * @param {Request} request @param {Order} order @param {string} script what plays the batch system's daemon on the node
 * @returns {number} the id
 */
export function submit(request, order, script) {
  mkdirSync(orders, { recursive: true });
  const token = randomBytes(8).toString('hex');
  writeFileSync(`${orders}/${token}`, JSON.stringify(order));
  chmodSync(`${orders}/${token}`, 0o644);
  const { nodes, cores, memory, seconds, array, held, begin, dependency } = request;
  const args = ['--parsable', `--comment=${token}`, `--partition=${request.queue}`, '--no-requeue', '--export=NIL'];
  args.push(`--nodes=${nodes}`, `--ntasks=${nodes}`, '--ntasks-per-node=1', `--cpus-per-task=${cores}`);
  // the node's part keeps the time itself, to the second: Slurm is there for when that fails
  args.push(`--mem=${memory || 1}`, `--time=${Math.ceil(seconds / 60) + 2}`);
  args.push('--output=/dev/null', '--chdir=/', '--job-name=job');
  if (array !== undefined) args.push(`--array=${array}`);
  if (held) args.push('--hold');
  if (begin) args.push(`--begin=${begin.toISOString().slice(0, 19)}`);
  if (dependency) args.push(`--dependency=${dependency}`);
  const { status, stdout, stderr } = run('sbatch', args, script);
  if (status !== 0) throw new Error(`sbatch: ${stderr}`);
  return Number(stdout.trim());
}

const fields = 'ArrayJobID ArrayTaskID State Reason exit_code Comment SubmitTime StartTime EndTime NodeList'.split(' ');

/** All jobs that Slurm remembers, by id and task. @template Order @returns {Job<Order>[]} */
export function jobs() {
  const { status, stdout, stderr } = run('squeue', ['-h', '-r', '-t', 'all', '-O', `${fields.join(':|,')}:|`]);
  if (status !== 0) throw new Error(`squeue: ${stderr}`);
  /** @type {Map<string, Order>} */
  const read = new Map();
  const found = stdout.split('\n').flatMap(line => {
    const cells = line.split('|').map(cell => cell.trim());
    const token = cells[5] ?? '';
    if (!/^[0-9a-f]{16}$/.test(token)) return [];
    if (!read.has(token)) read.set(token, JSON.parse(readFileSync(`${orders}/${token}`, 'utf8')));
    return [jobOf(cells, /** @type {Order} */ (read.get(token)))];
  });
  return found.flatMap(job => tasksOf(job, found)).sort((a, b) => a.id - b.id || (a.task ?? 0) - (b.task ?? 0));
}

/**
 * Slurm has one record, without a task, for those of an array that were cancelled before they began.
 * @template Order @param {Job<Order>} job @param {readonly Job<Order>[]} all @returns {Job<Order>[]}
 */
function tasksOf(job, all) {
  const { array } = /** @type {{ array?: string }} */ (job.order);
  if (job.task !== undefined || array === undefined) return [job];
  const others = all.filter(other => other.id === job.id).map(other => other.task);
  const missing = numbers(array.replace(/%.*/, '')).filter(task => !others.includes(task));
  return missing.map(task => ({ ...job, task }));
}

/** @template Order @param {readonly string[]} cells @param {Order} order @returns {Job<Order>} */
function jobOf(cells, order) {
  const [id, task, word = '', why = '', exit = '', , submitted, started, ended, nodes = ''] = cells;
  const [code = 0, signal = 0] = exit.split(':').map(Number);
  const ran = hostsOf(nodes);
  const state = stateOf(word, why);
  /** @param {string | undefined} text */
  const time = text => (/^\d+$/.test(text ?? '') ? { value: new Date(Number(text) * 1000) } : undefined);
  const [start, end] = [ran.length > 0 ? time(started) : undefined, state === 'over' ? time(ended) : undefined];
  return {
    ...{ id: Number(id), state, why, code, signal, nodes: ran, order },
    // SIGXCPU: how the node's part says that the time was up
    end: word === 'CANCELLED' ? 'cancelled' : word === 'TIMEOUT' || signal === 24 ? 'limit' : 'exit',
    submitted: time(submitted)?.value ?? new Date(0),
    ...(/^\d+$/.test(task ?? '') ? { task: Number(task) } : {}),
    ...(start ? { started: start.value } : {}),
    ...(end ? { ended: end.value } : {}),
  };
}

/** @param {string} word @param {string} why @returns {Job<unknown>['state']} */
function stateOf(word, why) {
  switch (word) {
    case 'PENDING':
      if (/^JobHeld/.test(why)) return 'held';
      if (/^Dependency/.test(why)) return 'depends';
      return why === 'BeginTime' ? 'waits' : 'queued';
    case 'RUNNING':
    case 'CONFIGURING':
      return 'running';
    case 'SUSPENDED':
    case 'STOPPED':
      return 'suspended';
    case 'COMPLETING':
      return 'ending';
    default:
      return 'over';
  }
}

/** `c[1-2]` is c1 and c2. @param {string} list @returns {string[]} */
export function hostsOf(list) {
  const [, prefix, ranges] = /^(\w+)\[([\d,-]+)\]$/.exec(list) ?? [];
  if (prefix === undefined) return list === '' || list === '(null)' ? [] : list.split(',');
  return numbers(/** @type {string} */ (ranges)).map(n => prefix + n);
}

/** `1-3,7` is 1, 2, 3 and 7. @param {string} ranges @returns {number[]} */
export function numbers(ranges) {
  return ranges.split(',').flatMap(range => {
    const [first = 0, last = first, step = 1] = range.split(/[-:]/).map(Number);
    return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, n) => first + n * step);
  });
}

/** @typedef {Pick<Job<unknown>, 'id' | 'task'>} Target */

/** @param {Target} target @returns {string} */
const nameOf = ({ id, task }) => (task === undefined ? String(id) : `${id}_${task}`);

/** @param {readonly Target[]} targets */
export function cancel(targets) {
  if (targets.length > 0) run('scancel', targets.map(nameOf));
}

/** Tells the node's part alone that the job is to end. @param {readonly Target[]} targets */
export function interrupt(targets) {
  if (targets.length > 0) run('scancel', ['--batch', '--signal=USR1', ...targets.map(nameOf)]);
}

/** @param {readonly Target[]} targets */
export const hold = targets => targets.map(target => run('scontrol', ['uhold', nameOf(target)]));

/** @param {readonly Target[]} targets */
export const release = targets => targets.map(target => run('scontrol', ['release', nameOf(target)]));

/** Keeps a remark about a job for those who ask later. @param {Target} target @param {string} text */
export const note = (target, text) => writeFileSync(`${orders}/${nameOf(target)}.note`, text);

/** @param {Target} target @returns {string | undefined} */
export function noted(target) {
  const file = `${orders}/${nameOf(target)}.note`;
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/** @typedef {{ name: string, isDown: boolean, cores: number, memory: number }} Node memory in MiB */

/** @returns {Node[]} */
export function nodes() {
  const { stdout } = run('sinfo', ['-h', '-N', '-o', '%N %T %c %m']);
  const found = stdout
    .split('\n')
    .filter(Boolean)
    .map(line => line.split(' '));
  const unique = new Map(found.map(cells => [cells[0] ?? '', cells]));
  return [...unique].map(([name, [, state = '', cores, memory]]) => ({
    ...{ name, isDown: /^(down|drain|unknown|fail)|\*$/.test(state) },
    ...{ cores: Number(cores), memory: Number(memory) },
  }));
}
