import { hostname } from 'node:os';
import { says } from './answer.js';
import { long, seconds } from './clock.js';
import { scriptFor } from './node.js';
import { kilobytes } from './pbs/attributes.js';
import { qdel, qhold, qrls, qselect, qstat, versionAnswer } from './pbs/commands.js';
import { pbsnodes } from './pbs/nodes.js';
import { orderOf } from './pbs/order.js';
import { away, queues } from './pbs/site.js';
import { speak, typed, user } from './program.js';
import * as slurm from './slurm.js';

/** @typedef {import('./answer.js').Answer} Answer */
/** @typedef {import('./pbs/attributes.js').Job} Job */

/** @type {import('./pbs/site.js').Site} */
const site = { server: hostname(), host: hostname(), queues: queues('48:00:00', 16) };

/** Noted beside a running job that qdel was told to end. */
const DELETED = 'deleted';

/** @returns {import('./pbs/commands.js').World} */
function world() {
  const now = new Date();
  /** @param {readonly Job[]} jobs */
  const hold = jobs => {
    slurm.hold(jobs);
    for (const job of jobs) slurm.note(job, `Job held by ${user} on ${long(now)}`);
  };
  /** @param {readonly Job[]} jobs */
  const cancel = jobs => {
    slurm.cancel(jobs);
    for (const job of jobs) if (job.started) slurm.note(job, DELETED);
  };
  /** @param {Job} job */
  const known = job => ({ comment: (slurm.noted(job) ?? '').replace(DELETED, '') });
  /** @type {Job[]} */
  const all = slurm.jobs();
  // Slurm tells only afterwards why a job ends
  const jobs = all.map(job =>
    job.state === 'ending' && slurm.noted(job) === DELETED ? { ...job, end: /** @type {const} */ ('cancelled') } : job,
  );
  return { site, user, now, jobs, cancel, hold, release: slurm.release, known };
}

/** @param {readonly string[]} args @returns {Answer} */
function qsub(args) {
  const read = orderOf(typed(args), site);
  if ('refusal' in read) return read.refusal;
  const { order, script } = read;
  const walltime = order.resources.find(([key]) => key === 'walltime')?.[1] ?? '48:00:00';
  const { count, cores, memory } = order.chunk;
  const dependency = order.depend?.replace(/\.\w+/g, '');
  const isKnown = dependency === undefined || slurm.jobs().some(job => job.id === Number(/\d+/.exec(dependency)?.[0]));
  const request = {
    ...{ queue: order.queue, nodes: count, cores, memory: memory ? Math.ceil(kilobytes(memory) / 1024) : 0 },
    // what a job waits for need not be known here
    ...{ seconds: seconds(walltime) ?? 0, array: order.array, held: order.held || !isKnown },
    begin: order.begin === undefined ? undefined : new Date(order.begin * 1000),
    dependency: isKnown ? dependency : undefined,
  };
  const onNode = { ...order, script, server: site.server, cores, seconds: request.seconds };
  const id = slurm.submit(request, order, scriptFor('pbs', onNode));
  return says(`${id}${order.array === undefined ? '' : '[]'}.${site.server}\n`);
}

/** @param {string} program @param {string[]} args @returns {Promise<Answer>} */
async function answer(program, args) {
  if (args.includes('--version')) return versionAnswer;
  if (!(await slurm.isUp())) return away(site, program, args, new Date());
  switch (program) {
    case 'qsub':
      return qsub(args);
    case 'qstat':
      return qstat(args, world());
    case 'qselect':
      return qselect(args, world());
    case 'qdel':
      return qdel(args, world());
    case 'qhold':
      return qhold(args, world());
    case 'qrls':
      return qrls(args, world());
    default:
      return pbsnodes(args, world(), slurm.nodes());
  }
}

await speak(answer);
