import { refuses, says } from '../answer.js';
import { full } from '../family.js';
import { getopt, last } from '../getopt.js';
import { arrayAttributes, attributes, letter } from './attributes.js';
import { queues, queueTable, server } from './queues.js';
import { table, wideTable, xml } from './show.js';

/** @typedef {import('./attributes.js').Job} Job */
/** @typedef {import('./site.js').Site} Site */
/** @typedef {import('../answer.js').Answer} Answer */

/** What the commands work on.
 * @typedef {object} World
 * @property {Site} site
 * @property {string} user who asks
 * @property {Date} now
 * @property {readonly Job[]} jobs those that Torque remembers, by id and task
 * @property {(jobs: readonly Job[]) => void} cancel
 * @property {(jobs: readonly Job[]) => void} hold
 * @property {(jobs: readonly Job[]) => void} release
 * @property {{ readonly [job: string]: Parameters<typeof attributes>[3] }} [known] by native id
 */

/** @param {Job} job @param {Site} site @returns {string} */
export const nativeId = ({ id, task }, { server }) => `${id}${task === undefined ? '' : `[${task}]`}.${server}`;

/**
 * The jobs that an id means: one, or the tasks of an array. Nothing for what is no id.
 * @param {string} text @param {World} world
 * @returns {{ jobs: readonly Job[], whole: boolean, id: string } | undefined}
 */
function find(text, { jobs, site }) {
  const [, number, brackets, task, server = site.server] = /^(\d+)(\[(\d*)\])?(?:\.(\S+))?$/.exec(text) ?? [];
  if (number === undefined) return undefined;
  const same = server === site.server ? jobs.filter(job => job.id === Number(number)) : [];
  const id = `${number}${brackets ?? ''}.${server}`;
  if (brackets === '[]') return { jobs: same.filter(job => job.task !== undefined), whole: true, id };
  return { jobs: same.filter(job => job.task === (task === undefined ? undefined : Number(task))), whole: false, id };
}

/** @param {readonly Job[]} jobs @param {World} world @param {boolean} tasks told one by one */
function shown(jobs, { site, user, now, known = {} }, tasks) {
  /** @param {Job} job @param {string} id */
  const about = (job, id) => ({ ...known[id], isOwn: job.order.user === user });
  return jobs.flatMap((job, at) => {
    const id = nativeId(job, site);
    if (tasks || job.task === undefined) return [{ id, attributes: attributes(job, now, site.server, about(job, id)) }];
    if (jobs[at - 1]?.id === job.id) return [];
    const array = `${job.id}[].${site.server}`;
    const members = jobs.filter(other => other.id === job.id);
    return [{ id: array, attributes: arrayAttributes(members, now, site.server, about(job, array)) }];
  });
}

const version = 'Version: 6.1.3.h5\nCommit: 4decc716daa73044648b5578ef68d89713d2f6a2\n';

/** @param {readonly string[]} args @returns {boolean} */
export const asksVersion = args => args.includes('--version');
export const versionAnswer = says(version);

/** @param {readonly string[]} args @param {World} world @returns {Answer} */
export function qstat(args, world) {
  const { options, operands } = getopt(args, 'aefF:iIlMn1qQrRstTu:W:xB');
  /** @param {string} name */
  const has = name => options.some(option => option.name === name);
  const width = has('1') ? undefined : 78;
  if (has('Q')) return says(has('f') ? queues(operands, world, width) : queueTable(world));
  if (has('B')) return says(server(world, width));
  const tasks = has('t');
  /** @param {ReturnType<typeof shown>} list @returns {string} */
  const render = list => {
    if (has('x')) return xml(list);
    if (has('f')) return full(list, width);
    return has('a') || has('u') || has('n') ? wideTable(list, world.site.server, has('n')) : table(list);
  };
  const user = last(options, 'u');
  if (operands.length === 0) {
    const those = user === undefined ? world.jobs : world.jobs.filter(job => job.order.user === user);
    return says(render(shown(those, world, tasks)));
  }
  let [stdout, stderr, exit] = ['', '', 0];
  /** @type {ReturnType<typeof shown>} */
  const listed = [];
  for (const operand of operands) {
    const found = find(operand, world);
    if (!found) {
      const complaint = `qstat: illegally formed job identifier: ${operand}`;
      return { stdout, stderr: `${stderr}${complaint}\nqstat: Error (1 - Operation not permitted) \n`, exit: 1 };
    }
    if (found.jobs.length === 0) {
      stderr += `qstat: Unknown Job Id Error ${found.id}\n`;
      exit = 153;
      continue;
    }
    // without -t an array's id lists what everybody has
    const list = shown(found.whole && !tasks ? world.jobs : found.jobs, world, tasks || !found.whole);
    if (has('x')) stdout += render(list);
    else listed.push(...list);
  }
  return { stdout: has('x') ? stdout : render(listed), stderr, exit };
}

/** @param {readonly string[]} args @param {World} world @returns {Answer} */
export function qselect(args, { jobs, site }) {
  const { options } = getopt(args, 'a:A:c:h:l:N:p:q:r:s:u:');
  const [user, name, states, queue] = ['u', 'N', 's', 'q'].map(letter => last(options, letter));
  if (queue !== undefined && !site.queues[queue]) return refuses(172, 'qselect: Unknown queue destination');
  const found = jobs.filter(job => {
    const { order, task } = job;
    const called = task === undefined ? order.name : `${order.name}-${task}`;
    if (user !== undefined && order.user !== user.replace(/@.*/, '')) return false;
    if (queue !== undefined && order.queue !== queue) return false;
    return (name === undefined || called === name) && (states === undefined || states.includes(letter(job)));
  });
  return says(found.map(job => `${nativeId(job, site)}\n`).join(''));
}

const QDEL = `usage: qdel [{ -a | -c | -p | -t | -W delay | -m message}] [-b retry_seconds] [<JOBID>[<JOBID>]|'all'|'ALL']...
       -a -c, -m, -p, -t, and -W are mutually exclusive`;

/** @param {readonly string[]} args @param {World} world @returns {Answer} */
export function qdel(args, world) {
  const { options, operands, unknown } = getopt(args, 'acpm:t:W:b:');
  const strange = unknown.map(letter => `qdel: invalid option -- '${letter}'\n`).join('');
  if (unknown.length > 0 || operands.length === 0) return refuses(2, strange + QDEL);
  const range = last(options, 't');
  const own = world.jobs.filter(job => job.order.user === world.user && job.state !== 'over');
  if (operands[0] === 'all') {
    world.cancel(own);
    return says('');
  }
  return eachJob('qdel', operands, world, (jobs, id) => {
    const chosen = range === undefined ? jobs : jobs.filter(job => inRange(range, job.task));
    if (chosen.every(job => job.state === 'over')) {
      return [170, `Request invalid for state of job MSG=invalid state for job - COMPLETE ${id}`];
    }
    world.cancel(chosen.filter(job => job.state !== 'over'));
    return undefined;
  });
}

/** @param {string} range @param {number | undefined} task @returns {boolean} */
const inRange = (range, task) =>
  range.split(',').some(part => {
    const [first, end = first] = part.split('-').map(Number);
    return task !== undefined && task >= Number(first) && task <= Number(end);
  });

/**
 * @param {string} program @param {readonly string[]} operands @param {World} world
 * @param {(jobs: readonly Job[], id: string) => readonly [number, string] | undefined} act
 * @returns {Answer}
 */
function eachJob(program, operands, world, act) {
  let [stderr, exit] = ['', 0];
  for (const operand of operands) {
    const found = find(operand, world);
    if (!found)
      return { stdout: '', stderr: `${stderr}${program}: illegally formed job identifier: ${operand}\n`, exit: 1 };
    const isForeign = found.jobs.some(job => job.order.user !== world.user);
    /** @type {readonly [number, string] | undefined} */
    let complaint;
    if (found.jobs.length === 0)
      complaint = [153, program === 'qdel' ? `nonexistent job id: ${operand}` : `Unknown Job Id Error ${found.id}`];
    else if (isForeign) complaint = [159, `Unauthorized Request  MSG=operation not permitted ${found.id}`];
    else complaint = act(found.jobs, found.id);
    if (complaint) {
      exit = complaint[0];
      stderr += `${program}: ${complaint[1]}\n`;
    }
  }
  return { stdout: '', stderr, exit };
}

/** @param {readonly string[]} args @param {World} world @returns {Answer} */
export const qhold = (args, world) =>
  eachJob('qhold', getopt(args, 'h:t:').operands, world, jobs => {
    world.hold(jobs.filter(job => job.state === 'queued' || job.state === 'waits'));
    return undefined;
  });

/** @param {readonly string[]} args @param {World} world @returns {Answer} */
export const qrls = (args, world) =>
  eachJob('qrls', getopt(args, 'h:t:').operands, world, jobs => {
    world.release(jobs.filter(job => job.state === 'held'));
    return undefined;
  });

/** @typedef {import('../slurm.js').Node} Node */

/** @param {readonly string[]} args @param {World} world @param {readonly Node[]} nodes @returns {Answer} */
export function pbsnodes(args, world, nodes) {
  const { options, operands } = getopt(args, 'acdlnopqrsxN:');
  /** @param {Node} node */
  const load = node => world.jobs.filter(job => job.state === 'running' && job.nodes.includes(node.name));
  /** @param {Node} node */
  const stateOf = node => (node.isDown ? 'down' : load(node).length > 0 ? 'job-exclusive' : 'free');
  if (options.some(o => o.name === 'l')) {
    const chosen = nodes.filter(node => operands[0] === 'all' || node.isDown);
    return says(chosen.map(node => `${node.name.padEnd(20)} ${stateOf(node)}\n`).join(''));
  }
  if (operands.some(name => !nodes.some(node => node.name === name))) {
    return refuses(1, 'pbsnodes: Unknown node  MSG=cannot locate specified node');
  }
  const chosen = nodes.filter(node => operands.length === 0 || operands.includes(node.name));
  const all = chosen.map(node => {
    const jobs = load(node)
      .map((job, n) => `${n}/${nativeId(job, world.site)}`)
      .join(', ');
    const lines = [
      ['state', stateOf(node)],
      ['power_state', 'Running'],
      ['np', String(node.cores)],
      ['ntype', 'cluster'],
    ];
    if (jobs) lines.push(['jobs', jobs]);
    lines.push(['status', `opsys=linux,ncpus=${node.cores},physmem=${node.memory * 1024}kb,state=${stateOf(node)}`]);
    lines.push(['mom_service_port', '15002'], ['mom_manager_port', '15003']);
    return { name: node.name, lines };
  });
  if (options.some(o => o.name === 'x')) {
    const elements = all.map(
      ({ name, lines }) => `<Node><name>${name}</name>${lines.map(([k, v]) => `<${k}>${v}</${k}>`).join('')}</Node>`,
    );
    return says(`<Data>${elements.join('')}</Data>\n`);
  }
  return says(
    all.map(({ name, lines }) => `${name}\n${lines.map(([k, v]) => `     ${k} = ${v}\n`).join('')}\n`).join(''),
  );
}
