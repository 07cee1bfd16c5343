import { h } from './dom.js';
import { count } from './format.js';

/** More can't be read on a page; characters of a cell. */
const most = { rows: 200, columns: 40, cell: 300 };

/**
 * A file of comma-separated values as a table, of which the first line names the columns.
 * @param {string} text its beginning @param {{ name: string, label: string }} file @param {boolean} isCut
 */
export async function csvTable(text, { name, label }, isCut) {
  const { default: library } = await import('./papaparse.js');
  // what is between the last line break and the cut is no whole line
  const whole = isCut ? text.slice(0, text.lastIndexOf('\n') + 1) : text;
  const options = /** @type {const} */ ({ preview: most.rows + 2, skipEmptyLines: 'greedy' });
  const { data } = library.parse(whole, /\.tsv$/i.test(name) ? { ...options, delimiter: '\t' } : options);
  const [head = [], ...lines] = data;
  const columns = Math.max(0, ...data.map(line => line.length));
  if (columns === 0) return h('p', { class: 'quiet' }, 'The file has no lines.');
  const shown = lines.slice(0, most.rows);
  const isNumber = head.map((_, i) => shown.every(line => /^\s*[-+]?[\d.]+(e[-+]?\d+)?\s*$|^$/i.test(line[i] ?? '')));
  const cells = Array.from({ length: Math.min(columns, most.columns) }, (_, i) => i);
  const place = (/** @type {number} */ i) => (isNumber[i] ? 'number' : undefined);
  const table = h(
    'table',
    {},
    h('caption', { class: 'unseen' }, label),
    h(
      'thead',
      {},
      h('tr', {}, ...cells.map(i => h('th', { scope: 'col', class: place(i) }, cut(head[i]) || `${i + 1}`))),
    ),
    h('tbody', {}, ...shown.map(line => h('tr', {}, ...cells.map(i => h('td', { class: place(i) }, cut(line[i])))))),
  );
  const isWhole = !isCut && lines.length === shown.length && columns === cells.length;
  const said = isWhole
    ? `${count(shown.length, 'line')}, ${count(columns, 'column')}`
    : `The first ${count(shown.length, 'line')} and ${count(cells.length, 'column')}; download the file to see all of it.`;
  const box = h(
    'div',
    { class: 'wide table-box', tabindex: '0', role: 'region', 'aria-label': `Table ${label}` },
    table,
  );
  return h('div', {}, box, h('p', { class: 'quiet' }, said));
}

/** @param {string | undefined} text */
const cut = (text = '') => (text.length > most.cell ? `${text.slice(0, most.cell)}…` : text);
