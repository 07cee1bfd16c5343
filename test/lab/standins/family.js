import { long } from './clock.js';
import { words } from './getopt.js';

/** What Torque and PBS have in common. */

/** Attributes of a job in the order in which the system tells them; `Resource_List.walltime` for nested ones.
 * @typedef {readonly (readonly [string, string | Date])[]} Attributes */

/** @typedef {{ readonly id: string, readonly attributes: Attributes }} Shown */

/** A qsub as it was typed, and where.
 * @typedef {object} Typed
 * @property {readonly string[]} args
 * @property {() => string} stdin
 * @property {(path: string) => string | undefined} file
 * @property {{ readonly [name: string]: string | undefined }} env
 * @property {string} user
 * @property {string} host
 * @property {string} dir
 */

/** @param {Attributes} attributes @param {string} name @returns {string} */
export function text(attributes, name) {
  const value = attributes.find(([key]) => key === name)?.[1];
  return value instanceof Date ? long(value) : (value ?? '');
}

/**
 * `qstat -f`, folded at a width; in whole lines without.
 * @param {readonly Shown[]} jobs @param {number} [width] @returns {string}
 */
export const full = (jobs, width) =>
  jobs.map(({ id, attributes }) => block(`Job Id: ${id}`, attributes, width)).join('');

/**
 * A title and its attributes, a line each.
 * @param {string} title @param {Attributes} attributes @param {number} [width] @returns {string}
 */
export function block(title, attributes, width) {
  const lines = attributes.map(([name]) => `${name} = ${text(attributes, name)}`);
  const shown = width === undefined ? lines : lines.map(line => folded(line, width));
  return `${title}\n${shown.map(line => `    ${line}\n`).join('')}\n`;
}

/**
 * Breaks after commas where a line would get too long, and anywhere when there is none; a line that ends at the edge
 * is broken all the same.
 * @param {string} whole @param {number} width @returns {string}
 */
function folded(whole, width) {
  let out = '';
  let column = 4;
  for (const part of whole.match(/[^,]*,|[^,]+$/g) ?? []) {
    if (out.endsWith(',') && column + part.length > width) {
      out += '\n\t';
      column = 9;
    }
    for (const char of part) {
      out += char;
      column += 1;
      if (column === width) {
        out += '\n\t';
        column = 9;
      }
    }
  }
  return out;
}

/**
 * The options in a script's #PBS lines, until the first line that does something.
 * @param {string} script @returns {string[]}
 */
export function directivesOf(script) {
  const lines = script.split('\n').map(line => line.replace(/\r$/, ''));
  const end = lines.findIndex(line => !/^\s*(#|:|$)/.test(line));
  const own = lines.slice(0, end < 0 ? lines.length : end).filter(line => line.startsWith('#PBS '));
  return own.flatMap(line => words(line.slice(4)));
}

/** `[[[[CC]YY]MM]DD]hhmm[.SS]` @param {string | undefined} text @returns {number | undefined} */
export function beginOf(text) {
  const parts = /^((?:\d\d){2,6})(?:\.\d\d)?$/
    .exec(text ?? '')?.[1]
    ?.match(/\d\d/g)
    ?.map(Number)
    .reverse();
  if (!parts) return undefined;
  const now = new Date();
  const [minute = 0, hour = 0, day = now.getDate(), month = now.getMonth() + 1, year, century = 20] = parts;
  const full = year === undefined ? now.getFullYear() : century * 100 + year;
  return new Date(full, month - 1, day, hour, minute).getTime() / 1000;
}
