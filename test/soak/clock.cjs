/*
 * Loaded into our programs before they start (node --require): their clock is ahead by what /run/clock-offset says, in seconds,
 * or is behind. Timers go on as they are: they do not follow the wall clock.
 */
const { readFileSync } = require('node:fs');

let ahead = 0;
const look = () => {
  try {
    ahead = 1000 * (Number(readFileSync('/run/clock-offset', 'utf8')) || 0);
  } catch {
    ahead = 0;
  }
};
look();
setInterval(look, 500).unref();

const real = globalThis.Date;
const now = real.now.bind(real);
globalThis.Date = new Proxy(real, {
  construct: (target, args, self) => Reflect.construct(target, args.length === 0 ? [now() + ahead] : args, self),
  apply: target => String(new target(now() + ahead)),
  get: (target, name) => (name === 'now' ? () => now() + ahead : Reflect.get(target, name)),
});
