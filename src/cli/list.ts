import type { Command } from 'commander';
import { jsonOption } from './options.js';
import { table } from './table.js';
import type { Ui } from './ui.js';

export function register(program: Command, ui: Ui): void {
  program
    .command('list')
    .description('list the clusters recorded on this machine')
    .option('--all', 'include clusters that were taken down')
    .addOption(jsonOption())
    .action(async (flags: { all?: boolean }) => {
      const [{ committed }, { allRecords }, { headnodeName }] = await Promise.all([
        import('../cluster/allowance.js'),
        import('../cluster/journal.js'),
        import('../cluster/headnodes.js'),
      ]);
      const records = allRecords().filter(r => flags.all || r.state !== 'terminated');
      const rows = records.map(r => ({
        ...{ name: r.name, state: r.state, reason: r.reason, sites: r.sites.map(s => s.spec.site) },
        ...{
          headnode: headnodeName(r.spec.headnode),
          nodes: r.sites.reduce((n, s) => n + s.spec.nodes, 0),
          /** What all submissions may have used together, at most. */
          mostNodeHours: r.sites.reduce((sum, s) => sum + committed(s.batches, [], s.spec.walltime), 0),
          created: r.created,
        },
      }));
      if (ui.json) ui.printJson(rows);
      else if (rows.length === 0) ui.print('there are no clusters; to start one: scailfin up --site SITE');
      else {
        const cells = rows.map(r => [
          r.name,
          r.state,
          r.sites.join(','),
          String(r.nodes),
          `≤ ${r.mostNodeHours.toFixed(2)}`,
          r.headnode,
          r.created.slice(0, 16).replace('T', ' '),
          r.reason,
        ]);
        ui.print(
          table([
            ['NAME', 'STATE', 'SITE', 'NODES', 'NODE-HOURS', 'HEADNODE', 'CREATED (UTC)', 'LAST KNOWN'],
            ...cells,
          ]),
        );
      }
    });
}
