const clock = new Intl.DateTimeFormat([], { hour: '2-digit', minute: '2-digit' });
const exactClock = new Intl.DateTimeFormat([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat([], { day: 'numeric', month: 'short' });
const whole = new Intl.DateTimeFormat([], { dateStyle: 'medium', timeStyle: 'long' });

/** All times are in the reader's time zone. @param {number} time */
export const clockOf = time => clock.format(time);
/** @param {number} time */
export const exactClockOf = time => exactClock.format(time);
/** @param {number} time */
export const dayOf = time => day.format(time);
/** With the time zone, for tooltips. @param {number} time */
export const wholeTime = time => whole.format(time);

/** For today the time alone, otherwise with the day. @param {number} time @param {number} now */
export const timeOf = (time, now) => (dayOf(time) === dayOf(now) ? clockOf(time) : `${dayOf(time)}, ${clockOf(time)}`);

/** Without line breaks: `8 s`, `2 min 05 s`, `3 h 20 min`, `2 d 4 h`. @param {number} ms */
export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds}\u00a0s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}\u00a0min\u00a0${two(seconds % 60)}\u00a0s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours}\u00a0h\u00a0${two(minutes % 60)}\u00a0min`;
  return `${Math.floor(hours / 24)}\u00a0d\u00a0${hours % 24}\u00a0h`;
}

/** @param {number} n */
const two = n => String(n).padStart(2, '0');

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** @param {number} n */
export function bytes(n) {
  const power = n < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(n) / 10));
  const value = n / 1024 ** power;
  return `${power > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}

/** `1 step`, `2 steps`. @param {number} n @param {string} one @param {string} [many] */
export const count = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
