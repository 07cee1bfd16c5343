import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import type { Transport } from '../hosts/target.js';
import { jsonOption, positive, transportOption } from './options.js';
import type { Ui } from './ui.js';

interface Flags {
  nodes: number;
  site?: string;
  walltime?: number;
  queue?: string;
  account?: string;
  user?: string;
  transport?: Transport;
}

export function register(program: Command, ui: Ui): void {
  program
    .command('scale')
    .description("change how many glide-ins a cluster has, or add another site's to it")
    .argument('<name>', 'the cluster')
    .requiredOption('--nodes <n>', 'how many glide-ins there shall be at the site', positive)
    .option('--site <site>', "the site; default: the cluster's first")
    .addOption(transportOption())
    .addOption(jsonOption())
    .action(async (name: string, flags: Flags) => {
      const [{ pickRecord, withCluster }, { scale }, { planSite }] = await Promise.all([
        import('./session.js'),
        import('../cluster/scale.js'),
        import('../cluster/spec.js'),
      ]);
      const [{ activeSites, loadSite }, { loadConfig }, { checkLimits }] = await Promise.all([
        import('../sites/catalog.js'),
        import('../sites/config.js'),
        import('../sites/limits.js'),
      ]);
      const record = pickRecord(name);
      const wanted = flags.site === undefined ? undefined : (await loadSite(flags.site)).profile;
      const old = record.sites.find(s => s.spec.site === (wanted?.name ?? record.sites[0]?.spec.site))?.spec;
      if (old)
        checkLimits(old.profile, {
          queue: old.queue,
          nodes: flags.nodes,
          walltimeSeconds: old.walltime,
          account: old.account,
        });
      const site = old
        ? { ...old, nodes: flags.nodes }
        : wanted && planSite(flags, wanted, await loadConfig(), false, await activeSites());
      if (!site) throw new UsageError(`${name} has no site yet`, { hint: `scailfin up ${name} --site SITE` });
      await withCluster(ui, name, flags, async context => {
        const result = await scale(context, site);
        if (ui.json) ui.print(JSON.stringify({ name, site: site.site, nodes: site.nodes, ...result }, null, 2));
        else
          ui.print(
            `${name} asks for ${site.nodes} glide-in${site.nodes === 1 ? '' : 's'} at ${site.site}; \`scailfin status ${name}\` shows them`,
          );
      });
    });
}
