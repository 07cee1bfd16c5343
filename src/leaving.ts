import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { packageRoot } from './paths.js';
import { templateText } from './templates.js';

/** A file that would leave this machine. */
export interface Leaving {
  /** Its name in the folder. */
  readonly name: string;
  readonly content: string;
  readonly mode: number;
  /** A line that describes it. */
  readonly what: string;
}

/** The files for one place. */
export interface Folder {
  readonly name: string;
  /** `goes to …`: the place, and who runs the files. */
  readonly goes: string;
  readonly files: readonly Leaving[];
}

/** The names of the scripts in a folder of `templates/`, sorted, without `.sh`. */
export function scriptNames(folder: string): string[] {
  return readdirSync(join(packageRoot, 'templates', folder))
    .filter(name => name.endsWith('.sh'))
    .map(name => basename(name, '.sh'))
    .sort();
}

/** A script of `templates/` that is sent unchanged; its description is its own first sentence. */
export function script(template: string, name = basename(template)): Leaving {
  const content = templateText(`${template}.sh`);
  return { name: `${name}.sh`, content, mode: 0o644, what: purpose(content) };
}

/** The first sentence of `# NAME ARGUMENTS: description`, the first comment of every script. */
export function purpose(text: string): string {
  const lines = text.split('\n');
  const first = lines.findIndex(line => /^# (?!shellcheck )[^:]+: /.test(line));
  if (first < 0) return '';
  const rest = lines.slice(first);
  const end = rest.findIndex(line => !line.startsWith('# '));
  const said = rest
    .slice(0, end)
    .map(line => line.slice(2))
    .join(' ');
  return (said.slice(said.indexOf(': ') + 2).split(/\. |\.$/)[0] as string).trim();
}

/** `$HOME/.scailfin` → `/@HOME@/.scailfin`: only the site knows the value. */
export function placeholders(path: string): string {
  return path.replaceAll(/\$\{?(\w+)\}?/g, '/@$1@').replaceAll('//', '/');
}
