/** @import { Overview, RunView, StepView } from '../../src/reana/edge/overview.js' */
import { compareForm } from './choose.js';
import { h, setAttribute, setText } from './dom.js';
import { put } from './edge.js';
import { count, timeOf, wholeTime } from './format.js';
import { graphView } from './graph.js';
import { stateMark } from './marks.js';
import { outputsView } from './outputs.js';
import { isActive, lengthOf, progressBar, whose } from './runs.js';
import { timeline } from './timeline.js';

/** @type {readonly (readonly [filter: string, label: string])[]} */
const filters = [
  ['', 'All'],
  ['queued', 'Waiting'],
  ['running', 'Running'],
  ['finished', 'Finished'],
  ['failed', 'Failed'],
  ['stopped', 'Stopped'],
];

/** One run: its progress, its steps over time, and its outputs. @param {string} id */
export function runView(id) {
  const [mark, progress, lines, outputs] = [stateMark(), progressBar(), timeline(), outputsView()];
  const [name, facts] = [h('h1', { tabindex: '-1' }), h('p', { class: 'quiet' })];
  const reason = h('p', { class: 'note bad', hidden: true });
  const stop = h('button', { type: 'button', class: 'danger', hidden: true }, 'Stop…');
  const choice = stateChoice(() => redraw());
  const graph = graphView(id, () => redraw());
  const only = onlyOf(graph);
  const other = compareForm(id);
  const empty = h('p', { class: 'quiet' });
  const body = [
    h(
      'section',
      { class: 'card run-head' },
      h('div', { class: 'head' }, name, mark.element, stop),
      progress.element,
      facts,
      reason,
      other.element,
    ),
    h(
      'section',
      { class: 'card', 'aria-labelledby': 'steps-title' },
      h('div', { class: 'head' }, h('h2', { id: 'steps-title' }, 'Steps'), choice.element),
      h('div', { class: 'flow' }, graph.element, h('div', { class: 'flow-list' }, only.element, empty, lines.element)),
    ),
    outputs.element,
  ];
  const missing = h(
    'p',
    { class: 'card empty', hidden: true },
    'This run does not exist: it was deleted, is not shared with you, or belongs to another cluster.',
  );
  const page = h('div', {}, ...body);
  const element = h('div', {}, h('p', { class: 'back' }, h('a', { href: '#/' }, '← All runs')), missing, page);
  /** @type {RunView | undefined} */
  let run;
  /** @type {readonly StepView[]} */
  let steps = [];
  let now = 0;
  stop.addEventListener('click', () => run && askToStop(run, steps, element));

  const redraw = () => {
    const chosen = choice.chosen();
    /** @param {StepView} step */
    const isShown = step => (!chosen || step.state === chosen) && graph.includes(step);
    const shown = steps.filter(isShown).length;
    only.update(graph.chosen());
    setAttribute(lines.element, 'hidden', shown === 0);
    setText(empty, steps.length === 0 ? emptyOf(run) : shown === 0 ? noneOf(chosen) : '');
    setAttribute(empty, 'hidden', shown > 0);
    lines.update(steps, now, isShown);
  };
  /** @param {Overview} overview @param {number} time */
  const update = (overview, time) => {
    [now, run, steps] = [time, overview.runs.find(each => each.id === id), overview.steps ?? []];
    setAttribute(missing, 'hidden', run !== undefined);
    setAttribute(page, 'hidden', run === undefined);
    if (!run) return undefined;
    setText(name, run.name);
    mark.update(run.status);
    progress.update(run);
    setText(facts, factsOf(run, now));
    setAttribute(facts, 'title', `created ${wholeTime(run.created)}`);
    setAttribute(reason, 'hidden', run.reason === undefined || run.status !== 'failed');
    setText(reason, run.reason ?? '');
    setAttribute(stop, 'hidden', !isActive(run) || run.isReadOnly === true);
    choice.update(steps);
    graph.update(run, steps);
    other.update(overview.runs);
    redraw();
    outputs.update(run);
    return `${run.name} · ${mark.element.textContent}`;
  };
  return { element, update, focus: () => name.focus(), close: lines.close };
}

/** @param {RunView} run @param {number} now */
function factsOf(run, now) {
  const parts = [`${run.type} workflow`, ...(run.owner === undefined ? [] : [whose(run)])];
  if (run.started === undefined) parts.push(`created ${timeOf(run.created, now)}`);
  else parts.push(`started ${timeOf(run.started, now)}`, `${run.ended ? 'took' : 'for'} ${lengthOf(run, now)}`);
  if (run.ended) parts.push(`${run.status} ${timeOf(run.ended, now)}`);
  return parts.join(' · ');
}

/** @param {RunView | undefined} run */
function emptyOf(run) {
  if (run?.status === 'created') return `Not started yet: reana-client start -w ${run.name}`;
  if (run && isActive(run)) return 'No steps yet: the workflow engine is reading the workflow.';
  return 'The run ended before its first step.';
}

/** @param {string} state */
const noneOf = state => (state ? 'No step is in this state.' : 'No step has this name yet.');

/** Says that the list shows the steps of one node of the graph, with a button to show all again. @param {ReturnType<typeof graphView>} graph */
function onlyOf(graph) {
  const text = h('span', { role: 'status' });
  const all = h('button', { type: 'button', class: 'small', hidden: true }, 'All steps');
  all.addEventListener('click', graph.all);
  const element = h('p', { class: 'only' }, text, all);
  /** @param {string} chosen */
  const update = chosen => {
    setText(text, chosen ? `Steps of ${chosen}` : '');
    setAttribute(all, 'hidden', !chosen);
  };
  return { element, update };
}

/** Selects steps by state, and shows how many there are in each. @param {() => void} changed */
function stateChoice(changed) {
  const element = h('fieldset', { class: 'choice' }, h('legend', { class: 'unseen' }, 'Steps shown'));
  const parts = filters.map(([state, label]) => {
    const input = h('input', { type: 'radio', name: 'state', value: state, checked: state === '' });
    const text = h('span', {}, label);
    input.addEventListener('change', changed);
    element.append(h('label', {}, input, text));
    return { state, label, text };
  });
  const chosen = () => String(/** @type {HTMLInputElement | null} */ (element.querySelector(':checked'))?.value ?? '');
  /** @param {readonly StepView[]} steps */
  const update = steps => {
    for (const { state, label, text } of parts) {
      setText(text, `${label} ${state ? steps.filter(step => step.state === state).length : steps.length}`);
    }
  };
  return { element, update, chosen };
}

/** @param {RunView} run @param {readonly StepView[]} steps @param {HTMLElement} parent */
function askToStop(run, steps, parent) {
  const running = steps.filter(step => step.state === 'running').length;
  const lost =
    running > 0
      ? `The work of ${running === 1 ? 'its running step' : `its ${count(running, 'running step')}`} so far is lost. `
      : '';
  const problem = h('p', { class: 'note bad', role: 'alert', hidden: true });
  const yes = h('button', { type: 'button', class: 'danger' }, 'Stop the run');
  const no = h('button', { type: 'button', autofocus: true }, 'Let it run');
  const dialog = h(
    'dialog',
    { 'aria-labelledby': 'stop-title' },
    h('h2', { id: 'stop-title' }, `Stop ${run.name}?`),
    h('p', {}, `${lost}Its files stay in the workspace; a stopped run can’t be started again.`),
    ...[problem, h('p', { class: 'buttons' }, no, yes)],
  );
  no.addEventListener('click', () => dialog.close());
  yes.addEventListener('click', async () => {
    yes.disabled = true;
    await put(`/api/workflows/${run.id}/status?status=stop`, {}).then(
      () => dialog.close(),
      error => {
        setAttribute(problem, 'hidden', false);
        setText(problem, error.message);
        yes.disabled = false;
      },
    );
  });
  dialog.addEventListener('close', () => dialog.remove());
  parent.append(dialog);
  dialog.showModal();
}
