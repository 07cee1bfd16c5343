import type { Command } from 'commander';
import type { LocalOffer } from '../cluster/environment.js';
import type { Offer } from '../cluster/framework.js';
import type { ClusterRecord } from '../cluster/record.js';
import type { Framework } from '../frameworks/framework.js';
import type { Ui } from './ui.js';

export function register(program: Command, ui: Ui): void {
  program
    .command('env')
    .description(
      'print the environment variables for the pool, and for what the cluster offers beside it; use: eval "$(scailfin env)"',
    )
    .argument('[name]', 'the cluster; default: the only one')
    .option(
      '--parsl',
      'print a configuration for Parsl instead: scailfin env --parsl > pool.py, then parsl.load(pool.config)',
    )
    .action(async (name: string | undefined, flags: { parsl?: boolean }) => {
      const [{ pickRecord }, { clusterExports }, { offersOf, wantedOf }, { Journal }] = await Promise.all([
        import('./session.js'),
        import('../cluster/environment.js'),
        import('../cluster/framework.js'),
        import('../cluster/journal.js'),
      ]);
      const record = pickRecord(name);
      const offers = await offersOf(record, Journal.open(record.name).dir);
      if (flags.parsl) {
        const [{ service, facts, here }] = wantedOf(record, offers, ['parsl']);
        return ui.printScript(service.configuration?.(facts, here) ?? '');
      }
      const local: LocalOffer[] = [];
      // one after the other: each may ask for the same login
      for (const offer of offers) local.push({ ...offer, port: await portHere(record, offer, ui) });
      ui.printScript(clusterExports(record, local));
    });
}

/** The local port that is forwarded to the framework; if needed, a background process is started that forwards it. */
async function portHere(record: ClusterRecord, offer: Offer, ui: Ui): Promise<number | undefined> {
  const { spec, state } = record;
  const { framework, facts, here } = offer;
  if (state === 'terminated' || facts.port === 0) return facts.port;
  if (spec.headnode.kind === 'local' && offer.service.isForListeners) return facts.port;
  if (spec.headnode.kind === 'local') return (await answers(record, framework, ui)) ? facts.port : undefined;
  const { openTunnel, tunnelOf } = await import('../cluster/tunnel.js');
  const kept = tunnelOf(here.folder, framework.name);
  const tunnel = kept ?? (await openTunnel(here, framework.name));
  const forwards = `process ${tunnel.pid} forwards port ${tunnel.port} to ${framework.title}`;
  if (!kept) ui.say(`${forwards} until the cluster is taken down (scailfin connect)`);
  return tunnel.port;
}

/** Whether the framework itself answers on its local port: no other server may get its secrets. */
async function answers(record: ClusterRecord, { name, title }: Framework, ui: Ui): Promise<boolean> {
  const [{ withCluster }, { reachFrameworks }] = await Promise.all([
    import('./session.js'),
    import('../cluster/framework.js'),
  ]);
  try {
    await withCluster(ui, record.name, {}, async context => {
      const [{ dial }] = await reachFrameworks(context, [name]);
      (await dial()).destroy();
    });
    return true;
  } catch (error) {
    const { messageOf } = await import('../errors.js');
    ui.say(`${title}'s variables are left out: ${messageOf(error)}; scailfin up ${record.name} starts ${title} again`);
    return false;
  }
}
