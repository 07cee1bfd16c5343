import type { Command } from 'commander';
import type { ClusterRecord } from '../cluster/record.js';
import type { Ui } from './ui.js';

export function register(program: Command, ui: Ui): void {
  program
    .command('env')
    .description(
      'print the environment variables for the pool, and for REANA if the cluster has it; use: eval "$(scailfin env)"',
    )
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

/** The local port that is forwarded to REANA; if needed, a background process is started that forwards it. */
async function portHere(record: ClusterRecord, ui: Ui): Promise<number | undefined> {
  const { reana, spec, name, state } = record;
  if (reana === undefined || state === 'terminated') return reana?.port;
  if (spec.headnode.kind === 'local') return (await answers(record, ui)) ? reana.port : undefined;
  const [{ Journal }, { openTunnel, tunnelOf }] = await Promise.all([
    import('../cluster/journal.js'),
    import('../cluster/tunnel.js'),
  ]);
  const { dir } = Journal.open(name);
  const kept = tunnelOf(dir);
  const tunnel = kept ?? (await openTunnel(name, dir));
  if (!kept)
    ui.say(
      `process ${tunnel.pid} forwards port ${tunnel.port} to REANA until the cluster is taken down (scailfin connect)`,
    );
  return tunnel.port;
}

/** Whether REANA itself answers on its local port: no other server may get its token. */
async function answers(record: ClusterRecord, ui: Ui): Promise<boolean> {
  const [{ withCluster }, { dialReana }] = await Promise.all([import('./session.js'), import('../cluster/reana.js')]);
  try {
    await withCluster(ui, record.name, {}, async context => (await (await dialReana(context))()).destroy());
    return true;
  } catch (error) {
    const { messageOf } = await import('../errors.js');
    ui.say(`REANA's variables are left out: ${messageOf(error)}; scailfin up ${record.name} starts REANA again`);
    return false;
  }
}
