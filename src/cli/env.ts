import type { Command } from 'commander';
import type { Ui } from './ui.js';

export function register(program: Command, ui: Ui): void {
  program
    .command('env')
    .description('print what leads to the pool, and to REANA where the cluster has it, for: eval "$(scailfin env)"')
    .argument('[name]', 'the cluster; default: the only one')
    .action(async (name: string | undefined) => {
      const [{ pickRecord }, { clusterExports }] = await Promise.all([
        import('./session.js'),
        import('../cluster/environment.js'),
      ]);
      ui.print(clusterExports(pickRecord(name)));
    });
}
