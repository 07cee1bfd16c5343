/**
 * Makes text from another machine, file or person safe for a terminal: it can't move the cursor, clear the screen, set a
 * title, answer for the user, or show letters in another order than written. Line breaks and tabs stay; a lone carriage
 * return, which could overwrite a line, becomes a line break.
 */
export function printable(text: string): string {
  return text.replace(breaks, '\n').replace(sequences, '').replace(controls, '').replace(hidden, '\ufffd');
}

/**
 * The same on one line, for a name or a reason within a sentence: line breaks become spaces.
 * @param most the number of characters that are kept
 */
export function inLine(text: string, most = 500): string {
  // only the part that can be kept is checked: the text may be a gigabyte
  const lookedAt = text.slice(0, 16 * most);
  const line = printable(lookedAt).replace(/[\n\t]+/g, ' ');
  return line.length > most || text.length > lookedAt.length ? `${whole(line.slice(0, most))}…` : line;
}

/** Limits the length of lines; a line that is cut says how much is missing. */
export function bounded(text: string, most = 4000): string {
  if (text.length <= most) return text;
  return text
    .split('\n')
    .map(line => (line.length > most ? `${whole(line.slice(0, most))}… (${line.length - most} more characters)` : line))
    .join('\n');
}

/**
 * A value as JSON that is also safe on a terminal: characters that `printable` would remove become `\uXXXX`.
 * @param indent spaces for each level; none: one line
 */
export function printableJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent) ?? 'null';
  // JSON's own syntax is ASCII, so replaced characters are always inside strings, where an escape means the same
  return text.replace(/[\u007f-\u009f]/g, escaped).replace(hidden, escaped);
}

const escaped = (sign: string): string =>
  sign
    .split('')
    .map(unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');

/** Removes half of a surrogate pair at the end. */
const whole = (text: string): string => text.replace(/[\ud800-\udbff]$/, '');

const breaks = /\r+\n?/g;
/**
 * From ECMA-48: control sequences such as colours, strings such as titles if they end on the same line, and short
 * escapes. No part of one can begin another, so matching takes linear time.
 */
const sequences =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are searched for
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u0018\u001a\u001b\u0080-\u009f\n]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-Z\\-~]/g;
const controls = /(?![\t\n])\p{Cc}/gu;
/**
 * Characters that are invisible or reorder others (Unicode 16, 4.1 and 5.21): format characters such as bidirectional
 * controls, zero widths and tags; line separators; halves of surrogate pairs; and other characters without a shape.
 * Variation selectors, which only choose a shape of the character before them, stay.
 */
const hidden = /[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]|(?!\p{Variation_Selector})\p{Default_Ignorable_Code_Point}/gu;
