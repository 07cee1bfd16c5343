import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ejs from 'ejs';
import { packageRoot } from './paths.js';
import { quote } from './shell.js';

/**
 * Renders `templates/NAME.ejs`. `<%= %>` shell-quotes what it prints; `<%- %>` prints raw and wants a reason beside it.
 * A name that `values` lacks is an error, never an empty string.
 */
export function render(name: string, values: Record<string, unknown>): string {
  const file = join(packageRoot, 'templates', `${name}.ejs`);
  const render = ejs.compile(readFileSync(file, 'utf8'), {
    filename: file,
    escape: v => quote(textOf(v)),
    rmWhitespace: false,
    // with it, ejs would put the template's lines into the message of what a template refuses
    compileDebug: false,
  });
  return render(values);
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new TypeError(`a template can print text, numbers and booleans, not ${value === null ? 'null' : typeof value}`);
}

/** The text of `templates/NAME` as it is: a shell script that takes what it needs as arguments. */
export function templateText(name: string): string {
  return readFileSync(join(packageRoot, 'templates', name), 'utf8');
}
