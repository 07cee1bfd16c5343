/*
 * Behind `npm test`, `npm run demo` and the other verbs of package.json: makes a machine with nothing but Node.js and Debian ready, then
 * does what the verb says. `kubernetes` builds the control plane that some tests use if it is there.
 *   node test/setup/run.js VERB [ARGUMENT…]
 */
import { build } from './build.js';
import { installModules, installPackages } from './install.js';
import { lab, prepareLab } from './labs.js';
import { model } from './model.js';
import { run, tool } from './programs.js';
import { say } from './say.js';
import { slow } from './slow.js';
import { suite } from './suite.js';

/** @type {{ [verb: string]: (args: string[]) => Promise<number> }} */
const verbs = {
  // what is named is run whole
  test: args => suite(args, args.length > 0),
  'test:all': args => suite(args, true),
  attack: args =>
    withLabs(
      tool('vitest'),
      [
        'run',
        '--reporter=default',
        '--reporter=./test/attack/reporter.ts',
        ...(args.length > 0 ? args : ['test/attack']),
      ],
      { SCAILFIN_THOROUGH: '1' },
    ),
  demo: args => withLabs(tool('tsx'), ['test/demo/demo.ts', ...args]),
  bench: args => withLabs(tool('tsx'), ['test/bench/run.ts', ...args]),
  load: args => withLabs(tool('tsx'), ['test/load/run.ts', ...args]),
  soak: args => withLabs(tool('tsx'), ['test/soak/run.ts', ...args]),
  lab,
  model,
  slow,
  faults: args => withLabs(tool('tsx'), ['test/faults/run.ts', ...args]),
  clients: args => run(tool('tsx'), ['test/reana/clients/run.ts', ...args]),
  conformance: args => run(tool('tsx'), ['test/conformance/run.ts', ...args]),
  kubernetes: () => run(tool('tsx'), ['test/kubernetes/build.ts']),
};

/**
 * @param {string} program
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env] added to the environment
 */
async function withLabs(program, args, env) {
  await prepareLab();
  return run(program, args, env);
}

const [verb = '', ...args] = process.argv.slice(2);
const action = verbs[verb];
if (!action) {
  process.stderr.write(`usage: node test/setup/run.js ${Object.keys(verbs).join('|')} [ARGUMENT…]\n`);
  process.exit(2);
}
try {
  await installModules();
  // reading recordings takes Node.js alone, and no others than its lines belong on stdout; the model is all in memory
  if (verb !== 'conformance' && verb !== 'model') {
    await installPackages(verb);
    await build();
  }
  process.exitCode = await action(args);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  if (verb.startsWith('test')) process.stdout.write('0 passed, 1 failed\n');
  process.exitCode = 1;
}
