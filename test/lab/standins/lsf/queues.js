import { refuses, says } from '../answer.js';
import { getopt } from '../getopt.js';

/** @typedef {import('./commands.js').World} World */
/** @typedef {import('./order.js').Queue} Queue */
/** @typedef {import('../answer.js').Answer} Answer */

/** @param {readonly string[]} args @param {World} world @returns {Answer} */
export function bqueues(args, world) {
  const { options, operands } = getopt(args, 'wlhu:m:');
  const user = options.findLast(option => option.name === 'u')?.value;
  const strange = operands.filter(name => !world.site.queues[name]);
  if (strange.length > 0) return refuses(255, strange.map(name => `${name}: No such queue`).join('\n'));
  const shown = Object.entries(world.site.queues).filter(
    ([name, { users }]) =>
      (operands.length === 0 || operands.includes(name)) && (user === undefined || !users || users.includes(user)),
  );
  if (options.some(option => option.name === 'l')) return says(long(shown, world));
  const rows = shown.map(([name, queue]) => {
    const here = world.jobs.filter(job => job.order.queue === name && job.state !== 'over');
    const [pending, running] = [here.filter(job => !job.started).length, here.filter(job => job.started).length];
    const status = `${queue.open ? 'Open' : 'Closed'}:${queue.active ? 'Active' : 'Inactive'}`;
    const middle = `${' '.repeat(Math.floor((19 - status.length) / 2))}${status}`;
    const counts = [here.length, pending, running, 0].map(n => String(n).padStart(5)).join(' ');
    return `${name.padEnd(14)}  ${String(queue.priority).padEnd(2)}${middle.padEnd(21)}-    -    -    - ${counts} \n`;
  });
  return says(`QUEUE_NAME     PRIO      STATUS      MAX  JL/U JL/P JL/H NJOBS  PEND  RUN  SUSP\n${rows.join('')}`);
}

/**
 * @param {readonly string[]} args @param {World} world @param {readonly import('../slurm.js').Node[]} nodes
 * @returns {Answer}
 */
export function bhosts(args, world, nodes) {
  const { options, operands } = getopt(args, 'wlh');
  const wide = options.some(option => option.name === 'w') ? 3 : 0;
  const strange = operands.find(name => !nodes.some(node => node.name === name));
  if (strange !== undefined) return refuses(255, `${strange}: Bad host name, host group name or cluster name`);
  const rows = nodes
    .filter(node => operands.length === 0 || operands.includes(node.name))
    .map(({ name, isDown, cores }) => {
      const used = world.jobs
        .filter(job => job.state === 'running' && job.nodes.includes(name))
        .reduce((sum, job) => sum + job.order.slots, 0);
      const status = isDown ? 'unreach' : used >= cores ? 'closed' : 'ok';
      const counts = [
        String(cores).padStart(6),
        String(used).padStart(6),
        String(used).padStart(6),
        ...['0', '0', '0'].map(n => n.padStart(6)),
      ];
      return `${name.padEnd(18)} ${status.padEnd(15 + wide)} - ${counts.join(' ')}\n`;
    });
  return says(
    `HOST_NAME          STATUS ${' '.repeat(wide)}      JL/U    MAX  NJOBS    RUN  SSUSP  USUSP    RSV \n${rows.join('')}`,
  );
}

/** `bqueues -l`. @param {readonly (readonly [string, Queue])[]} queues @param {World} world @returns {string} */
function long(queues, { site, jobs }) {
  const blocks = queues.map(([name, queue]) => {
    const here = jobs.filter(job => job.order.queue === name && job.state !== 'over');
    const [pending, running] = [here.filter(job => !job.started).length, here.filter(job => job.started).length];
    const status = `${queue.open ? 'Open' : 'Closed'}:${queue.active ? 'Active' : 'Inact_Adm'}`;
    const middle = `${' '.repeat(Math.ceil((18 - status.length) / 2))}${status}`.padEnd(20);
    const counts = [here.length, pending, running, 0, 0, 0].map((n, at) => String(n).padStart(at === 5 ? 4 : 5));
    const limits = [
      ...(queue.limit === undefined ? [] : [['RUNLIMIT', `${queue.limit.toFixed(1)} min of ${site.master}`]]),
      ...(queue.slots === undefined ? [] : [['PROCLIMIT', String(queue.slots)]]),
    ];
    const labels = limits.map(([label = '']) => ` ${label.padEnd(24)}`).join('');
    const values = limits.map(([label, value = '']) => ` ${label === 'PROCLIMIT' ? value : value.padEnd(24)}`).join('');
    return `
QUEUE: ${name}
  -- ${queue.description}${name === site.queue ? '  This is the default queue.' : ''}

PARAMETERS/STATISTICS
PRIO NICE     STATUS       MAX JL/U JL/P JL/H NJOBS  PEND  RUN  SSUSP USUSP  RSV
${String(queue.priority).padStart(4)}   0${middle}-    -    -    - ${counts.join(' ')}

${queue.delayed ? '' : 'Schedule delay for a new job is 0 seconds\n'}Interval for a host to accept two jobs is 0 seconds
${limits.length > 0 ? `\n${labels}\n${values}\n` : ''}
SCHEDULING PARAMETERS
           r15s   r1m  r15m   ut      pg    io   ls    it    tmp    swp    mem
 loadSched   -     -     -     -       -     -    -     -     -      -      -  
 loadStop    -     -     -     -       -     -    -     -     -      -      -  

USERS:  ${queue.users ? `${queue.users.join(' ')} ` : 'all users'}
HOSTS:  all hosts used by the OpenLava system

`;
  });
  return blocks.join(`${'-'.repeat(79)}\n`);
}
