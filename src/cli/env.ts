import type { Command } from 'commander';
import type { Offer } from '../cluster/framework.js';
import type { ClusterRecord } from '../cluster/record.js';
import { UsageError } from '../errors.js';
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
      const [{ pickRecord }, { clusterExports }, { offerOf, offersNothing }, { Journal }] = await Promise.all([
        import('./session.js'),
        import('../cluster/environment.js'),
        import('../cluster/framework.js'),
        import('../cluster/journal.js'),
      ]);
      const record = pickRecord(name);
      const offer = await offerOf(record, Journal.open(record.name).dir);
      if (flags.parsl) {
        if (record.state === 'terminated')
          throw new UsageError(`${record.name} is not up. ${record.reason}`, {
            hint: `the clusters that are up: scailfin list; a new one: scailfin up ${record.name} --site SITE --framework parsl`,
          });
        const { configuration } = offer?.service ?? {};
        if (!offer || configuration?.option !== 'parsl') throw offersNothing(record.name, ['parsl']);
        return ui.printScript(configuration.text(offer.facts, offer.here));
      }
      ui.printScript(clusterExports(record, offer, offer && (await portHere(record, offer, ui))));
    });
}

/** The local port that is forwarded to the framework; if needed, a background process is started that forwards it. */
async function portHere(record: ClusterRecord, offer: Offer, ui: Ui): Promise<number | undefined> {
  const { spec, name, state } = record;
  const { framework, facts, here } = offer;
  if (state === 'terminated' || facts.port === 0) return facts.port;
  if (spec.headnode.kind === 'local' && offer.service.isForListeners) return facts.port;
  if (spec.headnode.kind === 'local') return (await answers(record, framework.title, ui)) ? facts.port : undefined;
  const { openTunnel, tunnelOf } = await import('../cluster/tunnel.js');
  const kept = tunnelOf(here.folder);
  const tunnel = kept ?? (await openTunnel(name, here.folder));
  const forwards = `process ${tunnel.pid} forwards port ${tunnel.port} to ${framework.title}`;
  if (!kept) ui.say(`${forwards} until the cluster is taken down (scailfin connect)`);
  return tunnel.port;
}

/** Whether the framework itself answers on its local port: no other server may get its secrets. */
async function answers(record: ClusterRecord, title: string, ui: Ui): Promise<boolean> {
  const [{ withCluster }, { reachFramework }] = await Promise.all([
    import('./session.js'),
    import('../cluster/framework.js'),
  ]);
  try {
    await withCluster(ui, record.name, {}, async context => (await (await reachFramework(context)).dial()).destroy());
    return true;
  } catch (error) {
    const { messageOf } = await import('../errors.js');
    ui.say(`${title}'s variables are left out: ${messageOf(error)}; scailfin up ${record.name} starts ${title} again`);
    return false;
  }
}
