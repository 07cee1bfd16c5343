import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../paths.js';

const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string };

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

const words = process.argv.slice(2);
if (words[0] === '--version' || words[0] === '-V') {
  process.stdout.write(`${version}\n`);
} else {
  // the parser is half of the start: it is loaded where there is something to parse
  const { run } = await import('./program.js');
  await run(words, version);
}
