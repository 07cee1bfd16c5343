import type { Command } from 'commander';
import type { Offer } from '../cluster/framework.js';
import type { ClusterSpec, Submit, UpRequest } from '../cluster/spec.js';
import type { Transport } from '../hosts/target.js';
import { duration, jsonOption, natural, siteOptions, transportOption } from './options.js';
import type { Ui } from './ui.js';

interface Flags extends Pick<UpRequest, 'framework'> {
  site?: string;
  headnode?: string;
  relay?: boolean;
  nodes?: number;
  nodesPerJob?: number;
  submit?: Submit;
  min?: number;
  max?: number;
  cores?: number;
  memory?: number;
  gpus?: { count: number; type?: string };
  directive?: string[];
  walltime?: number;
  maxNodeHours?: number;
  queue?: string;
  account?: string;
  user?: string;
  bind?: readonly string[];
  idleTimeout?: number;
  queueTime?: number;
  /** false for --no-wait. */
  wait?: number | false;
  timeout: number;
  /** true: the place where Globus puts it. */
  proxy?: string | true;
  dryRun?: boolean;
  json?: boolean;
  transport?: Transport;
}

export function register(program: Command, ui: Ui): void {
  siteOptions(
    program
      .command('up')
      .description('bring a cluster up at a site')
      .argument('[name]', "the cluster's name; default: the site's"),
  )
    .option('--wait <n>', 'number of glide-ins to wait for; default: all, or --min', natural)
    .option('--no-wait', 'return once the glide-ins are submitted')
    .option('--timeout <time>', 'how long to wait for glide-ins to join', duration, 900)
    .option(
      '--proxy [file]',
      'give the jobs an X.509 proxy made from this one; default: $X509_USER_PROXY or /tmp/x509up_uUID',
    )
    .option('--dry-run', 'show the plan and write all files that would leave this machine; uses no network')
    .addOption(transportOption())
    .addOption(jsonOption())
    .action(async (name: string | undefined, flags: Flags) => {
      const [{ describePlan, nodeHours, planFor, shown }, { chosenProxy }] = await Promise.all([
        import('./cluster-plan.js'),
        import('../cluster/credentials.js'),
      ]);
      const proxy = flags.proxy === undefined ? undefined : chosenProxy(flags.proxy);
      const plan = await planFor({ ...flags, name, proxy }, flags.dryRun);
      if (flags.dryRun) {
        const { renderAll } = await import('../cluster/render.js');
        const { mkdtempSync } = await import('node:fs');
        const { tmpdir } = await import('node:os');
        const { join } = await import('node:path');
        const dir = mkdtempSync(join(tmpdir(), `scailfin-${plan.cluster.name}-`));
        const files = await renderAll(plan.cluster, plan.site, dir);
        if (ui.json)
          ui.printJson({ name: plan.cluster.name, nodeHours: nodeHours(plan.site), plan: shown(plan), dir, files });
        else
          ui.print(
            [
              describePlan(plan),
              '',
              `Nothing was done. The files that would leave this machine are in ${dir}:`,
              ...files.map(f => `  ${f}`),
            ].join('\n'),
          );
        return;
      }
      ui.say(describePlan(plan));
      const { afterSubmission, up } = await import('../cluster/up.js');
      const unwatched = afterSubmission(plan.site);
      const { withCluster } = await import('./session.js');
      const wait = flags.wait === false ? 0 : (flags.wait ?? plan.site.min ?? plan.site.nodes);
      await withCluster(ui, plan.cluster.name, flags, async context => {
        const status = await up(context, plan.cluster, plan.site, {
          wait: Math.min(wait, plan.site.nodes),
          timeout: flags.timeout,
        });
        if (ui.json) {
          const known = status ?? { name: plan.cluster.name, ...unwatched };
          ui.printJson({ ...known, roundTrips: await context.connections.roundTrips() });
          return;
        }
        const [{ describeStatus }, { offersOf }] = await Promise.all([
          import('./status.js'),
          import('../cluster/framework.js'),
        ]);
        const { name } = plan.cluster;
        ui.print(
          [
            ...[
              '',
              status ? describeStatus(status) : `${name}: ${unwatched.state}. ${unwatched.reason}`,
              '',
              'Next:',
              ...next(name),
            ],
            ...(await offersOf(context.journal.record, context.journal.dir)).flatMap(o => howToUse(o, plan.cluster)),
          ].join('\n'),
        );
      });
    });
}

/** How to use something that the cluster offers in addition to its pool. */
function howToUse({ framework, service, facts, here }: Offer, { headnode }: ClusterSpec): string[] {
  const lines = service.next(facts, here, headnode.kind === 'local');
  return ['', `${framework.title}:`, ...lines.map(line => `  ${line}`)];
}

function next(name: string): string[] {
  return [
    `  scailfin exec ${name} -- condor_status           show the pool`,
    `  scailfin exec ${name} -- condor_submit job.sub   run jobs`,
    `  scailfin status ${name} --watch`,
    `  scailfin down ${name}                            leave nothing behind`,
  ];
}
