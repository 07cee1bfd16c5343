const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** @param {number} n @returns {string} */
const two = n => String(n).padStart(2, '0');

/** `Sun Nov 22 03:19:15 2026`, ctime(3). @param {Date} time @returns {string} */
export const long = time => `${short(time)} ${time.getFullYear()}`;

/** `Sun Nov 22 03:19:15`. @param {Date} time @returns {string} */
export function short(time) {
  const day = `${days[time.getDay()]} ${months[time.getMonth()]} ${String(time.getDate()).padStart(2)}`;
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

/** `Sun Nov 22 at 03:19`, which schedulers write into comments. @param {Date} time @returns {string} */
export const comment = time => `${short(time).slice(0, 10)} at ${short(time).slice(11, 16)}`;

/** Seconds as `00:10:00`. @param {number} seconds @returns {string} */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

/** `[[hours:]minutes:]seconds` in seconds. @param {string} text @returns {number | undefined} */
export function seconds(text) {
  if (!/^\d+(:\d+){0,2}$/.test(text)) return undefined;
  return text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}
