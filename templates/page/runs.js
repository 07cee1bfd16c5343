/** @import { RunView } from '../../src/reana/edge/overview.js' */
import { h, rows, setAttribute, setStyle, setText } from './dom.js';
import { count, duration, timeOf, wholeTime } from './format.js';
import { command, stateMark } from './marks.js';

export const isActive = (/** @type {RunView} */ run) => ['queued', 'pending', 'running'].includes(run.status);

/** How long it took, or has taken until now. @param {RunView} run @param {number} now */
export const lengthOf = ({ started, ended }, now) => (started === undefined ? '' : duration((ended ?? now) - started));

/** Whose run it is, if it is not the reader's own. @param {RunView} run */
export const whose = ({ owner, isReadOnly }) =>
  owner === undefined ? '' : isReadOnly ? `shared with you by ${owner}` : `of ${owner}`;

/** All runs, newest first. */
export function runsView() {
  const list = h('ol', { class: 'runs' });
  const empty = h(
    'div',
    { class: 'empty', hidden: true },
    h('p', {}, 'No runs yet. In the directory of an analysis, start one with'),
    h('p', {}, command('scailfin run reana.yaml')),
    h('p', {}, 'or with any reana-client: it appears here.'),
  );
  const element = h(
    'section',
    { class: 'card', 'aria-labelledby': 'runs-title' },
    ...[h('h2', { id: 'runs-title' }, 'Runs'), empty, list],
  );
  let now = 0;
  const show = rows(
    list,
    (/** @type {RunView} */ run) => run.id,
    ({ id, name }) => {
      const [mark, progress] = [stateMark(), progressBar()];
      const [started, length] = [h('span', { class: 'when' }), h('span', { class: 'length' })];
      const owner = h('span', { class: 'quiet' });
      const link = h('a', { class: 'name', href: `#/runs/${id}` }, name, ' ', owner);
      const row = h('li', {}, mark.element, link, progress.element, started, length);
      /** @param {RunView} run */
      const update = run => {
        mark.update(run.status);
        progress.update(run);
        setText(owner, whose(run));
        const time = run.started ?? run.created;
        setText(started, `${run.started ? 'started' : 'created'} ${timeOf(time, now)}`);
        setAttribute(started, 'title', wholeTime(time));
        setText(length, lengthOf(run, now));
      };
      return { element: row, update };
    },
  );
  /** @param {readonly RunView[]} runs @param {number} time */
  const update = (runs, time) => {
    now = time;
    setAttribute(empty, 'hidden', runs.length > 0);
    show(runs);
  };
  return { element, update };
}

/** The numbers of finished, failed and running steps, as a bar and in words. */
export function progressBar() {
  const parts = ['finished', 'failed', 'running'].map(look => ({ look, bar: h('i', { class: look }) }));
  const words = h('span', { class: 'words' });
  const bar = h('span', { class: 'bar', 'aria-hidden': 'true' }, ...parts.map(part => part.bar));
  const element = h('span', { class: 'progress' }, bar, words);
  /** @param {RunView} run */
  const update = run => {
    const all = run.progress;
    const total = Math.max(all.total, all.running + all.finished + all.failed);
    for (const { look, bar } of parts) {
      const n = all[/** @type {'finished' | 'failed' | 'running'} */ (look)];
      setStyle(bar, 'width', `${(100 * n) / Math.max(1, total)}%`);
    }
    const failed = all.failed > 0 ? `, ${all.failed} failed` : '';
    setText(words, total === 0 ? 'no steps yet' : `${all.finished} of ${count(total, 'step')}${failed}`);
  };
  return { element, update };
}
