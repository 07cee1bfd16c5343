/** @import { Overview, GlideinView } from '../../src/reana/edge/overview.js' */
import { h, rows, setAttribute, setStyle, setText } from './dom.js';
import { count, duration, timeOf, wholeTime } from './format.js';
import { command } from './marks.js';
import { slotsPlot } from './plot.js';

/** The pool: its present state, its history, and its nodes. */
export function poolView() {
  const numbers = h('dl', { class: 'numbers' });
  const used = number(numbers, 'Slots used', 'in the pool; a slot is one core');
  const free = number(numbers, 'Slots free', '');
  const waiting = number(numbers, 'Jobs waiting', '');
  const nodes = number(numbers, 'Glide-ins', '');
  const problem = h('p', { class: 'note bad', hidden: true });
  const empty = h('p', { class: 'empty', hidden: true });
  const plot = slotsPlot();
  const table = nodeTable();
  const element = h(
    'section',
    { class: 'card pool', 'aria-labelledby': 'pool-title' },
    h('h2', { id: 'pool-title' }, 'Pool'),
    ...[numbers, problem, empty, plot.element, table.element],
  );
  let cluster = '';

  /** @param {Overview} overview @param {number} now */
  const update = (overview, now) => {
    const { pool, history } = overview;
    const slots = pool.glideins.reduce((sum, g) => sum + g.slots, 0);
    const busy = pool.glideins.reduce((sum, g) => sum + g.used, 0);
    const sites = new Set(pool.glideins.map(g => g.site)).size;
    const known = pool.time !== undefined;
    used(known ? String(busy) : '–', known ? `of ${slots}` : '');
    free(known ? String(slots - busy) : '–', '');
    waiting(known ? String(pool.jobs.waiting) : '–', pool.jobs.held > 0 ? `and ${pool.jobs.held} held` : '');
    nodes(known ? String(pool.glideins.length) : '–', sites > 0 ? `at ${count(sites, 'site')}` : '');
    setAttribute(problem, 'hidden', pool.problem === undefined);
    if (pool.problem) {
      const since = pool.time === undefined ? '' : ` The data shown is from ${timeOf(pool.time, now)}.`;
      setText(problem, `The pool could not be asked: ${pool.problem}${since}`);
    }
    if (cluster !== overview.cluster) {
      cluster = overview.cluster;
      empty.replaceChildren(
        ...['No node is in the pool yet: the glide-ins wait in the site’s queue. To see why: '],
        command(`scailfin status ${cluster}`),
      );
    }
    setAttribute(empty, 'hidden', !known || pool.glideins.length > 0);
    plot.update(history, now);
    table.update(pool.glideins, now);
  };
  return { element, update };
}

/** @param {HTMLElement} list @param {string} name @param {string} title */
function number(list, name, title) {
  const [value, more] = [h('span', { class: 'value' }, '–'), h('span', { class: 'more' })];
  list.append(h('div', { title: title || undefined }, h('dt', {}, name), h('dd', {}, value, ' ', more)));
  return (/** @type {string} */ text, /** @type {string} */ beside) => {
    setText(value, text);
    setText(more, beside);
  };
}

function nodeTable() {
  const body = h('tbody');
  const summary = h('summary', {}, 'Nodes');
  const names = ['Site', 'Node', 'Slots used', 'Leaves'];
  const head = h('thead', {}, h('tr', {}, ...names.map(name => h('th', { scope: 'col' }, name))));
  // on a phone it scrolls sideways, which the keyboard must be able to do
  const box = h(
    'div',
    { class: 'wide', tabindex: '0', role: 'region', 'aria-label': 'Nodes' },
    h('table', {}, head, body),
  );
  const element = h('details', { class: 'nodes' }, summary, box);
  let now = 0;
  const show = rows(
    body,
    (/** @type {GlideinView} */ g) => `${g.site} ${g.id} ${g.node}`,
    ({ site, node, id }) => {
      const [fill, text, ends] = [h('span', { class: 'fill' }), h('span'), h('td')];
      const meter = h('span', { class: 'meter', 'aria-hidden': 'true' }, fill);
      const row = h(
        'tr',
        {},
        h('td', {}, site),
        h('td', { title: `${node}, job ${id}` }, node.split('.')[0]),
        h('td', {}, meter, ' ', text),
        ends,
      );
      /** @param {GlideinView} g */
      const update = g => {
        setStyle(fill, 'width', `${(100 * g.used) / Math.max(1, g.slots)}%`);
        setText(text, `${g.used} of ${g.slots}`);
        setText(
          ends,
          g.ends === undefined
            ? ''
            : `in ${duration(Math.ceil((g.ends - now) / 60_000) * 60_000).replace('\u00a000\u00a0s', '')}`,
        );
        setAttribute(ends, 'title', g.ends === undefined ? undefined : wholeTime(g.ends));
      };
      return { element: row, update };
    },
  );
  /** @param {readonly GlideinView[]} glideins @param {number} time */
  const update = (glideins, time) => {
    now = time;
    setText(summary, `Nodes (${glideins.length})`);
    setAttribute(element, 'hidden', glideins.length === 0);
    show([...glideins].sort((a, b) => a.site.localeCompare(b.site) || a.node.localeCompare(b.node)));
  };
  return { element, update };
}
