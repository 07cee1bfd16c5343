/** @import { Overview, RunView, StepView } from '../../src/reana/edge/overview.js' */
import { cell, fill, grid, stepLines, summary } from './compare-tables.js';
import { h, setAttribute, setText, visible } from './dom.js';
import { get } from './edge.js';
import { filesOf, pairRow } from './pairs.js';

/** @typedef {{ run: RunView, steps: readonly StepView[], parameters: Record<string, unknown> }} Side */

/** Two runs, side by side. @param {string} a @param {string} b their ids */
export function compareView(a, b) {
  const ids = [a, b];
  const links = ids.map(id => h('a', { href: `#/runs/${id}` }));
  const title = h('h1', { tabindex: '-1' }, 'Two runs');
  const note = h('p', { class: 'note bad', role: 'alert', hidden: true });
  const [about, steps] = [grid('Runs compared', ''), grid('Steps compared', 'Step')];
  const parameters = grid('Parameters compared', 'Parameter');
  for (const [i, link] of links.entries()) about.heads[i]?.append(link);
  const [same, said] = [h('p', { class: 'quiet' }), h('p', { class: 'quiet' }, 'Comparing the files…')];
  const changes = h('div', { class: 'changes' });
  const files = h('ul', { class: 'pairs' });
  const head = h('div', { class: 'head' }, title, h('a', { class: 'swap', href: `#/compare/${b}/${a}` }, 'Swap sides'));
  const missing = h('p', { class: 'card empty', hidden: true }, 'One of these runs does not exist, or was deleted.');
  const page = h(
    'div',
    {},
    h('section', { class: 'card' }, head, note, about.element),
    section('Steps', 'compared-steps', steps.element),
    section('Parameters and specification', 'compared-parameters', same, parameters.element, changes),
    section('Outputs', 'compared-outputs', said, files),
  );
  const element = h('div', {}, h('p', { class: 'back' }, h('a', { href: '#/' }, '← All runs')), missing, page);
  let isClosed = false;
  /** @type {{ key: string, side: Side | undefined }[]} */
  const sides = ids.map(() => ({ key: '', side: undefined }));
  /** @type {Overview | undefined} */
  let overview;
  let now = 0;
  let compared = '';

  /** @param {unknown} error */
  const fail = error => {
    setAttribute(note, 'hidden', error === undefined);
    setText(note, error === undefined ? '' : `This failed: ${/** @type {Error} */ (error).message}`);
  };
  const runs = () => ids.map(id => overview?.runs.find(run => run.id === id));

  const draw = () => {
    const [one, other] = runs();
    if (!one || !other) return;
    summary(about, one, other, now);
    const [first, second] = sides.map(each => each.side);
    if (!first || !second) return;
    stepLines(steps, first.steps, second.steps, now);
    const all = [first.parameters, second.parameters];
    const differing = namesIn(all).filter(name => new Set(all.map(each => JSON.stringify(each[name]))).size > 1);
    setAttribute(parameters.element, 'hidden', differing.length === 0);
    fill(
      parameters,
      differing.map(name => ({ name, cells: all.map(each => cell(JSON.stringify(each[name]) ?? 'none')) })),
    );
    const total = namesIn(all).length;
    setText(same, total === 0 ? 'No parameters.' : `Parameters that differ: ${differing.length} of ${total}.`);
  };

  /** @param {number} i */
  const load = async i => {
    const id = ids[i];
    const place = /** @type {{ key: string, side: Side | undefined }} */ (sides[i]);
    try {
      const [told, { parameters }] = await Promise.all([
        get(`/api/edge/overview?run=${id}`),
        get(`/api/workflows/${id}/parameters`),
      ]);
      const run = told.runs.find((/** @type {RunView} */ each) => each.id === id);
      place.side = { run, steps: told.steps ?? [], parameters: parameters ?? {} };
      fail(undefined);
      draw();
    } catch (error) {
      place.key = '';
      fail(error);
    }
  };

  /** @param {RunView} one @param {RunView} other */
  const compare = async (one, other) => {
    try {
      const [told, ...lists] = await Promise.all([
        get(`/api/workflows/${a}/diff/${b}?brief=true`),
        filesOf(one),
        filesOf(other),
      ]);
      if (isClosed) return;
      showChanges(changes, JSON.parse(told.reana_specification));
      const listing = String(JSON.parse(told.workspace_listing));
      const names = [...new Set(lists.flatMap(list => [...list.keys()]))];
      files.replaceChildren(...names.map(name => pairRow(name, [one, other], lists, listing)));
      setText(said, names.length === 0 ? 'None of the two has outputs yet.' : '');
      setAttribute(said, 'hidden', names.length > 0);
    } catch (error) {
      compared = '';
      fail(error);
    }
  };

  /** @param {Overview} told @param {number} time */
  const update = (told, time) => {
    [overview, now] = [told, time];
    const [one, other] = runs();
    setAttribute(missing, 'hidden', one !== undefined && other !== undefined);
    setAttribute(page, 'hidden', one === undefined || other === undefined);
    if (!one || !other) return undefined;
    setText(title, `${one.name} and ${other.name}`);
    for (const [i, run] of [one, other].entries()) {
      setText(/** @type {Node} */ (links[i]), run.name);
      for (const table of [steps, parameters]) setText(/** @type {Node} */ (table.heads[i]), run.name);
      const { finished, failed, running } = run.progress;
      const [key, place] = [`${run.status} ${finished} ${failed} ${running}`, sides[i]];
      if (!place || place.key === key) continue;
      place.key = key;
      void load(i);
    }
    const what = [one, other].map(run => `${run.status} ${run.progress.finished}`).join();
    if (compared !== what) {
      compared = what;
      void compare(one, other);
    }
    draw();
    return visible(`${one.name} and ${other.name}`);
  };
  const close = () => {
    isClosed = true;
  };
  return { element, update, focus: () => title.focus(), close };
}

/** @param {string} title @param {string} id @param {...Node} children */
const section = (title, id, ...children) =>
  h('section', { class: 'card', 'aria-labelledby': id }, h('h2', { id }, title), ...children);

/** @param {readonly Record<string, unknown>[]} all */
const namesIn = all => [...new Set(all.flatMap(Object.keys))];

/**
 * The lines that differ, by section of the specification.
 * @param {HTMLElement} box @param {Record<string, string[]>} sections
 */
function showChanges(box, sections) {
  const found = Object.entries(sections).filter(([, lines]) => lines.length > 0);
  const look = (/** @type {string} */ line) => (line.startsWith('+') ? 'added' : line.startsWith('-') ? 'removed' : '');
  box.replaceChildren(
    ...found.map(([name, lines]) =>
      h(
        'details',
        {},
        h('summary', {}, `Lines of “${name}” that differ`),
        h(
          'pre',
          { class: 'log diff', tabindex: '0', role: 'region', 'aria-label': `Lines of ${name} that differ` },
          ...lines.map(line => h('span', { class: look(line) }, `${line}\n`)),
        ),
      ),
    ),
  );
  if (found.length === 0) box.append(h('p', { class: 'quiet' }, 'Both have the same specification.'));
}
