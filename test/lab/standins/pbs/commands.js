import { refuses, says } from '../answer.js';
import { full } from '../family.js';
import { getopt, last } from '../getopt.js';
import { arrayAttributes } from './arrays.js';
import { attributes, stateOf } from './attributes.js';
import { queues, queueTable, server } from './queues.js';
import { bars, json, table, wideTable } from './show.js';

/** @typedef {import('./attributes.js').Job} Job */
/** @typedef {import('./attributes.js').Known} Known */
/** @typedef {import('./site.js').Site} Site */
/** @typedef {import('../answer.js').Answer} Answer */

/** What the commands work on.
 * @typedef {object} World
 * @property {Site} site
 * @property {string} user who asks
 * @property {Date} now
 * @property {readonly Job[]} jobs by id and task, those in the history as well
 * @property {(jobs: readonly Job[]) => void} cancel
 * @property {(jobs: readonly Job[]) => void} hold
 * @property {(jobs: readonly Job[]) => void} release
 * @property {(job: Job) => Known} [known]
 */

export const versionAnswer = says('pbs_version = 23.06.06\n');

/** @param {Job} job @param {Site} site @returns {string} */
export const nativeId = ({ id, task }, { server }) => `${id}${task === undefined ? '' : `[${task}]`}.${server}`;

/** @typedef {{ readonly jobs: readonly Job[], readonly whole: boolean, readonly id: string }} Found */

/**
 * What an id means: a job, an array, some of its tasks. A word is a queue, which is told as a number and a text.
 * @param {string} text @param {World} world @param {string} program @returns {Found | readonly [number, string]}
 */
function find(text, { jobs, site }, program) {
  const [, number, brackets, range = '', server = site.server] = /^(\d+)(\[([\d-]*)\])?(?:\.(\S+))?$/.exec(text) ?? [];
  if (number === undefined) return [170, `${program}: Unknown queue destination ${text}`];
  if (server !== site.server) return [1, `${program}: illegally formed job identifier: ${text}`];
  const same = jobs.filter(job => job.id === Number(number));
  const id = `${number}${brackets ?? ''}.${server}`;
  if (brackets === '[]') return { jobs: same.filter(job => job.task !== undefined), whole: true, id };
  const [first, end = first] = range.split('-').map(Number);
  const chosen = same.filter(({ task }) =>
    brackets ? task !== undefined && task >= Number(first) && task <= Number(end) : task === undefined,
  );
  return { jobs: chosen, whole: false, id };
}

/** @param {readonly Job[]} jobs @returns {boolean} */
const isPast = jobs => jobs.every(job => job.state === 'over');

/** @param {World} world @param {Job} job @returns {readonly Job[]} */
const siblings = ({ jobs }, { id }) => jobs.filter(job => job.id === id);

/**
 * Jobs as they are told: an array as one, with `tasks` each of its tasks after it.
 * @param {readonly Job[]} jobs @param {World} world @param {boolean} tasks @param {boolean} whole arrays, not single tasks
 */
function shown(jobs, world, tasks, whole) {
  const { site, user, now, known = () => ({}) } = world;
  return jobs.flatMap((job, at) => {
    const about = { ...known(job), isOwn: job.order.user === user };
    const all = siblings(world, job);
    const one = {
      id: nativeId(job, site),
      attributes: attributes(job, now, site, about, job.task !== undefined && !isPast(all)),
    };
    if (job.task === undefined || !whole) return [one];
    const array = { id: `${job.id}[].${site.server}`, attributes: arrayAttributes(all, now, site, about) };
    const isFirst = jobs[at - 1]?.id !== job.id;
    return [...(isFirst ? [array] : []), ...(tasks ? [one] : [])];
  });
}

/** @param {readonly string[]} args @param {World} world @returns {Answer} */
export function qstat(args, world) {
  const { options, operands } = getopt(args, 'aefF:GHiJMnpqQrsStTu:wxB1D:');
  const has = (/** @type {string} */ name) => options.some(option => option.name === name);
  const strange = has('Q') ? operands.find(name => !world.site.queues[name]) : undefined;
  if (strange !== undefined) return refuses(170, `qstat: Unknown queue ${strange}`);
  if (has('Q')) return says(has('f') ? queues(operands, world) : queueTable(world));
  if (has('B')) return says(server(world));
  const [tasks, history] = [has('t'), has('x') || has('H')];
  const render = (/** @type {ReturnType<typeof shown>} */ list) => {
    const format = last(options, 'F');
    if (has('f'))
      return format === 'json'
        ? json(list, world.site.server, world.now)
        : format === 'dsv'
          ? bars(list)
          : full(list, has('w') ? undefined : 79);
    const wide = { nodes: has('n'), comments: has('s') };
    return has('a') || has('u') || has('n') || has('s') ? wideTable(list, world.site.server, wide) : table(list);
  };
  if (operands.length === 0) {
    const user = last(options, 'u');
    const own = world.jobs.filter(job => user === undefined || job.order.user === user);
    const live = history ? own : own.filter(job => !isPast(siblings(world, job)));
    return says(render(shown(live, world, tasks, true)));
  }
  let [stderr, exit] = ['', 0];
  /** @type {ReturnType<typeof shown>} */
  const listed = [];
  let isFull = false;
  for (const operand of operands) {
    const found = find(operand, world, 'qstat');
    const complaint = 'jobs' in found ? missing(found, world, history) : found;
    if (complaint) {
      exit = complaint[0];
      stderr += `${complaint[1]}\n`;
    } else if ('jobs' in found && !isFull) {
      listed.push(...shown(found.jobs, world, tasks, found.whole));
      // of several ids, JSON tells the first
      isFull = last(options, 'F') === 'json';
    }
  }
  return { stdout: render(listed), stderr, exit };
}

/**
 * @param {Found} found @param {World} world @param {boolean} history @returns {readonly [number, string] | undefined}
 */
function missing({ jobs, id }, world, history) {
  const [first] = jobs;
  if (!first) return [153, `qstat: Unknown Job Id ${id}`];
  if (history || !isPast(first.task === undefined ? jobs : siblings(world, first))) return undefined;
  return [35, `qstat: ${id} Job has finished, use -x or -H to obtain historical job information`];
}

/** @param {readonly string[]} args @param {World} world @returns {Answer} */
export function qselect(args, world) {
  const { options } = getopt(args, 'a:A:c:h:l:N:p:P:q:r:s:t:u:HTx');
  const has = (/** @type {string} */ name) => options.some(option => option.name === name);
  const [user, name, states, queue] = ['u', 'N', 's', 'q'].map(letter => last(options, letter));
  const ids = world.jobs.flatMap(job => {
    const { order, task, id } = job;
    const past = isPast(siblings(world, job));
    if (past && !has('x') && !has('H')) return [];
    if (user !== undefined && order.user !== user.replace(/@.*/, '')) return [];
    if ((queue !== undefined && order.queue !== queue) || (name !== undefined && order.name !== name)) return [];
    if (states !== undefined && !states.includes(stateOf(job, task !== undefined && !past)[0])) return [];
    return [task !== undefined && !has('T') ? `${id}[].${world.site.server}` : nativeId(job, world.site)];
  });
  return says([...new Set(ids)].map(id => `${id}\n`).join(''));
}

/**
 * @param {string} program @param {readonly string[]} operands @param {World} world
 * @param {(jobs: readonly Job[], id: string) => readonly [number, string] | undefined} act
 * @returns {Answer}
 */
function eachJob(program, operands, world, act) {
  let [stderr, exit] = ['', 0];
  for (const operand of operands) {
    const found = find(operand, world, program);
    /** @type {readonly [number, string] | undefined} */
    let complaint;
    if (!('jobs' in found)) complaint = found;
    else if (found.jobs.length === 0) complaint = [153, `${program}: Unknown Job Id ${found.id}`];
    else if (found.jobs.some(job => job.order.user !== world.user))
      complaint = [159, `${program}: Unauthorized Request  ${found.id}`];
    else complaint = act(found.jobs, found.id);
    if (complaint) {
      exit = complaint[0];
      stderr += `${complaint[1]}\n`;
    }
  }
  return { stdout: '', stderr, exit };
}

/**
 * A plain job that is named as an array crashes this program, or the server: here it is always the program. A plain job
 * beside a task of an array crashes this program.
 * @param {readonly string[]} operands @param {World} world
 */
const crashes = (operands, { jobs }) =>
  (operands.some(operand => /^\d+\[\d/.test(operand)) && operands.some(operand => !operand.includes('['))) ||
  operands.some(operand => {
    const id = /^(\d+)\[/.exec(operand)?.[1];
    return jobs.some(job => job.task === undefined && String(job.id) === id);
  });

/** @param {readonly string[]} args @param {World} world @returns {Answer} */
export const qdel = (args, world) => {
  const { operands } = getopt(args, 'W:x');
  if (crashes(operands, world)) return refuses(134, 'double free or corruption (fasttop)');
  return eachJob('qdel', operands, world, (jobs, id) => {
    if (isPast(jobs)) return [35, `qdel: Job has finished ${id}`];
    if (jobs.every(job => job.state === 'ending')) return [168, `qdel: Request invalid for state of job ${id}`];
    world.cancel(jobs.filter(job => job.state !== 'over'));
    return undefined;
  });
};

/** @param {readonly string[]} args @param {World} world @returns {Answer} */
export const qhold = (args, world) =>
  eachJob('qhold', getopt(args, 'h:').operands, world, jobs => {
    world.hold(jobs.filter(job => job.state === 'queued' || job.state === 'waits'));
    return undefined;
  });

/** @param {readonly string[]} args @param {World} world @returns {Answer} */
export const qrls = (args, world) =>
  eachJob('qrls', getopt(args, 'h:').operands, world, jobs => {
    world.release(jobs.filter(job => job.state === 'held'));
    return undefined;
  });
