/**
 * What another machine, file or person wrote, fit for a terminal: nothing in it can move the cursor, clear the screen,
 * set a title, answer for the person, or show letters in another order than they stand. Line breaks and tabs stay;
 * a lone carriage return, which would let a line be written over, begins a new one.
 */
export function printable(text: string): string {
  return text.replace(breaks, '\n').replace(sequences, '').replace(controls, '').replace(hidden, '\ufffd');
}

/**
 * The same in one line, for a name or a reason beside other words: what would break the line is a space.
 * @param most characters that are kept
 */
export function inLine(text: string, most = 500): string {
  // what is cut off need not be looked at, be it a gigabyte
  const lookedAt = text.slice(0, 16 * most);
  const line = printable(lookedAt).replace(/[\n\t]+/g, ' ');
  return line.length > most || text.length > lookedAt.length ? `${whole(line.slice(0, most))}…` : line;
}

/** No line longer than a person reads; one that is says how much it lacks. */
export function bounded(text: string, most = 4000): string {
  if (text.length <= most) return text;
  return text
    .split('\n')
    .map(line => (line.length > most ? `${whole(line.slice(0, most))}… (${line.length - most} more characters)` : line))
    .join('\n');
}

/**
 * A value as JSON that a terminal can show, too: what `printable` would take away is there, as `\uXXXX`.
 * @param indent spaces for each level; none: one line
 */
export function printableJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent) ?? 'null';
  // JSON's own signs are all ASCII: what is replaced stands in texts, where an escape means the same
  return text.replace(/[\u007f-\u009f]/g, escaped).replace(hidden, escaped);
}

const escaped = (sign: string): string =>
  sign
    .split('')
    .map(unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');

/** Without half of a pair at its end. */
const whole = (text: string): string => text.replace(/[\ud800-\udbff]$/, '');

const breaks = /\r+\n?/g;
/**
 * Of ECMA-48: control sequences such as colours, strings such as titles where they end in their own line, and short
 * escapes. No part of one can begin another, so that the time is linear.
 */
const sequences =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u0018\u001a\u001b\u0080-\u009f\n]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-Z\\-~]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
/**
 * Signs that are not seen, or turn others around (Unicode 16, 4.1 and 5.21): format characters such as bidirectional
 * controls, zero widths and tags, line separators, halves of pairs, and what else has no shape. Those that only choose
 * between two shapes of the sign before them stay.
 */
const hidden = /[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]|(?!\p{Variation_Selector})\p{Default_Ignorable_Code_Point}/gu;
