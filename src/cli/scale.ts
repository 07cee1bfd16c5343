import { type Command, Option } from 'commander';
import type { SiteSpec, Submit } from '../cluster/spec.js';
import { UsageError } from '../errors.js';
import type { Transport } from '../hosts/target.js';
import { hours, jsonOption, natural, positive, transportOption } from './options.js';
import type { Ui } from './ui.js';

interface Flags {
  nodes?: number;
  submit?: Submit;
  min?: number;
  max?: number;
  maxNodeHours?: number;
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
    .description("change a cluster's number of glide-ins, or add glide-ins at another site")
    .argument('<name>', 'the cluster')
    .option('--nodes <n>', 'number of glide-ins at the site; rounded up if jobs have several nodes', positive)
    .addOption(new Option('--submit <way>', 'for a new site: who submits its glide-ins').choices(['direct', 'bosco']))
    .option('--min <n>', 'with BOSCO: smallest number of glide-ins', natural)
    .option('--max <n>', 'with BOSCO: largest number of glide-ins', positive)
    .option('--max-node-hours <h>', 'the most that all glide-ins at the site may use together, nodes × hours', hours)
    .option('--site <site>', "the site; default: the cluster's first")
    .addOption(transportOption())
    .addOption(jsonOption())
    .action(async (name: string, flags: Flags) => {
      const [{ pickRecord, withCluster }, { scale }, { checkBounds, perJob, planSite }] = await Promise.all([
        import('./session.js'),
        import('../cluster/scale.js'),
        import('../cluster/spec.js'),
      ]);
      const [{ activeSites, loadSite }, { loadConfig }, { checkLimits }, { withMeasured }] = await Promise.all([
        import('../sites/catalog.js'),
        import('../sites/config.js'),
        import('../sites/limits.js'),
        import('../sites/measured.js'),
      ]);
      const { jobsFor, wholeJobs } = await import('../schedulers/nodes.js');
      const most = flags.max ?? flags.nodes;
      if (most === undefined && flags.min === undefined && flags.maxNodeHours === undefined)
        throw new UsageError('the number of glide-ins was not given', { hint: `scailfin scale ${name} --nodes N` });
      const record = pickRecord(name);
      const wanted = flags.site === undefined ? undefined : withMeasured((await loadSite(flags.site)).profile);
      const old = record.sites.find(s => s.spec.site === (wanted?.name ?? record.sites[0]?.spec.site))?.spec;
      if (old)
        checkLimits(old.profile, {
          queue: old.queue,
          nodes: wholeJobs(most ?? old.nodes, perJob(old)),
          nodesPerJob: perJob(old),
          walltimeSeconds: old.walltime,
          account: old.account,
        });
      const config = await loadConfig();
      const site = old
        ? rescaled(old, flags, checkBounds, n => wholeJobs(n, perJob(old)))
        : wanted && planSite(flags, wanted, config, false, await activeSites());
      if (!site) throw new UsageError(`${name} has no site yet`, { hint: `scailfin up ${name} --site SITE` });
      await withCluster(ui, name, flags, async context => {
        const result = await scale(context, site, config.sites[site.site]?.relay);
        const each = perJob(site);
        const rounded = most !== undefined && most < site.nodes ? ` (${most} rounded up to whole jobs)` : '';
        const inJobs = each === 1 ? '' : `, in ${inWords(jobsFor(site.nodes, each))} of ${each} nodes${rounded}`;
        if (ui.json) ui.printJson({ name, site: site.site, nodes: site.nodes, ...result });
        else
          ui.print(
            `${name} asks for ${site.submit === 'bosco' ? `${site.min ?? 0} to ` : ''}${site.nodes} glide-in${site.nodes === 1 ? '' : 's'} at ${site.site}${inJobs}; \`scailfin status ${name}\` shows them`,
          );
      });
    });
}

const inWords = (jobs: number): string => `${jobs} job${jobs === 1 ? '' : 's'}`;

/** @throws UsageError if --min or --max is given for a site without BOSCO */
function rescaled(
  old: SiteSpec,
  { nodes, min, max, maxNodeHours, submit }: Flags,
  checkBounds: (min: number, max: number) => number,
  whole: (nodes: number) => number,
): SiteSpec {
  const most = max ?? nodes ?? old.nodes;
  const limit = maxNodeHours === undefined ? {} : { maxNodeHours };
  if (submit !== undefined && submit !== (old.submit ?? 'direct'))
    throw new UsageError(`${old.site} submits ${old.submit === 'bosco' ? 'by BOSCO' : 'directly'} already`);
  if (old.submit === 'bosco')
    return { ...old, ...limit, nodes: most, min: checkBounds(min ?? Math.min(old.min ?? 0, most), most) };
  if (min !== undefined || max !== undefined)
    throw new UsageError('--min and --max are only for sites with --submit bosco', { hint: 'give --nodes N' });
  return { ...old, ...limit, nodes: whole(most) };
}
