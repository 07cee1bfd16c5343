import type { Command } from 'commander';
import { jsonOption } from './options.js';
import type { Ui } from './ui.js';

export function register(program: Command, ui: Ui): void {
  program
    .command('logout')
    .description('close a connection that `scailfin login` keeps')
    .argument('[site]', 'as given to login')
    .option('--user <user>', 'your user name at the site')
    .option('--all', 'close all of them')
    .addOption(jsonOption())
    .action(async (site: string | undefined, flags: { user?: string; all?: boolean }) => {
      const { UsageError } = await import('../errors.js');
      if ((site === undefined) !== (flags.all === true))
        throw new UsageError('no site was named', { hint: 'scailfin logout SITE, or --all' });
      const { endKept } = await import('../hosts/kept/reuse.js');
      const names = site === undefined ? undefined : await namesOf(site, flags.user);
      const ended = await endKept(({ name }) => names?.includes(name) ?? true);
      if (ui.json)
        ui.printJson(
          ended.map(k => k.name),
          0,
        );
      else if (ended.length === 0) ui.print('no connection was kept');
      else for (const { name } of ended) ui.print(`${name}: connection closed`);
    });
}

async function namesOf(site: string, user: string | undefined): Promise<string[]> {
  const [{ loginOf }, { sshSettings }] = await Promise.all([import('./login.js'), import('../hosts/sshconfig.js')]);
  const { targets } = await loginOf(site, user);
  return targets.map(target => {
    const { user: who, host } = sshSettings(target);
    return `${who}@${host}`;
  });
}
