import { text } from '../family.js';
import { jsonText } from './site.js';

/** @typedef {import('../family.js').Shown} Shown */

/** `qstat`; nothing at all where there is no job. @param {readonly Shown[]} jobs @returns {string} */
export function table(jobs) {
  if (jobs.length === 0) return '';
  const head = `Job id            Name             User              Time Use S Queue
----------------  ---------------- ----------------  -------- - -----
`;
  const rows = jobs.map(({ id, attributes }) => {
    const name = text(attributes, 'Job_Name');
    const used = text(attributes, 'resources_used.cput') || '0';
    const user = text(attributes, 'Job_Owner').replace(/@.*/, '');
    const cells = [id.padEnd(17), cut(name, 16).padEnd(16), user.padEnd(17), used.padStart(8)];
    return `${cells.join(' ')} ${text(attributes, 'job_state')} ${text(attributes, 'queue').padEnd(16)}\n`;
  });
  return head + rows.join('');
}

/** What is too long ends with a star. @param {string} value @param {number} width @returns {string} */
const cut = (value, width) => (value.length > width ? `${value.slice(0, width - 1)}*` : value);

/**
 * `qstat -a` and `-u`; with nodes for `-n -1`, with comments for `-s`.
 * @param {readonly Shown[]} jobs @param {string} server @param {{ nodes: boolean, comments: boolean }} more
 * @returns {string}
 */
export function wideTable(jobs, server, { nodes, comments }) {
  if (jobs.length === 0) return '';
  const head = `
${server}: 
                                                            Req'd  Req'd   Elap
Job ID          Username Queue    Jobname    SessID NDS TSK Memory Time  S Time
--------------- -------- -------- ---------- ------ --- --- ------ ----- - -----
`;
  const rows = jobs.map(job => {
    const where = nodes ? ` ${text(job.attributes, 'exec_host') || ' -- '}` : '';
    const why = comments ? `   ${short(text(job.attributes, 'comment')) || ' -- '}\n` : '';
    return `${wideRow(job)}${where}\n${why}`;
  });
  return head + rows.join('');
}

/** A comment that fits a line. @param {string} comment @returns {string} */
const short = comment => (comment.length > 73 ? `${comment.slice(0, 70)}...` : comment);

/** @param {string} value @param {number} width @returns {string} */
const right = (value, width) => (value === '' ? '-- '.padStart(width) : value.padStart(width));

/** @param {Shown} job @returns {string} */
function wideRow({ id, attributes }) {
  const get = (/** @type {string} */ name) => text(attributes, name);
  const used = get('resources_used.walltime');
  const limit = get('Resource_List.walltime');
  return [
    ...[id.padEnd(15), cut(get('Job_Owner').replace(/@.*/, ''), 8).padEnd(8), cut(get('queue'), 8).padEnd(8)],
    ...[cut(get('Job_Name'), 10).padEnd(10), right(get('session_id'), 6), get('Resource_List.nodect').padStart(3)],
    ...[get('Resource_List.ncpus').padStart(3), right(get('Resource_List.mem'), 6), right(limit.slice(0, 5), 5)],
    ...[get('job_state'), right(used.slice(0, 5), 5)],
  ].join(' ');
}

/** `qstat -f -F dsv`. @param {readonly Shown[]} jobs @returns {string} */
export const bars = jobs =>
  jobs
    .map(
      ({ id, attributes }) =>
        `${[`Job Id: ${id}`, ...attributes.map(([name]) => `${name}=${text(attributes, name)}`)].join('|')}\n`,
    )
    .join('');

/**
 * `qstat -f -F json`: of several ids that were asked for, only the first.
 * @param {readonly Shown[]} jobs @param {string} server @param {Date} now @returns {string}
 */
export const json = (jobs, server, now) => jsonText(server, now, jobs.map(member));

/** @param {Shown} job @returns {string} */
function member({ id, attributes }) {
  /** @type {string[]} */
  const lines = [];
  let open = '';
  for (const [name] of attributes) {
    const value = text(attributes, name);
    const [group, inner] = name.includes('.') ? name.split('.', 2) : ['', name];
    if (name === 'Variable_List') {
      const pairs = value.match(/(?:[^,\\]|\\.)+/g) ?? [];
      const own = pairs.map(pair =>
        valueLine(4, pair.replace(/=.*/s, ''), pair.replace(/^[^=]*=/, '').replaceAll(/\\(.)/g, '$1')),
      );
      lines.push(`\t\t\t"${name}":\t{\n${own.join(',\n')}\n\t\t\t}`);
    } else if (group === '') lines.push(valueLine(3, name, value));
    else if (group === open)
      lines[lines.length - 1] =
        `${(lines.at(-1) ?? '').replace(/\n\t\t\t\}$/, '')},\n${valueLine(4, inner ?? '', value)}\n\t\t\t}`;
    else lines.push(`\t\t\t"${group}":\t{\n${valueLine(4, inner ?? '', value)}\n\t\t\t}`);
    open = group ?? '';
  }
  return `\t\t"${id}":\t{\n${lines.join(',\n')}\n\t\t}`;
}

/**
 * What looks like a number is told as one, but for names.
 * @param {number} depth @param {string} name @param {string} value @returns {string}
 */
function valueLine(depth, name, value) {
  const isNumber = name !== 'Job_Name' && /^-?\d+(\.\d+)?$/.test(value);
  return `${'\t'.repeat(depth)}"${name}":\t${isNumber ? Number(value) : JSON.stringify(value)}`;
}
