/** @import { StepView } from '../../src/reana/edge/overview.js' */
import { h, setAttribute, setText } from './dom.js';
import { count, duration, exactClockOf, wholeTime } from './format.js';
import { logView } from './log.js';
import { wordOf } from './marks.js';

/** The details of one step, and its output while it runs. @param {StepView} first */
export function stepDetails(first) {
  const reason = h('p', { class: 'note bad', hidden: true });
  const facts = h('dl', { class: 'facts' });
  const state = fact(facts, 'State');
  const node = fact(facts, 'Node');
  const waited = fact(facts, 'Waited');
  const ran = fact(facts, 'Ran');
  const image = fact(facts, 'Image');
  const job = fact(facts, 'Job');
  const what = h(
    'pre',
    { class: 'shown-command', tabindex: '0', role: 'region', 'aria-label': 'Command' },
    first.command,
  );
  const log = logView(first.id, `Log of ${first.name}`);
  const element = h('div', { class: 'details' }, reason, facts, what, log.element);
  /** @param {StepView} step @param {number} now */
  const update = (step, now) => {
    const isWaiting = step.state === 'queued';
    setAttribute(reason, 'hidden', step.reason === undefined);
    setAttribute(reason, 'class', isWaiting || step.state === 'stopped' ? 'note' : 'note bad');
    setText(reason, step.reason ?? '');
    state(`${wordOf(step.state)}${step.exitCode === undefined ? '' : `, exit status ${step.exitCode}`}`);
    node(step.node ?? 'none yet');
    const began = step.started ?? step.ended ?? now;
    waited(`${duration(began - step.created)}, from ${exactClockOf(step.created)}`, wholeTime(step.created));
    if (step.started === undefined) ran('not yet');
    else {
      const until = step.ended === undefined ? '' : ` to ${exactClockOf(step.ended)}`;
      ran(
        `${duration((step.ended ?? now) - step.started)}, from ${exactClockOf(step.started)}${until}`,
        wholeTime(step.started),
      );
    }
    image(step.image || 'none');
    job(`${step.job ?? 'not submitted yet'}${step.attempts > 1 ? `, started ${count(step.attempts, 'time')}` : ''}`);
  };
  return {
    element,
    update,
    close: () => {
      log.close();
      element.remove();
    },
  };
}

/** @param {HTMLElement} list @param {string} name */
function fact(list, name) {
  const value = h('dd');
  list.append(h('div', {}, h('dt', {}, name), value));
  return (/** @type {string} */ text, /** @type {string | undefined} */ title = undefined) => {
    setText(value, text);
    setAttribute(value, 'title', title);
  };
}
