import { type Command, Option } from 'commander';
import type { Framework } from '../cluster/spec.js';
import type { Transport } from '../hosts/target.js';
import { duration, jsonOption, natural, siteOptions, transportOption } from './options.js';
import type { Ui } from './ui.js';

interface Flags {
  site?: string;
  headnode?: string;
  nodes?: number;
  cores?: number;
  memory?: number;
  walltime?: number;
  queue?: string;
  account?: string;
  user?: string;
  idleTimeout?: number;
  /** false for --no-wait. */
  wait?: number | false;
  timeout: number;
  framework?: Framework;
  /** true: where Globus has it. */
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
    .option('--wait <n>', 'how many glide-ins to wait for; default: all', natural)
    .addOption(
      new Option(
        '--framework <name>',
        'what the cluster offers: reana runs workflows on it; default: htcondor',
      ).choices(['htcondor', 'reana']),
    )
    .option('--no-wait', 'return once the glide-ins are submitted')
    .option('--timeout <time>', 'how long to wait for glide-ins to join', duration, 900)
    .option(
      '--proxy [file]',
      'let the jobs have an X.509 proxy made from this one; default: $X509_USER_PROXY or /tmp/x509up_uUID',
    )
    .option('--dry-run', 'show the plan and write all files that would leave this machine; uses no network')
    .addOption(transportOption())
    .addOption(jsonOption())
    .action(async (name: string | undefined, flags: Flags) => {
      const [{ describePlan, planFor, nodeHours }, { chosenProxy }] = await Promise.all([
        import('./plan.js'),
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
        const files = renderAll(plan.cluster, plan.site, dir);
        if (ui.json)
          ui.print(
            JSON.stringify({ name: plan.cluster.name, nodeHours: nodeHours(plan.site), plan, dir, files }, null, 2),
          );
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
      const { up } = await import('../cluster/up.js');
      const { withCluster } = await import('./session.js');
      const wait = flags.wait === false ? 0 : (flags.wait ?? plan.site.nodes);
      await withCluster(ui, plan.cluster.name, flags, async context => {
        const status = await up(context, plan.cluster, plan.site, {
          wait: Math.min(wait, plan.site.nodes),
          timeout: flags.timeout,
        });
        if (ui.json) {
          const known = status ?? { name: plan.cluster.name, state: 'pending', reason: submitted };
          ui.print(JSON.stringify({ ...known, roundTrips: await context.connections.roundTrips() }, null, 2));
          return;
        }
        const { describeStatus } = await import('./status.js');
        const { name } = plan.cluster;
        ui.print(
          ['', status ? describeStatus(status) : `${name}: pending. ${submitted}`, '', 'Next:', ...next(name)].join(
            '\n',
          ),
        );
      });
    });
}

const submitted = 'Glide-ins have been submitted; not waiting for them.';

function next(name: string): string[] {
  return [
    `  scailfin exec ${name} -- condor_status           what the pool has`,
    `  scailfin exec ${name} -- condor_submit job.sub   run jobs`,
    `  scailfin status ${name} --watch`,
    `  scailfin down ${name}                            leave nothing behind`,
  ];
}
