import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../paths.js';
import { Ui } from './ui.js';

const ui = new Ui();
// what stands behind -- belongs to the command that `exec` runs
const given = process.argv.slice(2);
const bar = given.indexOf('--');
const [own, rest] = bar < 0 ? [given, []] : [given.slice(0, bar), given.slice(bar + 1)];
ui.json = own.includes('--json');

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => {
    // all that was begun is in the journal, and on the site
    process.stderr.write('\ninterrupted; `scailfin up` with the same words goes on, `scailfin down` takes it away\n');
    process.exit(code);
  });
}

const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string };
if (own[0] === '--version' || own[0] === '-V') {
  ui.print(version);
} else {
  // the parser is half of the start: it is loaded where there is something to parse
  const { run } = await import('./program.js');
  await run(own, rest, version, ui);
}
