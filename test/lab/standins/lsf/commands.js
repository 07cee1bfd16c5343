import { refuses, says } from '../answer.js';
import { getopt } from '../getopt.js';
import { numbers } from '../slurm.js';
import { arrays, history, long, reason, table, word } from './show.js';

/** @typedef {import('./show.js').Job} Job */
/** @typedef {import('./show.js').Known} Known */
/** @typedef {import('./order.js').Site} Site */
/** @typedef {import('../answer.js').Answer} Answer */

/** What the commands work on.
 * @typedef {object} World
 * @property {Site} site
 * @property {string} user who asks
 * @property {Date} now
 * @property {readonly Job[]} jobs by id and task, those that bjobs has forgotten as well
 * @property {(jobs: readonly Job[]) => void} kill
 * @property {(jobs: readonly Job[]) => void} stop
 * @property {(jobs: readonly Job[]) => void} resume
 * @property {(job: Job) => Known} [known]
 */

const VERSION = 'OpenLava 4.0.0, Nov 22 2026';
export const versionAnswer = { stdout: '', stderr: `${VERSION}\n`, exit: 0 };

/** lsid, which needs only LIM. @param {Site} site @returns {Answer} */
export const lsid = site =>
  says(`${VERSION}\n\nMy cluster name is ${site.cluster}\nMy master name is ${site.master}\n`);

const BJOBS = `Usage: bjobs [-h] [-V] [-w |-l] [-a] [-d] [-p] [-s] [-r] [-g job_group]
             [-A] [-m host_name] [-q queue_name] [-u user_name | -u all]
             [-P project_name] [-N host_spec] [-J name_spec] [-UF] [-noheader]
             [jobId | "jobId[idxList]" ...]`;

/** Those that bjobs still knows: all of a job's tasks, or none. @param {World} world @returns {readonly Job[]} */
function remembered({ jobs, now, site }) {
  const since = now.getTime() - site.cleanPeriod * 1000;
  const ids = new Set(jobs.filter(job => !job.ended || job.ended.getTime() > since).map(job => job.id));
  return jobs.filter(job => ids.has(job.id));
}

/**
 * `157`, `157[2]`, `157[1-3,5]`; nothing for what is no id.
 * @param {string} text @param {readonly Job[]} jobs @returns {readonly Job[] | undefined}
 */
function find(text, jobs) {
  const [, id, list] = /^(\d+)(?:\[([\d,:-]+)\])?$/.exec(text) ?? [];
  if (id === undefined) return undefined;
  const same = jobs.filter(job => job.id === Number(id));
  if (list === undefined) return same;
  const wanted = numbers(list);
  return same.filter(job => job.task !== undefined && wanted.includes(job.task));
}

/** `name`, `name[2]`, `name*`. @param {string} pattern @param {Job} job @returns {boolean} */
function isCalled(pattern, { order, task }) {
  const [, name = '', index] = /^(.*?)(?:\[(\d+)\])?$/.exec(pattern) ?? [];
  const expression = new RegExp(`^${name.replaceAll(/[.+?^$()|\\{}[\]]/g, '\\$&').replaceAll('*', '.*')}$`);
  return expression.test(order.name) && (index === undefined || Number(index) === task);
}

/**
 * Running ones first, then those that wait, then those that are over.
 * @param {readonly Job[]} jobs @param {Site} site @returns {Job[]}
 */
function inOrder(jobs, site) {
  const rank = (/** @type {Job} */ job) => (job.state === 'over' ? 2 : job.started ? 0 : 1);
  const priority = (/** @type {Job} */ job) =>
    rank(job) === 1 ? -(site.queues[job.order.queue]?.priority ?? 0) : (job.ended?.getTime() ?? 0);
  return [...jobs].sort(
    (a, b) => rank(a) - rank(b) || priority(a) - priority(b) || a.id - b.id || (a.task ?? 0) - (b.task ?? 0),
  );
}

/** @param {readonly string[]} args @param {World} world @returns {Answer} */
export function bjobs(args, world) {
  const header = !args.includes('-noheader');
  const { options, operands, unknown } = getopt(
    args.filter(arg => arg !== '-noheader'),
    'alwWdpsrAhJ:u:q:P:m:g:N:',
  );
  if (unknown.length > 0) return refuses(255, `bjobs: invalid option -- '${unknown[0]}'\n${BJOBS}`);
  const has = (/** @type {string} */ name) => options.some(option => option.name === name);
  const value = (/** @type {string} */ name) => options.findLast(option => option.name === name)?.value;
  if (has('h')) return refuses(255, BJOBS);

  const [name, who, queue, project] = ['J', 'u', 'q', 'P'].map(value);
  const chosen = remembered(world).filter(job => {
    if (operands.length === 0 && (who ?? world.user) !== 'all' && job.order.user !== (who ?? world.user)) return false;
    if (name !== undefined && !isCalled(name, job)) return false;
    if ((queue !== undefined && job.order.queue !== queue) || (project !== undefined && job.order.project !== project))
      return false;
    const [isOver, waits] = [job.state === 'over', !job.started];
    if (has('d') || has('p') || has('r') || has('s')) {
      return (
        (has('d') && isOver) ||
        (has('p') && waits && !isOver) ||
        (has('r') && job.state === 'running') ||
        (has('s') && /SUSP/.test(word(job)))
      );
    }
    return has('a') || operands.length > 0 || has('A') || !isOver;
  });

  const complaints = [];
  /** @type {Job[]} */
  let listed = [...chosen];
  if (operands.length > 0) {
    listed = [];
    for (const operand of operands) {
      const found = find(operand, chosen);
      if (!found) complaints.push(`${operand}: Illegal job ID.`);
      else if (found.length === 0) complaints.push(`Job <${operand}> is not found`);
      listed.push(...(found ?? []));
    }
  } else if (listed.length === 0) complaints.push(nothing(name, project, has));
  const stderr = complaints.map(line => `${line}\n`).join('');
  const exit = complaints.length > 0 ? 255 : 0;
  if (listed.length === 0) return { stdout: '', stderr, exit };
  const sorted = inOrder(listed, world.site);
  const known = world.known ?? (() => ({}));
  const reasons = has('p') && !has('l') ? { reasons: (/** @type {Job} */ job) => reason(job, world.site) } : {};
  const stdout = has('A')
    ? arrays(sorted)
    : has('l')
      ? long(sorted, world.site, known)
      : table(sorted, { wide: has('w'), header, ...reasons });
  return { stdout, stderr, exit };
}

/**
 * @param {string | undefined} name @param {string | undefined} project @param {(option: string) => boolean} has
 * @returns {string}
 */
function nothing(name, project, has) {
  if (name !== undefined) return `Job <${name}> is not found`;
  if (project !== undefined) return `No job found in project ${project}`;
  const kinds = { d: 'finished ', p: 'pending ', r: 'running ', s: 'suspended ', a: '' };
  const kind = Object.entries(kinds).find(([option]) => has(option))?.[1] ?? 'unfinished ';
  return `No ${kind}job found`;
}

/** `bhist -l` only. @param {readonly string[]} args @param {World} world @returns {Answer} */
export function bhist(args, world) {
  const { operands } = getopt(args, 'labdeprswWn:J:u:q:P:');
  /** @type {Job[]} */
  const found = [];
  const complaints = [];
  for (const operand of operands) {
    const jobs = find(operand, world.jobs) ?? [];
    if (jobs.length === 0) complaints.push(`Job <${operand}> is not found\n`);
    found.push(...jobs);
  }
  const known = world.known ?? (() => ({}));
  const none = found.length === 0 && complaints.length === 0 ? ['No matching job found\n'] : [];
  const stderr = found.length > 0 ? '' : [...complaints, ...none].join('');
  return { stdout: history(found, world.site, world.now, known), stderr, exit: found.length > 0 ? 0 : 255 };
}

const BKILL = `Job ID or one of '-m', '-u' '-q' -'g' and '-J' must be specifiedUsage: bkill [-h] [-V] [-l] [-m host_name] [-q queue_name] [-g job_group]
               [-u user_name | -u all] [0] [-r | -s sigval] [-J job_name] 
               [jobId | "jobId[index_list]"]...`;

/** @param {readonly string[]} args @param {World} world @returns {Answer} */
export function bkill(args, world) {
  const { options, operands } = getopt(args, 'lhrm:q:g:u:s:J:');
  const name = options.findLast(option => option.name === 'J')?.value;
  const there = remembered(world);
  if (operands.length === 0 && name === undefined) return refuses(255, BKILL);
  if (name !== undefined || operands.includes('0')) {
    const own = there.filter(
      job => job.order.user === world.user && job.state !== 'over' && (name === undefined || isCalled(name, job)),
    );
    if (own.length === 0)
      return refuses(255, name === undefined ? 'No matching job found' : `Job <${name}> is not found`);
    world.kill(own);
    const ids = [...new Set(own.map(job => job.id))].sort((a, b) => (name === undefined ? a - b : b - a));
    return says(ids.map(id => `Job <${id}> is being terminated\n`).join(''));
  }
  return eachJob(
    operands,
    there,
    world,
    jobs => {
      const left = jobs.filter(job => job.state !== 'over');
      if (left.length === 0) return 'Job has already finished';
      world.kill(left);
      // a task that was killed before makes a whole array's end look doubtful
      const mixed = jobs.some(job => job.state === 'over' && job.end === 'cancelled');
      return mixed ? 'Operation is in progress' : undefined;
    },
    'is being terminated',
  );
}

/**
 * @param {readonly string[]} operands @param {readonly Job[]} there @param {World} world
 * @param {(jobs: readonly Job[]) => string | undefined} act @param {string} done
 * @returns {Answer}
 */
function eachJob(operands, there, world, act, done) {
  let [stdout, stderr] = ['', ''];
  for (const operand of operands) {
    const jobs = find(operand, there);
    if (!jobs) stderr += `${operand}: Illegal job ID.\n`;
    else if (jobs.length === 0) stderr += `Job <${operand}>: No matching job found\n`;
    else if (jobs.some(job => job.order.user !== world.user)) stderr += `Job <${operand}>: User permission denied\n`;
    else {
      const complaint = act(jobs);
      if (complaint) stderr += `Job <${operand}>: ${complaint}\n`;
      else stdout += `Job <${operand}> ${done}\n`;
    }
  }
  return { stdout, stderr, exit: stderr === '' ? 0 : 255 };
}

/** Only what waits can be held in the lab. @param {readonly string[]} args @param {World} world @returns {Answer} */
export const bstop = (args, world) =>
  eachJob(
    getopt(args, '').operands,
    remembered(world),
    world,
    jobs => {
      const waiting = jobs.filter(job => job.state === 'queued' || job.state === 'waits');
      if (waiting.length === 0) return 'Job has already finished';
      world.stop(waiting);
      return undefined;
    },
    'is being stopped',
  );

/** @param {readonly string[]} args @param {World} world @returns {Answer} */
export const bresume = (args, world) =>
  eachJob(
    getopt(args, '').operands,
    remembered(world),
    world,
    jobs => {
      const held = jobs.filter(job => job.state === 'held');
      if (held.length === 0) return 'Job has already finished';
      world.resume(held);
      return undefined;
    },
    'is being resumed',
  );
