/** @import { RunView, StepView } from '../../src/reana/edge/overview.js' */
import { h, setText, visible } from './dom.js';
import { count, duration, timeOf } from './format.js';
import { finder, stateOf } from './graph.js';
import { stateMark } from './marks.js';

/** @typedef {{ text: string, state?: string | undefined }} Cell */
/** @typedef {{ name: string, cells: Cell[] }} Line */
/** @typedef {{ element: HTMLElement, heads: HTMLElement[], body: HTMLElement }} Grid */

/** @param {string} text @param {string} [state] @returns {Cell} */
export const cell = (text, state) => ({ text, state });

/** A table with a line's name, a column for each run, and one for their difference. @param {string} label @param {string} what @returns {Grid} */
export function grid(label, what) {
  const body = h('tbody');
  const heads = [1, 2].map(() => h('th', { scope: 'col' }));
  const corner = what ? h('th', { scope: 'col' }, what) : h('td');
  const head = h('thead', {}, h('tr', {}, corner, ...heads));
  const caption = h('caption', { class: 'unseen' }, label);
  const table = h('table', { class: 'compared' }, caption, head, body);
  const element = h('div', { class: 'wide', tabindex: '0', role: 'region', 'aria-label': label }, table);
  return { element, heads, body };
}

/** Replaces the lines if they differ from those that are shown. @param {Grid} grid @param {readonly Line[]} lines */
export function fill({ body }, lines) {
  const key = JSON.stringify(lines);
  if (body.dataset.key === key) return;
  body.dataset.key = key;
  body.replaceChildren(
    ...lines.map(({ name, cells }) => h('tr', {}, h('th', { scope: 'row' }, name), ...cells.map(cellOf))),
  );
}

/** @param {Cell} cell */
function cellOf({ text, state }) {
  const element = h('td');
  if (state !== undefined) {
    const mark = stateMark();
    mark.update(state);
    element.append(mark.element, visible(text ? ` ${text}` : ''));
  } else setText(element, text);
  return element;
}

/** @param {Grid} grid @param {RunView} a @param {RunView} b @param {number} now */
export function summary(grid, a, b, now) {
  const both = [a, b];
  /** @param {string} name @param {(run: RunView) => Cell} tell @returns {Line} */
  const line = (name, tell) => ({ name, cells: both.map(tell) });
  fill(grid, [
    line('State', run => cell('', run.status)),
    line('Workflow', run => cell(run.type)),
    line('Started', run => cell(run.started === undefined ? 'not yet' : timeOf(run.started, now))),
    {
      name: 'Took',
      cells: both.map((run, i) => {
        const [mine, other] = [run, both[1 - i]].map(each => each && tookOf(each, now));
        return cell(mine === undefined ? '–' : `${duration(mine)}${i === 1 ? difference(mine, other) : ''}`);
      }),
    },
    line('Steps', ({ progress: { finished, total, failed } }) =>
      cell(`${finished} of ${count(total, 'step')}${failed > 0 ? `, ${failed} failed` : ''}`),
    ),
  ]);
}

/** @param {RunView} run @param {number} now */
const tookOf = ({ started, ended }, now) => (started === undefined ? undefined : (ended ?? now) - started);

/** @param {number} mine @param {number | undefined} other milliseconds */
function difference(mine, other) {
  if (other === undefined) return '';
  const more = Math.round((mine - other) / 1000);
  if (more === 0) return ' (the same)';
  return ` (${duration(Math.abs(more) * 1000)} ${more > 0 ? 'longer' : 'shorter'})`;
}

/** @param {Grid} grid @param {readonly StepView[]} a @param {readonly StepView[]} b @param {number} now */
export function stepLines(grid, a, b, now) {
  const all = [a, b];
  const nameOf = finder([...new Set(all.flat().map(step => step.name))].filter(name => !/_\d+$/.test(name)));
  const groups = all.map(steps => {
    /** @type {Map<string, StepView[]>} */
    const group = new Map();
    for (const step of steps) {
      const name = nameOf(step) ?? step.name;
      group.set(name, [...(group.get(name) ?? []), step]);
    }
    return group;
  });
  const names = [...new Set(groups.flatMap(group => [...group.keys()]))];
  fill(
    grid,
    names.map(name => {
      const both = groups.map(group => group.get(name) ?? []);
      const times = both.map(steps => (steps.length === 0 ? undefined : timeIn(steps, now)));
      const cells = both.map((steps, i) => {
        const [mine, other] = [times[i], times[1 - i]];
        if (mine === undefined) return cell('no such step');
        const many = steps.length > 1 ? `${count(steps.length, 'step')}, together ` : '';
        return cell(`${many}${duration(mine)}${i === 1 ? difference(mine, other) : ''}`, stateOf(steps));
      });
      return { name, cells };
    }),
  );
}

/** @param {readonly StepView[]} steps @param {number} now */
const timeIn = (steps, now) =>
  steps.reduce((sum, { started, ended }) => sum + (started === undefined ? 0 : (ended ?? now) - started), 0);
