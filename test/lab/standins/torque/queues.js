import { block } from '../family.js';
import { letter } from './attributes.js';

/** @typedef {import('./commands.js').World} World */
/** @typedef {import('./attributes.js').Job} Job */

/** How many are in which state. @param {readonly Job[]} jobs @returns {string} */
function counts(jobs) {
  const states = { Transit: 'T', Queued: 'Q', Held: 'H', Waiting: 'W', Running: 'R', Exiting: 'E', Complete: 'C' };
  const letters = jobs.map(letter);
  return Object.entries(states)
    .map(([name, one]) => `${name}:${letters.filter(l => l === one).length} `)
    .join('');
}

/** `qstat -Q`. @param {World} world @returns {string} */
export function queueTable({ site, jobs }) {
  const head = `Queue              Max    Tot   Ena   Str   Que   Run   Hld   Wat   Trn   Ext T   Cpt
----------------   ---   ----    --    --   ---   ---   ---   ---   ---   --- -   ---
`;
  const rows = Object.entries(site.queues).map(([name, queue]) => {
    const here = jobs.filter(job => job.order.queue === name).map(letter);
    /** @param {string} which */
    const count = which => String(here.filter(one => one === which).length).padStart(5);
    const yes = (/** @type {boolean} */ is) => (is ? 'yes' : 'no').padStart(5);
    const counts = ['Q', 'R', 'H', 'W', 'T', 'E'].map(count).join(' ');
    return `${name.padEnd(16)}     0  ${String(here.length).padStart(5)} ${yes(queue.enabled)} ${yes(queue.started)} ${counts} E ${count('C')}\n`;
  });
  return head + rows.join('');
}

/**
 * `qstat -Q -f`.
 * @param {readonly string[]} names @param {World} world @param {number | undefined} width @returns {string}
 */
export function queues(names, { site, jobs }, width) {
  const chosen = Object.entries(site.queues).filter(([name]) => names.length === 0 || names.includes(name));
  return chosen
    .map(([name, queue]) => {
      const here = jobs.filter(job => job.order.queue === name);
      const acl = queue.users
        ? [
            ['acl_user_enable', 'True'],
            ['acl_users', queue.users.join(',')],
          ]
        : [];
      const limit = queue.limit ? [['resources_max.walltime', queue.limit]] : [];
      const defaults = queue.defaults.map(([key, value]) => [`resources_default.${key}`, value]);
      const is = (/** @type {boolean} */ yes) => (yes ? 'True' : 'False');
      const attributes = [
        ...[
          ['queue_type', 'Execution'],
          ['total_jobs', String(here.length)],
          ['state_count', counts(here)],
        ],
        ...[...acl, ...limit, ...defaults, ['mtime', '1795317334']],
        ...[
          ['enabled', is(queue.enabled)],
          ['started', is(queue.started)],
        ],
      ];
      return block(
        `Queue: ${name}`,
        attributes.map(([key = '', value = '']) => [key, value]),
        width,
      );
    })
    .join('');
}

/**
 * `qstat -B -f`: as an administrator left it.
 * @param {World} world @param {number | undefined} width @returns {string}
 */
export function server({ site, jobs }, width) {
  const said = `server_state = Active
scheduling = True
total_jobs = ${jobs.length}
state_count = ${counts(jobs)}
acl_hosts = ${site.server}
managers = root@${site.server}
operators = root@${site.server}
default_queue = ${Object.keys(site.queues)[0]}
log_events = 2047
mail_from = adm
query_other_jobs = True
node_check_rate = 150
tcp_timeout = 300
job_stat_rate = 300
poll_jobs = True
down_on_error = True
mom_job_sync = True
pbs_version = 6.1.3.h5
keep_completed = ${site.keepCompleted}
next_job_number = ${Math.max(1, ...jobs.map(job => job.id)) + 1}
net_counter = 1 0 0
moab_array_compatible = True
nppcu = 1
timeout_for_job_delete = 120
timeout_for_job_requeue = 120
note_append_on_error = True`;
  const lines = said.split('\n').map(line => line.split(' = '));
  return block(
    `Server: ${site.server}`,
    lines.map(([key = '', value = '']) => [key, value]),
    width,
  );
}
