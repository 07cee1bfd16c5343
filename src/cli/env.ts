import type { Command } from 'commander';
import type { ClusterRecord } from '../cluster/record.js';
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
      const record = pickRecord(name);
      ui.printScript(clusterExports(record, await portHere(record, ui)));
    });
}

/** Of this machine, leading to REANA; the connection in the background is begun where it takes one. */
async function portHere(record: ClusterRecord, ui: Ui): Promise<number | undefined> {
  const { reana, spec, name, state } = record;
  if (reana === undefined || state === 'terminated' || spec.headnode.kind === 'local') return reana?.port;
  const [{ Journal }, { openTunnel, tunnelOf }] = await Promise.all([
    import('../cluster/journal.js'),
    import('../cluster/tunnel.js'),
  ]);
  const { dir } = Journal.open(name);
  const kept = tunnelOf(dir);
  const tunnel = kept ?? (await openTunnel(name, dir));
  if (!kept)
    ui.say(`process ${tunnel.pid} leads port ${tunnel.port} to REANA until the cluster goes down (scailfin connect)`);
  return tunnel.port;
}
