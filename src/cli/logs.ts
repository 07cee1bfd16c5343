import type { Command } from 'commander';
import { CommandError, UsageError } from '../errors.js';
import type { Transport } from '../hosts/target.js';
import { jsonOption, transportOption } from './options.js';
import type { Ui } from './ui.js';

interface Flags {
  glidein?: string;
  headnode?: boolean;
  transport?: Transport;
}

export function register(program: Command, ui: Ui): void {
  program
    .command('logs')
    .description("show the end of the glide-ins' logs; with --glidein, the whole log of one")
    .argument('[name]', 'the cluster; default: the only one')
    .option('--glidein <id>', 'the batch job id, as `scailfin status` shows it')
    .option('--headnode', "show the pool's own logs instead")
    .addOption(transportOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nOn a terminal and in a pipe, terminal control sequences are left out. For the complete text: > FILE, or --json.',
    )
    .action(async (name: string | undefined, flags: Flags) => {
      const [{ pickRecord, withCluster }, { clusterLogs }] = await Promise.all([
        import('./session.js'),
        import('../cluster/logs.js'),
      ]);
      const record = pickRecord(name);
      await withCluster(ui, record.name, flags, async ({ connections }) => {
        const what = flags.headnode
          ? ({ part: 'headnode' } as const)
          : ({ part: 'glideins', id: flags.glidein } as const);
        const text = await clusterLogs(record, connections, what).catch(error => {
          if (error instanceof CommandError && error.exitStatus === 1) throw new UsageError(error.stderr.trim());
          throw error;
        });
        if (ui.json) ui.printJson({ text });
        else if (text.trim() === '') ui.print('nothing has been written yet');
        else ui.printLog(text.trimEnd());
      });
    });
}
