import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { services } from '../frameworks/registry.js';
import type { Transport } from '../hosts/target.js';
import { transportOption } from './options.js';
import type { Ui } from './ui.js';

/** @param rest the words after `--`, which option parsing does not touch */
export function register(program: Command, ui: Ui, rest: readonly string[]): void {
  program
    .command('exec')
    .description("run a command on the headnode in the pool's environment")
    .usage('[name] -- COMMAND...')
    .argument('[name]', 'the cluster; default: the only one')
    .addOption(
      program
        .createOption(
          '--framework <name>',
          'use the Python of this framework, if there are several; default: the first',
        )
        .choices(services.map(f => f.name)),
    )
    .addOption(transportOption())
    .addHelpText('after', '\nFor example: scailfin exec -- condor_status')
    .action(async (name: string | undefined, flags: { transport?: Transport; framework?: string }) => {
      if (rest.length === 0)
        throw new UsageError('no command was given', {
          hint: 'put it after --, for example: scailfin exec -- condor_status',
        });
      const [{ pickRecord, withCluster }, { poolCommand }, { headHost }, { offersOf, wantedOf }, { Journal }] =
        await Promise.all([
          import('./session.js'),
          import('../cluster/environment.js'),
          import('../cluster/machines.js'),
          import('../cluster/framework.js'),
          import('../cluster/journal.js'),
        ]);
      const record = pickRecord(name);
      const { framework } = flags;
      if (framework !== undefined) wantedOf(record, await offersOf(record, Journal.open(record.name).dir), [framework]);
      await withCluster(ui, record.name, flags, async ({ connections }) => {
        const host = await headHost(connections, record);
        const { stdin, stdout, stderr } = process;
        process.exitCode = await host.attach(poolCommand(record, rest, framework), {
          stdin,
          stdout,
          stderr,
          tty: Boolean(stdin.isTTY && stdout.isTTY),
        });
      });
    });
}
