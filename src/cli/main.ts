import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { UsageError } from '../errors.js';
import { packageRoot } from '../paths.js';
import { register as completion } from './completion.js';
import { register as config } from './config.js';
import { register as down } from './down.js';
import { register as env } from './env.js';
import { register as exec } from './exec.js';
import { register as list } from './list.js';
import { register as logs } from './logs.js';
import { register as renderCommand } from './render.js';
import { register as scale } from './scale.js';
import { register as sites } from './sites.js';
import { register as status } from './status.js';
import { Ui } from './ui.js';
import { register as up } from './up.js';

const ui = new Ui();
// what stands behind -- belongs to the command that `exec` runs
const given = process.argv.slice(2);
const bar = given.indexOf('--');
const [own, rest] = bar < 0 ? [given, []] : [given.slice(0, bar), given.slice(bar + 1)];
ui.json = own.includes('--json');

const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string };
const program = new Command('scailfin')
  .description('Turns an HPC allocation into a private HTCondor and REANA cluster, and takes it away again.')
  .version(version, '-V, --version')
  .exitOverride()
  // mistakes are shown below, as all errors are; what is left is help
  .configureOutput({ outputError: () => {}, writeErr: text => (ui.json ? undefined : process.stderr.write(text)) });

for (const register of [up, status, list, scale, down]) register(program, ui);
exec(program, ui, rest);
for (const register of [env, logs, sites, config, renderCommand]) register(program, ui);
completion(program, ui);
for (const command of [program, ...program.commands])
  for (const sub of command.commands) sub.exitOverride().copyInheritedSettings(program);

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

try {
  await program.parseAsync(own, { from: 'user' });
} catch (error) {
  if (!(error instanceof CommanderError)) process.exitCode = ui.fail(error);
  else if (error.exitCode === 0) process.exitCode = 0;
  else if (error.code === 'commander.help' && !ui.json) process.exitCode = 2;
  else process.exitCode = ui.fail(mistyped(error));
}

function mistyped({ code, message }: CommanderError): UsageError {
  const verb = program.commands.some(c => c.name() === own[0]) ? `${own[0]} ` : '';
  const what = code === 'commander.help' ? 'a command is missing' : message.replace(/^error: /, '');
  return new UsageError(what, { hint: `scailfin ${verb}--help shows what there is` });
}
