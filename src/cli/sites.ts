import type { Command } from 'commander';
import type { CheckFlags } from './check.js';
import { duration, transportOption } from './options.js';
import type { Output } from './screen.js';

interface Json {
  json?: boolean;
}

/** Adds `scailfin sites list|show|check|validate|add`. The code behind each command is loaded when the command runs. */
export function register(program: Command, out: Output): void {
  const sites = program.command('sites').description('show, check and add site profiles');
  const show = (options: Json, data: unknown, text: () => string): void =>
    (options.json ?? out.json) ? out.printJson(data) : out.print(text());

  sites
    .command('list')
    .description('list all sites, built-in and your own')
    .option('--json', 'print JSON')
    .action(async (options: Json) => {
      const [{ listSites }, { describeList }] = await Promise.all([
        import('../sites/catalog.js'),
        import('../sites/describe.js'),
      ]);
      const entries = await listSites();
      show(options, entries, () => describeList(entries));
    });

  sites
    .command('show')
    .description('show what is known about a site: login, queues and their limits, containers, sources')
    .argument('<site>', 'name of a site, or path of a profile')
    .option('--json', 'print JSON')
    .action(async (name: string, options: Json) => {
      const [{ loadSite }, { describeSite }, { measuredOf }] = await Promise.all([
        import('../sites/catalog.js'),
        import('../sites/describe.js'),
        import('../sites/measured.js'),
      ]);
      const site = await loadSite(name);
      const measured = measuredOf(site.profile);
      const all = { file: site.file, ...site.profile, ...(measured ? { measured } : {}) };
      show(options, all, () => describeSite(site, measured));
    });

  sites
    .command('check')
    .description('check a site step by step; say what is wrong and what to do about it')
    .argument('<site>', 'name of a site, path of a profile, or [user@]host for a host without a profile')
    .option('--deep', 'also run a one-minute job on a compute node, and report what it finds')
    .option('--queue <queue>', "the site's queue, partition or QOS")
    .option('--account <account>', 'the allocation to charge')
    .option('--user <user>', 'your user name at the site')
    .option('--timeout <time>', 'how long to wait for the job on a compute node', duration, 900)
    .addOption(transportOption())
    .option('--write [file]', 'write a proposed profile for a host without one; default: add it to your own sites')
    .option('--json', 'print JSON')
    .action(async (site: string, flags: CheckFlags) => {
      const { check } = await import('./check.js');
      await check(site, flags, out);
    });

  sites
    .command('validate')
    .description('check a profile and show all its mistakes')
    .argument('<file>', 'path of a profile')
    .option('--json', 'print JSON')
    .action(async (file: string, options: Json) => {
      const { validateSite } = await import('../sites/catalog.js');
      const { profile } = await validateSite(file);
      show(
        options,
        { file, name: profile.name, valid: true },
        () => `${file}: no mistakes found in site ${profile.name}`,
      );
    });

  sites
    .command('add')
    .description('check a profile and copy it to your own sites')
    .argument('<file>', 'path of a profile')
    .option('--force', 'replace a site of your own that has the same name')
    .option('--json', 'print JSON')
    .action(async (file: string, options: Json & { force?: boolean }) => {
      const { addSite } = await import('../sites/catalog.js');
      const added = await addSite(file, { force: options.force ?? false });
      show(
        options,
        { name: added.profile.name, file: added.file },
        () => `added ${added.profile.name} as ${added.file}`,
      );
    });
}
