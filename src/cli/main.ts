import { packageVersion } from '../paths.js';
import { stop } from './interrupt.js';
import { onReaderGone, show } from './terminal.js';

const version = packageVersion();

const words = process.argv.slice(2);
const verb = words[0] ?? '';
const changes = ['up', 'scale', 'down'].includes(verb);
// what changes a cluster goes on without a reader; others end as a shell shows a program that SIGPIPE ended
onReaderGone(() => changes || process.exit(141));
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => {
    // the command that `exec` runs gets the same Ctrl-C, and may continue
    if (verb === 'exec' && signal === 'SIGINT') return;
    if (stop(signal)) return;
    // everything that was begun is recorded in the journal and at the site
    if (changes) {
      show(
        'stderr',
        '\ninterrupted; the same command continues where it stopped, `scailfin down` takes the cluster down',
      );
    }
    process.exit(code);
  });
}

// otherwise Node would print warnings and fatal errors to the terminal unfiltered
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
  // loading the parser takes half of the start-up time, so it is loaded only if there are arguments
  const { run } = await import('./program.js');
  await run(words, version);
}
