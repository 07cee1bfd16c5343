import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/paths.js';
import { templateText } from '../../src/templates.js';

/** What only leads from an action to the port: it says nothing about what is done. */
const plumbing =
  /^(process\.|Object\.|Promise\.|Array\.|new |_?(Ssh|Local|Pinned)Host\.|run(Script|Batch|Batches|All)$|<anonymous>|act$|wrapped$|caller$|begin$|named$)/;

/** A name for what is asked of a host: the script that is sent, or the function that asks. A new action has a name by itself. */
export function named(method: string, args: readonly unknown[]): string {
  const [argv] = args;
  const script = Array.isArray(argv) ? argv.map(scriptIn).find(name => name !== undefined) : undefined;
  return `${method} ${script ?? caller() ?? (Array.isArray(argv) ? String(argv[0]) : '')}`.trim();
}

let scripts: readonly (readonly [name: string, text: string])[] | undefined;

/** The template of which a word of a command line consists, or the last of several that were put together. */
function scriptIn(word: unknown): string | undefined {
  if (typeof word !== 'string' || word.length < 40) return undefined;
  scripts ??= readdirSync(join(packageRoot, 'templates'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.sh'))
    .map(name => [name, templateText(name)] as const)
    // these two come before others
    .filter(([name]) => name !== 'site/batch.sh' && name !== 'site/on-machine.sh')
    .sort(([, a], [, b]) => b.length - a.length);
  return scripts.find(([, text]) => word.endsWith(text))?.[0];
}

function caller(): string | undefined {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 40;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = limit;
  const names = [...stack.matchAll(/^ +at (?:async )?([^ (]+)(?: \[as [^\]]+\])? \(/gm)].map(([, name = '']) => name);
  return names.find(name => !plumbing.test(name));
}
