import { comment } from '../clock.js';
import { attributes, exitStatus, stateOf, waiting } from './attributes.js';

/** @typedef {import('./attributes.js').Job} Job */
/** @typedef {import('../family.js').Attributes} Attributes */
/** @typedef {readonly (readonly [string, string | Date | undefined])[]} Lines */

/**
 * An array as such: told as a job that has not begun, but for what its tasks have come to.
 * @param {readonly Job[]} tasks @param {Date} now @param {import('./site.js').Site} site
 * @param {import('./attributes.js').Known} known @returns {Attributes}
 */
export function arrayAttributes(tasks, now, site, known = {}) {
  const [first] = tasks;
  if (first === undefined) return [];
  const { task: _, started: __, ...whole } = first;
  const about = summary(tasks);
  const { isOver, began, changed, failed } = about;
  const isHeld = !isOver && first.state === 'held';
  const [state, substate] = stateOfAll(first, about);
  const queued = attributes({ ...whole, nodes: [], state: isHeld ? 'held' : 'queued', why: '' }, now, site, known);
  const told = isHeld ? known.comment : commentOf(first, about, site);

  /** @type {{ [name: string]: string | Date }} */
  const instead = { job_state: state, substate, mtime: changed };
  const resources = queued.findLast(([name]) => name.startsWith('Resource_List.'))?.[0] ?? '';
  const ended = isOver && began;
  /** @type {{ [name: string]: Lines }} */
  const behind = {
    [resources]: [
      ['stime', began],
      ['obittime', ended ? changed : undefined],
    ],
    Variable_List: [['comment', told]],
    etime: [
      ['Stageout_status', ended ? '1' : undefined],
      ['Exit_status', ended ? (failed ? '1' : '0') : undefined],
    ],
    Submit_arguments: [
      ...[
        ['array', 'True'],
        ['array_state_count', counts(tasks, about)],
      ],
      ...[
        ['array_indices_submitted', whole.order.array],
        ['array_indices_remaining', ranges(about.left)],
      ],
      ['history_timestamp', isOver ? String(changed.getTime() / 1000) : undefined],
    ].map(([name = '', value]) => [name, value]),
  };
  const lines = queued
    .filter(([name]) => name !== 'comment')
    .flatMap(([name, value]) => [/** @type {const} */ ([name, instead[name] ?? value]), ...(behind[name] ?? [])]);
  return /** @type {Attributes} */ (lines.filter(([, value]) => value !== undefined));
}

/** @typedef {ReturnType<typeof summary>} Summary */

/** @param {readonly Job[]} tasks */
function summary(tasks) {
  const started = tasks.flatMap(({ started }) => started ?? []);
  const times = tasks.map(job => (job.ended ?? job.started ?? job.submitted).getTime());
  return {
    isOver: tasks.every(job => job.state === 'over'),
    cancelled: tasks.every(job => job.state === 'over' && job.end === 'cancelled'),
    failed: tasks.some(job => exitStatus(job) !== 0),
    began: started.length > 0 ? new Date(Math.min(...started.map(time => time.getTime()))) : undefined,
    changed: new Date(Math.max(...times)),
    left: tasks.filter(job => job.state !== 'over' && !job.started).map(job => job.task ?? 0),
  };
}

/** @param {Job} first @param {Summary} about @returns {[string, string]} */
function stateOfAll(first, { isOver, cancelled, failed, began }) {
  if (isOver) return ['F', cancelled ? '91' : failed ? '93' : '92'];
  if (began) return ['B', '70'];
  return stateOf(first.state === 'over' ? { ...first, state: 'queued' } : first);
}

/** @param {Job} first @param {Summary} about @param {import('./site.js').Site} site @returns {string | undefined} */
function commentOf(first, { isOver, cancelled, failed, began }, site) {
  const start = began ? `Job Array Began at ${comment(began)}` : waiting(first, site);
  if (!isOver) return start;
  const end = cancelled ? 'terminated' : failed ? 'failed' : 'finished';
  return [start, `and ${end}`].filter(Boolean).join(' ');
}

/** @param {readonly Job[]} tasks @param {Summary} about @returns {string} */
function counts(tasks, { isOver, began }) {
  const count = (/** @type {Job['state'][]} */ ...states) => tasks.filter(job => states.includes(job.state)).length;
  const expired = isOver && began ? 0 : count('over');
  const queued = count('queued', 'held', 'waits', 'depends');
  return `Queued:${queued} Running:${count('running', 'suspended')} Exiting:${count('ending')} Expired:${expired}`;
}

/** `1,3-5`, or a dash for none. @param {readonly number[]} numbers @returns {string} */
function ranges(numbers) {
  /** @type {[number, number][]} */
  const spans = [];
  for (const n of numbers) {
    const last = spans.at(-1);
    if (last && last[1] === n - 1) last[1] = n;
    else spans.push([n, n]);
  }
  return spans.map(([first, end]) => (first === end ? String(first) : `${first}-${end}`)).join(',') || '-';
}
