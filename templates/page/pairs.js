/** @import { RunView } from '../../src/reana/edge/overview.js' */
import { h, setAttribute } from './dom.js';
import { get } from './edge.js';
import { bytes } from './format.js';
import { pathOf } from './outputs.js';
import { isShowable, shown } from './shown.js';

/** @typedef {Map<string, number>} Files names and bytes */

const most = 200;

/** The outputs of a run; if it names none, all of its files. @param {RunView} run @returns {Promise<Files>} */
export async function filesOf({ id, outputs }) {
  const named = [...outputs.files, ...outputs.directories];
  const answers = await Promise.all(
    (named.length === 0 ? [''] : named).map(path =>
      get(
        `/api/workflows/${id}/workspace?size=${most}&page=1&files_only=true${path ? `&file_name=${encodeURIComponent(path)}` : ''}`,
      ),
    ),
  );
  /** @type {{ name: string, size: { raw: number } }[]} */
  const files = answers.flatMap(answer => answer.items);
  return new Map(files.map(({ name, size }) => [name, size.raw]));
}

/**
 * One file of two runs.
 * @param {string} name @param {readonly RunView[]} runs @param {readonly Files[]} lists @param {string} listing of diff(1)
 */
export function pairRow(name, runs, lists, listing) {
  const sizes = lists.map(list => list.get(name));
  const show = h(
    'button',
    { type: 'button', class: 'small', 'aria-label': `Show ${name} of both runs`, 'aria-expanded': 'false' },
    'Show',
  );
  const row = h(
    'li',
    {},
    h('span', { class: 'name' }, name),
    h('span', { class: 'verdict' }, verdict(name, runs, sizes, listing)),
    h('span', { class: 'buttons' }, isShowable(name) && show),
  );
  /** @type {HTMLElement | undefined} */
  let pair;
  show.addEventListener('click', () => {
    if (pair) {
      pair.remove();
      pair = undefined;
    } else {
      pair = h('div', { class: 'pair' }, ...runs.map((run, i) => sideOf(name, run, sizes[i])));
      row.append(pair);
    }
    setAttribute(show, 'aria-expanded', String(pair !== undefined));
  });
  return row;
}

/** @param {string} name @param {RunView} run @param {number | undefined} size */
function sideOf(name, run, size) {
  const file =
    size === undefined
      ? h('p', { class: 'quiet' }, 'This run does not have it.')
      : shown({ path: pathOf(run.id, name), name, label: `${name} of ${run.name}`, size });
  return h('figure', {}, h('figcaption', {}, run.name), file);
}

/** @param {string} name @param {readonly RunView[]} runs @param {readonly (number | undefined)[]} sizes @param {string} listing */
function verdict(name, [a, b], [one, other], listing) {
  if (one === undefined || other === undefined) return `only in ${(one === undefined ? b : a)?.name}`;
  const isNamed = listing.split('\n').includes(`Files ${a?.name}/${name} and ${b?.name}/${name} differ`);
  if (one !== other) return `differs: ${bytes(one)} and ${bytes(other)}`;
  if (isNamed) return `differs, both ${bytes(one)}`;
  return listing.includes('… and more') ? `both ${bytes(one)}; not compared` : `the same, ${bytes(one)}`;
}
