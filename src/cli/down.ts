import type { Command } from 'commander';
import type { Context } from '../cluster/context.js';
import type { ClusterRecord } from '../cluster/record.js';
import { UsageError } from '../errors.js';
import { services } from '../frameworks/registry.js';
import type { Transport } from '../hosts/target.js';
import { jsonOption, transportOption } from './options.js';
import type { Ui } from './ui.js';

interface Flags {
  site?: string;
  headnode?: string;
  user?: string;
  yes?: boolean;
  forget?: boolean;
  transport?: Transport;
}

export function register(program: Command, ui: Ui): void {
  program
    .command('down')
    .description('take a cluster down and verify that nothing of it remains')
    .argument('[name]', 'the cluster; default: the only one')
    .option('--site <site>', 'where it ran, if this machine has no record of it')
    .option('--headnode <where>', 'where its pool ran, if this machine has no record of it')
    .option('--user <user>', 'your user name at the site, if this machine has no record of it')
    .option('-y, --yes', 'do not ask about unfinished jobs')
    .option(
      '--forget',
      'remove its record even if something could not be verified, for example because a host no longer exists',
    )
    .addOption(transportOption())
    .addOption(jsonOption())
    .action(async (given: string | undefined, flags: Flags) => {
      const [{ pickRecord, withCluster }, { down }, { checkName }, { planCluster, planSite }] = await Promise.all([
        import('./session.js'),
        import('../cluster/down.js'),
        import('../cluster/names.js'),
        import('../cluster/spec.js'),
      ]);
      const { hoursText } = await import('../cluster/nodehours.js');
      const [{ loadSite }, { loadConfig }, { Journal }] = await Promise.all([
        import('../sites/catalog.js'),
        import('../sites/config.js'),
        import('../cluster/journal.js'),
      ]);
      const site = flags.site === undefined ? undefined : (await loadSite(flags.site)).profile;
      const name = given === undefined ? (site?.name ?? pickRecord(undefined).name) : checkName(given);
      const known = Journal.open(name).record;
      let lost: Parameters<typeof down>[1];
      // a cluster that was taken down, or never began, says nothing about a newer one with its name
      const open = known?.state === 'terminated' ? undefined : known;
      if (site && !open?.sites.some(s => s.spec.site === site.name)) {
        if (open)
          throw new UsageError(
            `${name} is a cluster at ${open.sites.map(s => s.spec.site).join(', ')}, not at ${site.name}`,
            { hint: `scailfin down ${name}` },
          );
        const config = await loadConfig();
        const { headnode, user, transport } = flags;
        const request = { name, headnode, user, transport, account: 'none' };
        lost = { spec: planCluster(request, site, config), site: planSite(request, site, config, true) };
      }
      await withCluster(ui, name, flags, async context => {
        const prompter = ui.prompter();
        if (prompter && !flags.yes && known && ['pending', 'running'].includes(known.state)) {
          const lost = await whatWouldBeLost(context, known);
          if (lost && !(await prompter.confirm(`${name} has ${lost}. Take it down all the same?`)))
            throw new UsageError('nothing was changed, because you said no', { hint: `scailfin status ${name}` });
        }
        const result = await down(context, lost, flags.forget);
        const stays =
          known?.spec.frameworks.flatMap(f => services.find(s => s.name === f.name)?.stays?.(f) ?? []) ?? [];
        if (ui.json) ui.printJson({ ...result, stays, roundTrips: await context.connections.roundTrips() });
        else if (result.left.length === 0)
          ui.print(
            [
              ...verdict(name, result.unseen),
              ...stays,
              ...(result.nodeHours ? [`It used ${hoursText(result.nodeHours)}.`] : []),
              ...(lost && flags.headnode === undefined
                ? [
                    `This machine has no record of it, so only ${lost.site.site} and the usual headnodes were asked. ` +
                      'If its pool ran on another host, add --headnode [user@]HOST.',
                  ]
                : []),
            ].join('\n'),
          );
        else
          ui.print(
            [
              `${name} is no longer recorded. These could not be verified and may remain:`,
              ...result.left.map(l => `  - ${l}`),
            ].join('\n'),
          );
      });
    });
}

/** What was verified, and what only the nodes know. */
function verdict(name: string, unseen: readonly string[]): string[] {
  if (unseen.length === 0) return [`${name} is down. Verified: no batch job, process or file of it remains.`];
  return [
    `${name} is down. Verified: no batch job of it remains, and no process or file on the hosts that could be asked.`,
    'On these nodes, glide-ins were killed before they could remove their directories:',
    ...unseen.map(what => `  - ${what}`),
  ];
}

/** Describes what the user may still want and would lose with the cluster; undefined if there is nothing. */
async function whatWouldBeLost(context: Context, record: ClusterRecord): Promise<string | undefined> {
  const [{ clusterStatus }, { reachFrameworks }] = await Promise.all([
    import('../cluster/status.js'),
    import('../cluster/framework.js'),
  ]);
  const { jobs } = await clusterStatus(record, context.connections);
  const unfinished = jobs ? jobs.idle + jobs.running : 0;
  // a framework that does not answer must not prevent `down`
  const losses = await Promise.all(
    record.frameworks.map(({ name }) =>
      reachFrameworks(context, [name])
        .then(([{ service, facts, here, dial }]) => service.losses(facts, here, dial))
        .catch(() => undefined),
    ),
  );
  const parts = [
    ...(unfinished > 0 ? [`${unfinished} unfinished job${unfinished === 1 ? '' : 's'}`] : []),
    ...losses.filter(loss => loss !== undefined),
  ];
  return parts.length > 0 ? parts.join(' and ') : undefined;
}
