import { says } from '../answer.js';
import { long } from '../clock.js';
import { getopt } from '../getopt.js';
import { kilobytes } from './attributes.js';
import { nativeId } from './commands.js';

/** @typedef {import('../slurm.js').Node} Node */
/** @typedef {import('../answer.js').Answer} Answer */

/**
 * `pbsnodes -a` and `-l`.
 * @param {readonly string[]} args @param {import('./commands.js').World} world @param {readonly Node[]} nodes
 * @returns {Answer}
 */
export function pbsnodes(args, { jobs, site, now }, nodes) {
  const { options, operands } = getopt(args, 'aclLvSjF:oprsH');
  if (options.some(o => o.name === 'l')) {
    const down = nodes.filter(node => node.isDown);
    return says(down.map(node => `${node.name.padEnd(20)} down node down: communication closed\n`).join(''));
  }
  const chosen = nodes.filter(node => operands.length === 0 || operands.includes(node.name));
  const blocks = chosen.map(({ name, isDown, cores, memory }) => {
    const here = jobs.filter(job => job.state === 'running' && job.nodes.includes(name));
    const taken = here.reduce((sum, job) => sum + job.order.chunk.cores, 0);
    const given = here.reduce((sum, job) => sum + kilobytes(job.order.chunk.memory ?? '0kb'), 0);
    const ids = here.map((job, n) => `${nativeId(job, site)}/${n}`).join(', ');
    const mom = site.host.replace(/^[^.]*/, name);
    const said = `Mom = ${mom}
ntype = PBS
state = ${isDown ? 'down' : taken >= cores ? 'job-busy' : 'free'}
pcpus = ${cores}
${ids && `jobs = ${ids}\n`}resources_available.arch = linux
resources_available.host = ${name}
resources_available.mem = ${memory * 1024}kb
resources_available.ncpus = ${cores}
resources_available.vnode = ${name}
resources_assigned.accelerator_memory = 0kb
resources_assigned.hbmem = 0kb
resources_assigned.mem = ${given}kb
resources_assigned.naccelerators = 0
resources_assigned.ncpus = ${taken}
resources_assigned.vmem = 0kb
resv_enable = True
sharing = default_shared
license = l
last_state_change_time = ${long(now)}
last_used_time = ${long(now)}`;
    return `${name}\n${said.replaceAll(/^/gm, '     ')}\n\n`;
  });
  return says(blocks.join(''));
}
