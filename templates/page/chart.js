/** @import { Drawable, HeatMap, Histogram, Points } from './root.js' */
import { h, s } from './dom.js';
import { count } from './format.js';

/** In the drawing's own units; it grows and shrinks with the page. */
const size = { width: 560, height: 320, top: 10, right: 14, bottom: 44, left: 62 };
const [right, bottom] = [size.width - size.right, size.height - size.bottom];
/** Lines of the table of numbers. */
const most = 500;

/** One drawing with its title, and its numbers as a table. @param {Drawable} drawable */
export function chart(drawable) {
  const { parts, about, table } = pictureOf(drawable);
  const name = `${drawable.title || 'No title'}: ${about}`;
  return h(
    'figure',
    { class: 'chart' },
    h('figcaption', {}, h('b', {}, drawable.title || 'No title'), ` ${about}`),
    s('svg', { viewBox: `0 0 ${size.width} ${size.height}`, role: 'img', 'aria-label': name }, ...parts),
    h('details', {}, h('summary', {}, 'Numbers'), table),
  );
}

/** @typedef {{ parts: Element[], about: string, table: HTMLElement }} Picture */

/** @param {Drawable} drawable @returns {Picture} */
function pictureOf(drawable) {
  if (drawable.kind === 'histogram') return histogram(drawable);
  return drawable.kind === 'map' ? heatMap(drawable) : points(drawable);
}

/** @param {Histogram} drawn @returns {Picture} */
function histogram({ x, y, bins, errors, entries }) {
  const tops = bins.map((value, i) => value + (errors?.[i] ?? 0));
  const lows = bins.map((value, i) => value - (errors?.[i] ?? 0));
  const across = scale(first(x.edges), last(x.edges), size.left, right);
  const up = scale(...room(least(lows), greatest(tops)), bottom, size.top);
  const zero = up.at(Math.max(up.from, Math.min(up.to, 0)));
  const corners = bins.map((value, i) => `V${two(up.at(value))}H${two(across.at(x.edges[i + 1] ?? 0))}`);
  const line = `M${two(across.at(first(x.edges)))},${two(zero)}${corners.join('')}V${two(zero)}`;
  const bars = (errors ?? []).map((error, i) => {
    const [middle, value] = [center(x.edges, i), bins[i] ?? 0];
    return `M${two(across.at(middle))},${two(up.at(value - error))}V${two(up.at(value + error))}`;
  });
  const parts = [
    ...frame(across, up, x.title, y),
    s('path', { class: 'filled', d: `${line}Z` }),
    s('path', { class: 'outline', d: line }),
    s('path', { class: 'errors', d: bars.join('') }),
  ];
  const about = `${count(bins.length, 'bin')} from ${short(across.from)} to ${short(across.to)}, ${short(entries)} entries`;
  const head = ['from', 'to', 'content', ...(errors ? ['error'] : [])];
  const lines = bins.map((value, i) => [x.edges[i], x.edges[i + 1], value, ...(errors ? [errors[i]] : [])]);
  return { parts, about, table: numberTable(head, lines) };
}

/** @param {HeatMap} drawn @returns {Picture} */
function heatMap({ x, y, cells, entries }) {
  const across = scale(first(x.edges), last(x.edges), size.left, right);
  const up = scale(first(y.edges), last(y.edges), bottom, size.top);
  const top = Math.max(Number.MIN_VALUE, greatest(cells.flat()));
  /** One path for each of a few shades, because a map may have thousands of cells. @type {string[]} */
  const shades = Array.from({ length: 10 }, () => '');
  for (const [j, row] of cells.entries()) {
    for (const [i, value] of row.entries()) {
      if (value <= 0) continue;
      const [x1, x2] = [across.at(x.edges[i] ?? 0), across.at(x.edges[i + 1] ?? 0)];
      const [y1, y2] = [up.at(y.edges[j] ?? 0), up.at(y.edges[j + 1] ?? 0)];
      shades[Math.min(9, Math.floor((10 * value) / top))] += `M${two(x1)},${two(y1)}H${two(x2)}V${two(y2)}H${two(x1)}Z`;
    }
  }
  const paths = shades.map((d, i) => s('path', { class: 'cell', d, 'fill-opacity': 0.1 + 0.1 * i }));
  const about = `${count(x.edges.length - 1, 'bin')} by ${y.edges.length - 1}, ${short(entries)} entries, at most ${short(top)} in one bin`;
  const lines = cells.flatMap((row, j) =>
    row.flatMap((value, i) => (value === 0 ? [] : [[center(x.edges, i), center(y.edges, j), value]])),
  );
  const table = numberTable([x.title || 'x', y.title || 'y', 'content'], lines);
  return { parts: [...paths, ...frame(across, up, x.title, y.title)], about, table };
}

/** @param {Points} drawn @returns {Picture} */
function points({ x, y, points: list }) {
  const xs = list.map(point => point.x);
  const across = scale(...room(least(xs), greatest(xs)), size.left, right);
  const up = scale(...room(least(list.map(p => p.low)), greatest(list.map(p => p.high))), bottom, size.top);
  const dots = list.map(p => s('circle', { class: 'dot', cx: two(across.at(p.x)), cy: two(up.at(p.y)), r: 2.5 }));
  const bars = list
    .filter(p => p.high > p.low)
    .map(p => `M${two(across.at(p.x))},${two(up.at(p.low))}V${two(up.at(p.high))}`);
  const line = `M${list.map(p => `${two(across.at(p.x))},${two(up.at(p.y))}`).join('L')}`;
  // very many points are a line
  const drawn = list.length <= 1000 ? dots : [s('path', { class: 'outline', d: line })];
  const parts = [...frame(across, up, x, y), s('path', { class: 'errors', d: bars.join('') }), ...drawn];
  const lines = list.map(p => [p.x, p.y, ...(bars.length > 0 ? [p.low, p.high] : [])]);
  const head = [x || 'x', y || 'y', ...(bars.length > 0 ? ['from', 'to'] : [])];
  return { parts, about: count(list.length, 'point'), table: numberTable(head, lines) };
}

/** @typedef {{ from: number, to: number, at: (value: number) => number }} Scale */

/** @param {number} from @param {number} to @param {number} start @param {number} end @returns {Scale} */
const scale = (from, to, start, end) => ({
  ...{ from, to },
  at: value => start + ((value - from) / (to - from)) * (end - start),
});

/** A range with some room at its ends; from 0 if all is above. @param {number} low @param {number} high @returns {[number, number]} */
function room(low, high) {
  const [from, to] = [low >= 0 && low < high / 2 ? 0 : low, high];
  const span = to - from || Math.abs(to) || 1;
  return [from === 0 ? 0 : from - span * 0.05, to + span * 0.05];
}

/** Axes with round numbers. @param {Scale} across @param {Scale} up @param {string} x @param {string} y */
function frame(across, up, x, y) {
  const below = ticks(across, 7).flatMap(tick => [
    s('line', { class: 'grid', x1: two(across.at(tick)), x2: two(across.at(tick)), y1: size.top, y2: bottom }),
    s('text', { x: two(across.at(tick)), y: bottom + 16, 'text-anchor': 'middle' }, short(tick)),
  ]);
  const beside = ticks(up, 5).flatMap(tick => [
    s('line', { class: 'grid', x1: size.left, x2: right, y1: two(up.at(tick)), y2: two(up.at(tick)) }),
    s('text', { x: size.left - 6, y: two(up.at(tick) + 4), 'text-anchor': 'end' }, short(tick)),
  ]);
  const turned = `translate(14 ${size.top}) rotate(-90)`;
  return [
    ...below,
    ...beside,
    s('text', { x: right, y: size.height - 6, 'text-anchor': 'end' }, x),
    s('text', { transform: turned, 'text-anchor': 'end' }, y),
    s('path', { class: 'frame', d: `M${size.left},${size.top}V${bottom}H${right}` }),
  ];
}

/** Round numbers in a range. @param {Scale} scale @param {number} about how many @returns {number[]} */
function ticks({ from, to }, about) {
  const raw = (to - from) / about;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map(n => n * power).find(n => n >= raw) ?? raw;
  // counted, because adding up would gather errors; and a step may be too small to change the number
  const start = Math.ceil(from / step);
  const all = Array.from({ length: 2 * about }, (_, i) => (start + i) * step);
  return Number.isFinite(step) ? all.filter(tick => tick <= to) : [];
}

/** @param {string[]} head @param {(number | undefined)[][]} lines */
function numberTable(head, lines) {
  const shown = lines.slice(0, most);
  const rest = lines.length > most ? `The first ${most} of ${lines.length} lines.` : '';
  const cells = (/** @type {(number | undefined)[]} */ line) =>
    line.map(n => h('td', { class: 'number' }, short(n ?? 0)));
  return h(
    'div',
    { class: 'wide table-box', tabindex: '0', role: 'region', 'aria-label': 'Numbers' },
    h(
      'table',
      {},
      h('thead', {}, h('tr', {}, ...head.map(name => h('th', { scope: 'col', class: 'number' }, name)))),
      h('tbody', {}, ...shown.map(line => h('tr', {}, ...cells(line)))),
    ),
    rest && h('p', { class: 'quiet' }, rest),
  );
}

const plain = new Intl.NumberFormat('en', { maximumSignificantDigits: 6, useGrouping: false });
const power = new Intl.NumberFormat('en', { maximumSignificantDigits: 4, notation: 'scientific' });

/** @param {number} n */
const short = n => (n !== 0 && (Math.abs(n) >= 1e7 || Math.abs(n) < 1e-4) ? power : plain).format(n);

/** @param {number} n */
const two = n => (Number.isFinite(n) ? String(Math.round(n * 100) / 100) : '0');
/** @param {readonly number[]} list */
const first = list => list[0] ?? 0;
/** @param {readonly number[]} list */
const last = list => list.at(-1) ?? 0;
/** @param {readonly number[]} list */
const least = list => list.reduce((a, b) => Math.min(a, b), list[0] ?? 0);
/** @param {readonly number[]} list */
const greatest = list => list.reduce((a, b) => Math.max(a, b), list[0] ?? 0);
/** @param {readonly number[]} edges @param {number} i */
const center = (edges, i) => ((edges[i] ?? 0) + (edges[i + 1] ?? 0)) / 2;
