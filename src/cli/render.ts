import type { Command } from 'commander';
import type { UpRequest } from '../cluster/spec.js';
import { jsonOption, siteOptions } from './options.js';
import type { Ui } from './ui.js';

export function register(program: Command, ui: Ui): void {
  siteOptions(
    program
      .command('render')
      .description('write every file that `up` would send; uses no network')
      .argument('[name]', "the cluster's name; default: the site's"),
  )
    .requiredOption('--out <dir>', 'where to write them')
    .addOption(jsonOption())
    .action(async (name: string | undefined, flags: UpRequest & { site?: string; out: string }) => {
      const [{ describePlan, planFor }, { renderAll }] = await Promise.all([
        import('./cluster-plan.js'),
        import('../cluster/render.js'),
      ]);
      const plan = await planFor({ ...flags, name, account: flags.account }, true);
      const { outputFolder } = await import('./outputs.js');
      const folder = await outputFolder(flags.out);
      const files = await renderAll(plan.cluster, plan.site, folder.path);
      if (ui.json) ui.printJson({ dir: flags.out, files });
      else ui.print([describePlan(plan), '', `written to ${flags.out}:`, ...files.map(f => `  ${f}`)].join('\n'));
    });
}
