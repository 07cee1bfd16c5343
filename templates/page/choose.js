/** @import { RunView } from '../../src/reana/edge/overview.js' */
import { h, setAttribute } from './dom.js';

/** A longer list is no help. */
const most = 100;

/** Chooses another run, to compare a run with it: first those of the same name. @param {string} id of the run itself */
export function compareForm(id) {
  const select = h('select', { id: 'other' });
  const element = h(
    'form',
    { class: 'compare-with', hidden: true },
    h('label', { for: 'other' }, 'Compare with'),
    ...[select, h('button', { type: 'submit', class: 'small' }, 'Compare')],
  );
  element.addEventListener('submit', event => {
    event.preventDefault();
    location.hash = `#/compare/${id}/${select.value}`;
  });
  let shown = '';
  /** @param {readonly RunView[]} runs */
  const update = runs => {
    const own = nameOf(runs.find(run => run.id === id));
    const others = runs.filter(run => run.id !== id);
    const sorted = [...others.filter(run => nameOf(run) === own), ...others.filter(run => nameOf(run) !== own)];
    const list = sorted.slice(0, most);
    const what = list.map(run => run.id).join();
    if (what === shown) return;
    shown = what;
    const chosen = select.value;
    select.replaceChildren(...list.map(run => h('option', { value: run.id }, run.name)));
    if (list.some(run => run.id === chosen)) select.value = chosen;
    setAttribute(element, 'hidden', list.length === 0);
  };
  return { element, update };
}

/** Without the run's number. @param {RunView | undefined} run */
const nameOf = run => run?.name.replace(/\.\d+(\.\d+)?$/, '');
