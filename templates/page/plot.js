/** @import { PoolSample } from '../../src/reana/edge/overview.js' */
import { countTicks, timeTicks } from './axis.js';
import { h, s, setAttribute, setText } from './dom.js';
import { clockOf, dayOf } from './format.js';

const height = 190;
const margin = { top: 10, right: 12, bottom: 24, left: 34 };
const hour = 3_600_000;
const spans = [
  { label: 'Last hour', ms: hour },
  { label: 'Last 6 hours', ms: 6 * hour },
  { label: 'Last day', ms: 24 * hour },
];
/** Between samples that are further apart nothing is drawn, because nobody looked at that time. */
const gapMs = 10 * 60_000;

/** Used and free slots, stacked, and waiting jobs as a line, over time. */
export function slotsPlot() {
  const drawing = s('svg', {
    class: 'plot',
    height,
    role: 'img',
    'aria-label': 'Slots used, slots free and jobs waiting over time',
  });
  const reading = h('span', { class: 'reading' });
  const legend = h(
    'p',
    { class: 'legend' },
    key('used', 'slots used'),
    key('free', 'slots free'),
    key('line', 'jobs waiting'),
    reading,
  );
  let span = spans[0]?.ms ?? hour;
  /** @type {readonly PoolSample[]} */
  let samples = [];
  let now = 0;
  let drawn = '';

  const draw = () => {
    const width = Math.max(240, Math.round(drawing.getBoundingClientRect().width));
    const last = samples.at(-1);
    const what = `${width} ${span} ${Math.floor(now / 15_000)} ${last?.time} ${samples.length}`;
    if (what === drawn || !drawing.isConnected) return;
    drawn = what;
    setAttribute(drawing, 'viewBox', `0 0 ${width} ${height}`);
    const shown = samples.filter(sample => sample.time >= now - span - gapMs);
    drawing.replaceChildren(...picture(shown, now - span, now, width));
    say(last);
  };
  /** @param {PoolSample | undefined} sample */
  const say = sample => {
    if (!sample) return setText(reading, '');
    const { time, used, free, waiting } = sample;
    setText(reading, `${clockOf(time)}: ${used} used, ${free} free, ${waiting} waiting`);
  };
  const choice = h('fieldset', { class: 'choice' }, h('legend', { class: 'unseen' }, 'Time shown'));
  for (const { label, ms } of spans) {
    const input = h('input', { type: 'radio', name: 'span', value: ms, checked: ms === span });
    input.addEventListener('change', () => {
      span = ms;
      draw();
    });
    choice.append(h('label', {}, input, h('span', {}, label)));
  }
  drawing.addEventListener('pointermove', event => {
    const { left, width } = drawing.getBoundingClientRect();
    const share = (event.clientX - left - margin.left) / (width - margin.left - margin.right);
    say(nearest(samples, now - span + share * span));
  });
  drawing.addEventListener('pointerleave', () => say(samples.at(-1)));
  new ResizeObserver(draw).observe(drawing);
  const element = h('figure', {}, h('div', { class: 'plot-head' }, legend, choice), drawing);
  /** @param {readonly PoolSample[]} history @param {number} time */
  const update = (history, time) => {
    [samples, now] = [history, time];
    draw();
  };
  return { element, update };
}

/** @param {string} look @param {string} text */
const key = (look, text) => h('span', { class: 'key' }, h('i', { class: look }), text);

/** @param {readonly PoolSample[]} samples @param {number} time */
const nearest = (samples, time) => [...samples].sort((a, b) => Math.abs(a.time - time) - Math.abs(b.time - time))[0];

/** @param {readonly PoolSample[]} samples @param {number} from @param {number} to @param {number} width */
function picture(samples, from, to, width) {
  const highest = Math.max(1, ...samples.map(({ used, free, waiting }) => Math.max(used + free, waiting)));
  const counts = countTicks(highest, 4);
  const top = counts.at(-1) ?? 1;
  const [right, bottom] = [width - margin.right, height - margin.bottom];
  const x = (/** @type {number} */ time) =>
    Math.max(margin.left, margin.left + ((time - from) / (to - from)) * (right - margin.left));
  const y = (/** @type {number} */ n) => bottom - (n / top) * (bottom - margin.top);
  const lines = counts.flatMap(n => [
    s('line', { class: 'grid', x1: margin.left, x2: right, y1: y(n), y2: y(n) }),
    s('text', { x: margin.left - 7, y: y(n) + 4, 'text-anchor': 'end' }, String(n)),
  ]);
  const times = timeTicks(from, to, Math.max(2, Math.floor(width / 110))).ticks.map(tick =>
    s('text', { x: x(tick), y: height - 6, 'text-anchor': anchor(x(tick), width) }, labelOf(tick)),
  );
  const areas = pieces(samples).flatMap(piece => {
    /** @param {(sample: PoolSample) => number} low @param {(sample: PoolSample) => number} high */
    const band = (low, high) =>
      `M${stairs(piece, x, sample => y(high(sample)))}L${stairs(piece, x, sample => y(low(sample)), true)}Z`;
    return [
      s('path', {
        class: 'area free',
        d: band(
          p => p.used,
          p => p.used + p.free,
        ),
      }),
      s('path', {
        class: 'area used',
        d: band(
          () => 0,
          p => p.used,
        ),
      }),
      s('path', { class: 'line', d: `M${stairs(piece, x, p => y(p.waiting))}` }),
    ];
  });
  const nothing =
    samples.length > 0
      ? []
      : [s('text', { x: width / 2, y: height / 2 - 8, 'text-anchor': 'middle' }, 'No data for this time')];
  return [...lines, ...areas, ...times, ...nothing];
}

/** @param {number} x @param {number} width */
const anchor = (x, width) => (x > width - 40 ? 'end' : x < margin.left + 16 ? 'start' : 'middle');

/** @param {number} tick */
const labelOf = tick => (clockOf(tick) === clockOf(new Date(tick).setHours(0, 0, 0, 0)) ? dayOf(tick) : clockOf(tick));

/** @param {readonly PoolSample[]} samples @returns {PoolSample[][]} */
function pieces(samples) {
  /** @type {PoolSample[][]} */
  const all = [];
  for (const sample of samples) {
    const piece = all.at(-1);
    if (piece && sample.time - (piece.at(-1)?.time ?? 0) <= gapMs) piece.push(sample);
    else all.push([sample]);
  }
  return all;
}

/**
 * A value holds until the next one.
 * @param {PoolSample[]} piece @param {(time: number) => number} x @param {(sample: PoolSample) => number} y
 */
function stairs(piece, x, y, backwards = false) {
  const points = piece.flatMap((sample, i) => {
    const next = piece[i + 1];
    const at = `${x(sample.time).toFixed(1)},${y(sample).toFixed(1)}`;
    return next ? [at, `${x(next.time).toFixed(1)},${y(sample).toFixed(1)}`] : [at];
  });
  return (backwards ? points.reverse() : points).join('L');
}
