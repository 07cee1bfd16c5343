import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ejs from 'ejs';
import { packageRoot } from './paths.js';
import { quote, quoteWithVariables } from './shell.js';

/**
 * Renders `templates/NAME.ejs`. `<%= %>` shell-quotes the text it prints; `<%- %>` prints it raw and needs a reason
 * beside it. `<%- withVariables(text) %>` prints a word in which the remote shell expands variables and runs nothing. A
 * name that `values` does not have is an error, never an empty string.
 */
export function render(name: string, values: Record<string, unknown>): string {
  const file = join(packageRoot, 'templates', `${name}.ejs`);
  const render = ejs.compile(readFileSync(file, 'utf8'), {
    filename: file,
    escape: v => quote(textOf(v)),
    rmWhitespace: false,
    // otherwise ejs would put lines of the template into the message when a template refuses a value
    compileDebug: false,
  });
  return render({ withVariables: quoteWithVariables, ...values });
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new TypeError(`a template can print text, numbers and booleans, not ${value === null ? 'null' : typeof value}`);
}

/** The text of `templates/NAME` unchanged: a shell script that gets its data as arguments. */
export function templateText(name: string): string {
  return readFileSync(join(packageRoot, 'templates', name), 'utf8');
}
