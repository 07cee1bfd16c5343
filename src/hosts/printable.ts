/**
 * What another machine wrote, fit for a terminal: without control characters, which could redraw what the person has
 * before him. Line breaks and tabs stay.
 */
export function printable(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(sequences, '').replace(controls, '');
}

/** ECMA-48 control sequences, such as colours. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const sequences = /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
