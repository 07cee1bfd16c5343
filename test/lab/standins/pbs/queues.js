import { block } from '../family.js';
import { kilobytes, stateOf } from './attributes.js';

/** @typedef {import('./commands.js').World} World */
/** @typedef {import('./attributes.js').Job} Job */

/** How many are in which state. @param {readonly Job[]} jobs @returns {string} */
function counts(jobs) {
  const states = { Transit: 'T', Queued: 'Q', Held: 'H', Waiting: 'W', Running: 'R', Exiting: 'E', Begun: 'B' };
  const letters = jobs.map(job => stateOf(job)[0]);
  return Object.entries(states)
    .map(([name, one]) => `${name}:${letters.filter(l => l === one).length} `)
    .join('');
}

/** What running jobs have been given. @param {readonly Job[]} jobs @returns {[string, string][]} */
function assigned(jobs) {
  const running = jobs.filter(job => job.state === 'running').map(job => job.order.chunk);
  if (running.length === 0) return [];
  const sum = (/** @type {(chunk: typeof running[number]) => number} */ of) =>
    running.reduce((all, chunk) => all + of(chunk), 0);
  const memory = sum(({ count, memory }) => count * kilobytes(memory ?? '0kb')) / 1024;
  const all = {
    mem: `${memory}mb`,
    mpiprocs: '0',
    ncpus: String(sum(({ count, cores }) => count * cores)),
    nodect: String(sum(c => c.count)),
  };
  return Object.entries(all).map(([key, value]) => [`resources_assigned.${key}`, value]);
}

/** `qstat -Q`. @param {World} world @returns {string} */
export function queueTable({ site, jobs }) {
  const head = `Queue              Max   Tot Ena Str   Que   Run   Hld   Wat   Trn   Ext Type
---------------- ----- ----- --- --- ----- ----- ----- ----- ----- ----- ----
`;
  const rows = Object.entries(site.queues).map(([name, queue]) => {
    const here = jobs.filter(job => job.order.queue === name && job.state !== 'over').map(job => stateOf(job)[0]);
    const count = (/** @type {string} */ letter) => String(here.filter(one => one === letter).length).padStart(5);
    const yes = (/** @type {boolean} */ is) => (is ? 'yes' : 'no').padStart(3);
    const counts = ['Q', 'R', 'H', 'W', 'T', 'E'].map(count).join(' ');
    return `${name.padEnd(16)}     0 ${String(here.length).padStart(5)} ${yes(queue.enabled)} ${yes(queue.started)} ${counts} Exe*\n`;
  });
  return head + rows.join('');
}

/** `qstat -Q -f`. @param {readonly string[]} names @param {World} world @returns {string} */
export function queues(names, { site, jobs }) {
  const chosen = Object.entries(site.queues).filter(([name]) => names.length === 0 || names.includes(name));
  return chosen
    .map(([name, queue]) => {
      const here = jobs.filter(job => job.order.queue === name && job.state !== 'over');
      const is = (/** @type {boolean} */ yes) => (yes ? 'True' : 'False');
      const attributes = [
        ...[
          ['queue_type', 'Execution'],
          ['total_jobs', String(here.length)],
          ['state_count', counts(here)],
        ],
        ...(queue.users
          ? [
              ['acl_user_enable', 'True'],
              ['acl_users', queue.users.join(',')],
            ]
          : []),
        ...(queue.cores ? [['resources_max.ncpus', String(queue.cores)]] : []),
        ...(queue.limit ? [['resources_max.walltime', queue.limit]] : []),
        ...(queue.walltime ? [['resources_default.walltime', queue.walltime]] : []),
        ...[...assigned(here), ['enabled', is(queue.enabled)], ['started', is(queue.started)]],
      ];
      return block(
        `Queue: ${name}`,
        attributes.map(([key = '', value = '']) => [key, value]),
        79,
      );
    })
    .join('');
}

/** `qstat -B -f`: as an administrator left it. @param {World} world @returns {string} */
export function server({ site, jobs }) {
  const here = jobs.filter(job => job.state !== 'over');
  const said = `server_state = Active
server_host = ${site.host}
scheduling = True
total_jobs = ${here.length}
state_count = ${counts(here)}
default_queue = ${Object.keys(site.queues)[0]}
log_events = 511
mailer = /usr/sbin/sendmail
mail_from = adm
query_other_jobs = True
resources_default.ncpus = 1
default_chunk.ncpus = 1
${assigned(here)
  .map(pair => `${pair.join(' = ')}\n`)
  .join('')}scheduler_iteration = 600
flatuid = True
resv_enable = True
node_fail_requeue = 310
max_array_size = 10000
resend_term_delay = 5
pbs_license_min = 0
pbs_license_max = 2147483647
pbs_license_linger_time = 31536000
license_count = Avail_Global:1000000 Avail_Local:1000000 Used:0 High_Use:0
pbs_version = 23.06.06
eligible_time_enable = False
job_history_enable = True
max_concurrent_provision = 5
clear_topjob_estimates_enable = False
max_job_sequence_id = 9999999`;
  const lines = said.split('\n').map(line => line.split(' = '));
  return block(
    `Server: ${site.server}`,
    lines.map(([key = '', value = '']) => [key, value]),
    79,
  );
}
