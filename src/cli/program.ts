import { Command, CommanderError } from 'commander';
import { UsageError } from '../errors.js';
import { addTopics } from './guide/topics.js';
import { Ui } from './ui.js';

type Register = (program: Command, ui: Ui, rest: readonly string[]) => void;

/**
 * The verbs in the order of the help. A verb's file is loaded when it is used; only help, completion and errors need all.
 */
const verbs: Record<string, () => Promise<{ register: Register }>> = {
  up: () => import('./up.js'),
  status: () => import('./status.js'),
  list: () => import('./list.js'),
  scale: () => import('./scale.js'),
  down: () => import('./down.js'),
  exec: () => import('./exec.js'),
  run: () => import('./run.js'),
  example: () => import('./example.js'),
  connect: () => import('./connect.js'),
  env: () => import('./env.js'),
  logs: () => import('./logs.js'),
  images: () => import('./images.js'),
  share: () => import('./share.js'),
  token: () => import('./token.js'),
  login: () => import('./login.js'),
  logout: () => import('./logout.js'),
  sshproxy: () => import('./sshproxy.js'),
  proxy: () => import('./proxy.js'),
  sites: () => import('./sites.js'),
  config: () => import('./config.js'),
  render: () => import('./render.js'),
  completion: () => import('./completion.js'),
  help: () => import('./help.js'),
};

/** These commands speak about all commands, so they need all of them loaded. */
const needsAll = ['completion', 'help'];

/**
 * Makes the program with its commands.
 * @param rest the words after `--`
 * @param word the first word of the command line. If it is a command that does not need the others, only that one is loaded.
 */
export async function assemble(ui: Ui, version: string, rest: readonly string[] = [], word = ''): Promise<Command> {
  const program = new Command('scailfin')
    .description('Turns an HPC allocation into a private HTCondor and REANA cluster, and takes it down again.')
    .version(version, '-V, --version')
    .exitOverride()
    // errors of the parser are shown below, as all errors are; the parser itself prints only help
    .configureOutput({
      outputError: () => {},
      writeOut: text => ui.help('stdout', text),
      writeErr: text => ui.help('stderr', text),
      // otherwise the parser would look at streams that it does not write to
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });

  const alone = !needsAll.includes(word) && Object.hasOwn(verbs, word) ? verbs[word] : undefined;
  const loaded = await Promise.all((alone ? [alone] : Object.values(verbs)).map(load => load()));
  for (const { register } of loaded) register(program, ui, rest);
  addTopics(program);
  for (const command of [program, ...program.commands])
    for (const sub of command.commands) sub.exitOverride().copyInheritedSettings(program);
  return program;
}

/** Runs the command that the words say. Errors are shown, and set the exit status. */
export async function run(words: readonly string[], version: string): Promise<void> {
  // the words after -- belong to the command that `exec` runs
  const bar = words.indexOf('--');
  const [own, rest] = bar < 0 ? [words, []] : [words.slice(0, bar), words.slice(bar + 1)];
  const ui = new Ui();
  ui.json = own.includes('--json');

  const word = own[0] ?? '';
  const program = await assemble(ui, version, rest, word);

  try {
    await program.parseAsync(own, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) process.exitCode = ui.fail(error);
    else if (error.exitCode === 0) process.exitCode = 0;
    else if (error.code === 'commander.help' && !ui.json) process.exitCode = 2;
    else process.exitCode = ui.fail(mistyped(error, Object.hasOwn(verbs, word) ? `${word} ` : ''));
  }
}

function mistyped({ code, message }: CommanderError, verb: string): UsageError {
  const what = code === 'commander.help' ? 'a command is missing' : message.replace(/^error: /, '');
  return new UsageError(what, { hint: `scailfin ${verb}--help lists what is possible` });
}
