const minute = 60_000;
const hour = 60 * minute;
/** Intervals in which people count time, in milliseconds. */
const steps = [
  ...[1, 2, 5, 10, 15, 30].map(n => n * 1000),
  ...[1, 2, 5, 10, 15, 30].map(n => n * minute),
  ...[1, 2, 3, 6, 12, 24, 48, 96, 168, 336].map(n => n * hour),
];

/**
 * Ticks at round times of the reader's clock.
 * @param {number} from @param {number} to @param {number} most how many there is room for
 * @returns {{ step: number, ticks: number[] }} milliseconds
 */
export function timeTicks(from, to, most) {
  const step = steps.find(each => (to - from) / each <= most) ?? /** @type {number} */ (steps.at(-1));
  const zone = new Date(from).getTimezoneOffset() * minute;
  const ticks = [];
  for (let tick = Math.ceil((from - zone) / step) * step + zone; tick <= to; tick += step) ticks.push(tick);
  return { step, ticks };
}

/**
 * The end of a timeline that still grows: later than now, so that it need not be redrawn every second.
 * @param {number} from @param {number} now
 */
export function growingEnd(from, now) {
  const span = Math.max(20_000, (now - from) * 1.05);
  const grain = 2 ** Math.ceil(Math.log2(span)) / 16;
  return from + Math.ceil(span / grain) * grain;
}

/** Whole numbers up to a largest value. @param {number} highest @param {number} most @returns {number[]} */
export function countTicks(highest, most) {
  const raw = Math.max(1, highest) / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = Math.max(1, [1, 2, 5, 10].map(n => n * power).find(n => n >= raw) ?? 1);
  const ticks = [];
  for (let tick = 0; ; tick += step) {
    ticks.push(tick);
    if (tick >= highest && ticks.length > 1) return ticks;
  }
}
