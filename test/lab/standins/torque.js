import { hostname } from 'node:os';
import { says } from './answer.js';
import { seconds } from './clock.js';
import { scriptFor } from './node.js';
import { speak, typed, user } from './program.js';
import * as slurm from './slurm.js';
import { asksVersion, pbsnodes, qdel, qhold, qrls, qselect, qstat, versionAnswer } from './torque/commands.js';
import { error, nodeCount, orderOf, perNode } from './torque/order.js';
import { away, queues } from './torque/site.js';

/** @typedef {import('./answer.js').Answer} Answer */
/** @typedef {import('./torque/attributes.js').Job} Job */

/** @type {import('./torque/site.js').Site} */
const site = {
  server: hostname(),
  address: '10.77.1.1',
  queues: queues('48:00:00'),
  nodes: [
    { name: 'c1', cores: 8 },
    { name: 'c2', cores: 8 },
  ],
  keepCompleted: 300,
};

/** @returns {import('./torque/commands.js').World} */
function world() {
  const now = new Date();
  /** @type {Job[]} */
  const all = slurm.jobs();
  const since = now.getTime() - site.keepCompleted * 1000;
  const ids = new Set(all.filter(job => !job.ended || job.ended.getTime() > since).map(job => job.id));
  return {
    site,
    user,
    now,
    jobs: all.filter(job => ids.has(job.id)),
    cancel: slurm.cancel,
    hold: slurm.hold,
    release: slurm.release,
  };
}

/** @param {readonly string[]} args @returns {Answer} */
function qsub(args) {
  const read = orderOf(typed(args), site);
  if ('refusal' in read) return read.refusal;
  const { order, script } = read;
  const resource = (/** @type {string} */ name) => order.resources.find(([key]) => key === name)?.[1];
  const nodes = resource('nodes') ?? '1';
  const request = {
    ...{
      queue: order.queue,
      nodes: nodeCount(nodes),
      cores: perNode(nodes),
      memory: Math.ceil(megabytes(resource('mem')) / nodeCount(nodes)),
    },
    ...{ seconds: seconds(resource('walltime') ?? '48:00:00') ?? 0, array: order.array, held: order.held },
    begin: order.begin === undefined ? undefined : new Date(order.begin * 1000),
    dependency: order.depend?.replace(/\.[\w.-]+/g, ''),
  };
  if (request.dependency !== undefined && !isKnown(request.dependency)) return error(208, 'Invalid Job Dependency');
  const onNode = { ...order, script, server: site.server, cores: request.cores, seconds: request.seconds };
  const id = slurm.submit(request, order, scriptFor('torque', onNode));
  return says(`${id}${order.array === undefined ? '' : '[]'}.${site.server}\n`);
}

/** @param {string} dependency @returns {boolean} */
function isKnown(dependency) {
  const ids = dependency.match(/\d+/g) ?? [];
  const { jobs } = world();
  return ids.every(id => jobs.some(job => job.id === Number(id)));
}

/** `2gb` in MiB. @param {string | undefined} text @returns {number} */
function megabytes(text) {
  const [, number = '0', unit = 'b'] = /^(\d+)([kmgt]?b)?$/i.exec(text ?? '') ?? [];
  return Math.ceil(Number(number) * 1024 ** ('bkmgt'.indexOf(unit.toLowerCase()[0] ?? 'b') - 2));
}

/** @param {string} program @param {string[]} args @returns {Promise<Answer>} */
async function answer(program, args) {
  if (asksVersion(args) && program !== 'qdel') return versionAnswer;
  if (!(await slurm.isUp())) return away(site, program, program === 'qstat');
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
