import { packageVersion } from '../paths.js';
import { stop } from './interrupt.js';
import { show } from './terminal.js';

const version = packageVersion();

const words = process.argv.slice(2);
const verb = words[0] ?? '';
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => {
    // the command that `exec` runs has the same Ctrl-C, and may well go on
    if (verb === 'exec' && signal === 'SIGINT') return;
    if (stop(signal)) return;
    // all that was begun is in the journal, and on the site
    if (['up', 'scale', 'down'].includes(verb)) {
      show(
        'stderr',
        '\ninterrupted; the same command goes on where it stopped, `scailfin down` takes the cluster away',
      );
    }
    process.exit(code);
  });
}

// by themselves, Node's warnings and last words would go to the terminal as they are
process.removeAllListeners('warning');
process.on('warning', ({ name, message }) => show('stderr', `${name}: ${message}`));
for (const last of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(last, async (error: unknown) => {
    const { Ui } = await import('./ui.js');
    const ui = new Ui();
    ui.json = words.includes('--json');
    process.exit(ui.fail(error));
  });
}

if (words[0] === '--version' || words[0] === '-V') {
  show('stdout', version);
} else {
  // the parser is half of the start: it is loaded where there is something to parse
  const { run } = await import('./program.js');
  await run(words, version);
}
