/** @import { StepView } from '../../src/reana/edge/overview.js' */
import { growingEnd, timeTicks } from './axis.js';
import { h, rows, setAttribute, setStyle, setText } from './dom.js';
import { clockOf, duration, exactClockOf } from './format.js';
import { lookOf, stateMark, wordOf } from './marks.js';
import { stepDetails } from './step.js';

/** Pixels that a time of day needs, with some space beside it. */
const labelWidth = 68;

/** @typedef {{ from: number, to: number, now: number }} Scale */

/** Steps over time: when each one waited and ran, and where; a click on a step shows its details. */
export function timeline() {
  const axis = h('div', { class: 'axis', 'aria-hidden': 'true' });
  const head = h(
    'div',
    { class: 'step-head', 'aria-hidden': 'true' },
    ...[h('span', {}, 'Step'), h('span', {}, 'Node'), h('span', { class: 'length' }, 'Ran for'), axis],
  );
  const list = h('ol', { class: 'steps' });
  const element = h('div', { class: 'timeline' }, head, list);
  /** @type {Scale} */
  let scale = { from: 0, to: 1, now: 0 };
  let drawn = '';
  const opened = openRows();
  const show = rows(
    list,
    (/** @type {StepView} */ step) => step.id,
    step => stepRow(step, () => scale, opened),
  );

  const drawAxis = () => {
    const width = axis.getBoundingClientRect().width;
    const what = `${scale.from} ${scale.to} ${width}`;
    if (what === drawn || width === 0) return;
    drawn = what;
    const { step, ticks } = timeTicks(scale.from, scale.to, Math.max(1, Math.floor(width / 90)));
    const label = step < 60_000 ? exactClockOf : clockOf;
    axis.replaceChildren(
      // there may be no room for the label of the last tick
      ...ticks
        .filter(tick => ((100 - share(scale, tick)) * width) / 100 > labelWidth)
        .map(tick => {
          const text = h('span', {}, label(tick));
          text.style.left = `${share(scale, tick)}%`;
          return text;
        }),
    );
    // each row draws these lines behind its bar
    const first = share(scale, ticks[0] ?? scale.to);
    setStyle(list, '--first', `${first}%`);
    setStyle(list, '--step', `${(100 * step) / (scale.to - scale.from) / Math.max(0.001, 1 - first / 100)}%`);
  };
  new ResizeObserver(drawAxis).observe(axis);
  /** @param {readonly StepView[]} steps @param {number} now @param {(step: StepView) => boolean} isShown */
  const update = (steps, now, isShown) => {
    const from = steps.reduce((first, step) => Math.min(first, step.created), now);
    const isOver = steps.every(step => step.ended !== undefined);
    const last = steps.reduce((latest, step) => Math.max(latest, step.ended ?? now), from + 1000);
    scale = { from, to: isOver ? last + (last - from) * 0.01 : growingEnd(from, now), now };
    drawAxis();
    show(steps.filter(isShown));
  };
  return { element, update, close: () => show([]) };
}

/** Browsers allow six connections to a server, for all of its pages together; each log that grows uses one. */
const mostOpen = 2;

/** If too many rows are open, closes the oldest, without moving the one that was clicked. */
function openRows() {
  /** @type {{ button: HTMLElement, close: () => void }[]} */
  let open = [];
  /** @param {HTMLElement} button @param {() => void} close */
  const add = (button, close) => {
    const before = button.getBoundingClientRect().top;
    open.push({ button, close });
    if (open.length > mostOpen) open[0]?.close();
    window.scrollBy(0, button.getBoundingClientRect().top - before);
  };
  /** @param {HTMLElement} button */
  const remove = button => {
    open = open.filter(each => each.button !== button);
  };
  return { add, remove };
}

/** @param {Scale} scale @param {number} time */
const share = ({ from, to }, time) => Math.min(100, Math.max(0, (100 * (time - from)) / (to - from)));

/** @param {StepView} first @param {() => Scale} scaleOf @param {ReturnType<typeof openRows>} opened */
function stepRow(first, scaleOf, opened) {
  const mark = stateMark({ quiet: true });
  const [node, length] = [h('span', { class: 'node' }), h('span', { class: 'length' })];
  const [queued, ran] = [h('i', { class: 'queued' }), h('i', { class: 'ran' })];
  const name = h('span', { class: 'name' }, mark.element, h('span', { class: 'text' }, first.name));
  const track = h('span', { class: 'track', 'aria-hidden': 'true' }, queued, ran);
  const button = h('button', { type: 'button', class: 'step', 'aria-expanded': 'false' }, name, node, length, track);
  const element = h('li', {}, button);
  /** @type {ReturnType<typeof stepDetails> | undefined} */
  let details;
  let step = first;
  const close = () => {
    details?.close();
    details = undefined;
    opened.remove(button);
    setAttribute(button, 'aria-expanded', 'false');
  };
  button.addEventListener('click', () => {
    if (details) return close();
    details = stepDetails(step);
    details.update(step, scaleOf().now);
    element.append(details.element);
    setAttribute(button, 'aria-expanded', 'true');
    opened.add(button, close);
  });
  /** @param {StepView} now */
  const update = now => {
    step = now;
    const scale = scaleOf();
    mark.update(step.state);
    setAttribute(element, 'data-look', lookOf(step.state));
    setText(node, step.node ? (step.node.split('.')[0] ?? '') : step.state === 'queued' ? 'waits for a slot' : '–');
    setAttribute(node, 'title', step.node);
    const end = step.ended ?? scale.now;
    setText(length, step.started === undefined ? '' : duration(end - step.started));
    place(queued, scale, step.created, step.started ?? end);
    place(ran, scale, step.started ?? end, end);
    setAttribute(ran, 'hidden', step.started === undefined);
    setAttribute(track, 'title', story(step, scale.now));
    details?.update(step, scale.now);
  };
  return { element, update, close };
}

/** @param {HTMLElement} bar @param {Scale} scale @param {number} from @param {number} to */
function place(bar, scale, from, to) {
  setStyle(bar, 'left', `${share(scale, from).toFixed(2)}%`);
  setStyle(bar, 'width', `${(share(scale, to) - share(scale, from)).toFixed(2)}%`);
}

/** @param {StepView} step @param {number} now */
function story({ created, started, ended, state }, now) {
  const waited = `waited ${duration((started ?? ended ?? now) - created)}`;
  return started === undefined
    ? waited
    : `${waited}, ran ${duration((ended ?? now) - started)}: ${wordOf(state).toLowerCase()}`;
}
