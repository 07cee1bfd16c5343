import { text } from '../family.js';

/** @typedef {import('../family.js').Shown} Shown */

/** @type {{ [char: string]: string }} */
const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
/** @param {string} value @returns {string} */
const escaped = value => value.replaceAll(/[&<>"]/g, char => /** @type {string} */ (ENTITIES[char]));

/** `qstat -x`. @param {readonly Shown[]} jobs @returns {string} */
export const xml = jobs => `<?xml version="1.0"?>\n<Data>${jobs.map(element).join('')}</Data>\n`;

/** @param {Shown} job @returns {string} */
function element({ id, attributes }) {
  let out = `<Job><Job_Id>${id}</Job_Id>`;
  let open = '';
  for (const [name, value] of attributes) {
    const [group, inner] = name.includes('.') ? name.split('.', 2) : ['', name];
    if (group !== open) out += `${open && `</${open}>`}${group && `<${group}>`}`;
    open = /** @type {string} */ (group);
    const said = value instanceof Date ? String(Math.floor(value.getTime() / 1000)) : escaped(value);
    out += `<${inner}>${said}</${inner}>`;
  }
  return `${out}${open && `</${open}>`}</Job>`;
}

/** `qstat`; nothing at all where there is no job. @param {readonly Shown[]} jobs @returns {string} */
export function table(jobs) {
  if (jobs.length === 0) return '';
  const head = `Job ID                    Name             User            Time Use S Queue
------------------------- ---------------- --------------- -------- - -----
`;
  const rows = jobs.map(({ id, attributes }) => {
    const name = text(attributes, 'Job_Name');
    const shown = name.length > 16 ? `...${name.slice(-13)}` : name;
    const user = text(attributes, 'Job_Owner').replace(/@.*/, '');
    const used = text(attributes, 'resources_used.cput') || '0';
    const cells = [id.padEnd(26), shown.padEnd(16), user.padEnd(15), used.padStart(8)];
    return `${cells.join(' ')} ${text(attributes, 'job_state')} ${text(attributes, 'queue').padEnd(15)}\n`;
  });
  return head + rows.join('');
}

/**
 * `qstat -a` and `-u`, with `nodes` as `-n -1`.
 * @param {readonly Shown[]} jobs @param {string} server @param {boolean} nodes @returns {string}
 */
export function wideTable(jobs, server, nodes) {
  if (jobs.length === 0) return '';
  const head = `
${server}: 
                                                                                  Req'd       Req'd       Elap
Job ID                  Username    Queue    Jobname          SessID  NDS   TSK   Memory      Time    S   Time
----------------------- ----------- -------- ---------------- ------ ----- ------ --------- --------- - ---------
`;
  return head + jobs.map(job => wideRow(job, nodes)).join('');
}

/** @param {string} value @param {number} width @returns {string} */
const right = (value, width) => (value === '' ? '-- '.padStart(width) : value.padStart(width));

/** @param {Shown} job @param {boolean} nodes @returns {string} */
function wideRow({ id, attributes }, nodes) {
  const get = (/** @type {string} */ name) => text(attributes, name);
  const request = get('Resource_List.nodes');
  const count = get('Resource_List.nodect') || '1';
  const perNode = Number(/ppn=(\d+)/.exec(request)?.[1] ?? 1);
  const state = get('job_state');
  const limit = get('Resource_List.walltime');
  const cells = [
    id.padEnd(23),
    get('Job_Owner').replace(/@.*/, '').slice(0, 11).padEnd(11),
    get('queue').slice(0, 8).padEnd(8),
    get('Job_Name').slice(0, 16).padEnd(16),
    right(get('session_id'), 6),
    count.padStart(5),
    String(Number(count) * perNode).padStart(6),
    right(get('Resource_List.mem'), 9),
    right(limit, 9),
    state,
    right(elapsed(state, limit, get('Walltime.Remaining')), 9),
  ];
  return `${cells.join(' ')}${nodes ? `   ${get('exec_host') || ' -- '}` : ''}\n`;
}

/**
 * What is not known to remain counts as used, also for jobs that wait.
 * @param {string} state @param {string} limit @param {string} remaining @returns {string}
 */
function elapsed(state, limit, remaining) {
  if (!['R', 'W', 'S', 'E'].includes(state) || limit === '') return '';
  const total = limit.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  const used = Math.max(0, total - Number(remaining || 0));
  const parts = [Math.floor(used / 3600), Math.floor(used / 60) % 60, used % 60];
  return parts.map(part => String(part).padStart(2, '0')).join(':');
}
