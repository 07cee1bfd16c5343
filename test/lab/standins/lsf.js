import { hostname } from 'node:os';
import { says } from './answer.js';
import { bhist, bjobs, bkill, bresume, bstop, lsid, versionAnswer } from './lsf/commands.js';
import { orderOf, queues } from './lsf/order.js';
import { bhosts, bqueues } from './lsf/queues.js';
import { scriptFor } from './node.js';
import { speak, typed, user } from './program.js';
import * as slurm from './slurm.js';

/** @typedef {import('./answer.js').Answer} Answer */
/** @typedef {import('./lsf/show.js').Job} Job */

/** @type {import('./lsf/order.js').Site} */
const site = {
  ...{ cluster: 'lab', master: hostname(), queues: queues(2880, 16), queue: 'normal' },
  ...{ hosts: ['c1', 'c2'], cleanPeriod: 60 },
};

/** @param {readonly Job[]} jobs @param {'killed' | 'stopped' | 'resumed'} what */
function remember(jobs, what) {
  for (const job of jobs) slurm.note(job, `${slurm.noted(job) ?? ''}${Date.now()} ${what} ${user}\n`);
}

/** @param {Job} job @returns {import('./lsf/show.js').Known} */
const known = job => ({
  done: (slurm.noted(job) ?? '')
    .split('\n')
    .filter(Boolean)
    .map(line => {
      const [at, what, by = ''] = line.split(' ');
      return { at: new Date(Math.floor(Number(at) / 1000) * 1000), what: /** @type {'killed'} */ (what), by };
    }),
});

/** @returns {import('./lsf/commands.js').World} */
function world() {
  return {
    ...{ site, user, now: new Date(), jobs: slurm.jobs(), known },
    kill(jobs) {
      remember(jobs, 'killed');
      slurm.cancel(jobs.filter(job => !job.started));
      // the node's part knows in which order LSF sends its signals
      slurm.interrupt(jobs.filter(job => job.started));
    },
    stop(jobs) {
      remember(jobs, 'stopped');
      slurm.hold(jobs);
    },
    resume(jobs) {
      remember(jobs, 'resumed');
      slurm.release(jobs);
    },
  };
}

/** @param {readonly string[]} args @returns {Answer} */
function bsub(args) {
  const submission = typed(args);
  const read = orderOf(submission, site);
  if ('refusal' in read) return read.refusal;
  const { order, script, isDefault } = read;
  const waits = /^(?:done|ended|exit|started)?\(?(\d+)\)?$/.exec(order.depend ?? '')?.[1];
  if (waits !== undefined && !slurm.jobs().some(job => job.id === Number(waits))) {
    return { stdout: '', stderr: `${waits}: No matching job found. Job not submitted.\n`, exit: 255 };
  }
  const seconds = (order.limit ?? site.queues[order.queue]?.limit ?? 2880) * 60;
  const memory = Number(/\bmem=(\d+)/.exec(order.resources ?? '')?.[1] ?? 0);
  const each = Number(/\bptile=(\d+)/.exec(order.resources ?? '')?.[1] ?? 8);
  const nodes = /hosts=1\b/.test(order.resources ?? '') ? 1 : Math.ceil(order.slots / each);
  const request = {
    ...{
      queue: order.queue,
      nodes,
      cores: Math.ceil(order.slots / nodes),
      memory,
      seconds,
      array: order.array,
      held: order.held,
    },
    begin: order.begin === undefined ? undefined : new Date(order.begin * 1000),
    dependency: waits && `after${/^done/.test(order.depend ?? '') ? 'ok' : 'any'}:${waits}`,
  };
  const onNode = { ...order, script, seconds, master: site.master, cluster: site.cluster, env: submission.env };
  const id = slurm.submit(request, order, scriptFor('lsf', onNode));
  return says(
    process.env.BSUB_QUIET ? '' : `Job <${id}> is submitted to ${isDefault ? 'default ' : ''}queue <${order.queue}>.\n`,
  );
}

/** What asks mbatchd waits for it, however long it takes. */
async function batchDaemon() {
  while (!(await slurm.isUp())) {
    process.stderr.write('batch system daemon not responding ... still trying\n');
    for (let n = 0; n < 8 && !(await slurm.isUp()); n++) await new Promise(resolve => setTimeout(resolve, 1000));
  }
}

/** @param {string} program @param {string[]} args @returns {Promise<Answer>} */
async function answer(program, args) {
  if (args[0] === '-V') return versionAnswer;
  if (program === 'lsid') return lsid(site);
  await batchDaemon();
  switch (program) {
    case 'bsub':
      return bsub(args);
    case 'bjobs':
      return bjobs(args, world());
    case 'bhist':
      return bhist(args, world());
    case 'bkill':
      return bkill(args, world());
    case 'bstop':
      return bstop(args, world());
    case 'bresume':
      return bresume(args, world());
    case 'bqueues':
      return bqueues(args, world());
    default:
      return bhosts(args, world(), slurm.nodes());
  }
}

await speak(answer);
