import type { Command } from 'commander';
import type { SiteImage } from '../cluster/images.js';
import type { Transport } from '../hosts/target.js';
import { inLine } from '../printable.js';
import { formatBytes } from '../units.js';
import { jsonOption, transportOption } from './options.js';
import { table } from './table.js';
import type { Ui } from './ui.js';

interface Flags {
  cluster?: string;
  transport?: Transport;
}

/** Adds `scailfin images list|pull|add|login|rm`. */
export function register(program: Command, ui: Ui): void {
  const images = program
    .command('images')
    .description('the images that all nodes of a site share: list, pull, add, remove');

  images
    .command('list')
    .description('list the images that steps have used, or that were pulled')
    .argument('[name]', 'the cluster; default: the only one')
    .addOption(transportOption())
    .addOption(jsonOption())
    .action(async (name: string | undefined, flags: Flags) => {
      const [{ pickRecord, withCluster }, { listImages }] = await modules();
      await withCluster(ui, pickRecord(name).name, flags, async context => {
        const found = await listImages(context);
        if (ui.json) ui.printJson(found);
        else ui.print(described(found));
      });
    });

  images
    .command('pull')
    .description("pull images on the site's login node, for all nodes")
    .argument('<image...>', 'such as docker.io/library/python:3.12')
    .option('--cluster <name>', 'the cluster; default: the only one')
    .addOption(transportOption())
    .addOption(jsonOption())
    .action(async (wanted: string[], flags: Flags) => {
      const [{ pickRecord, withCluster }, { pullImage }, { step }] = await modules();
      await withCluster(ui, pickRecord(flags.cluster).name, flags, async context => {
        for (const image of wanted)
          await step(context.sink, `Pulling ${inLine(image)}`, () => pullImage(context, image));
        if (ui.json) ui.printJson({ pulled: wanted });
      });
    });

  images
    .command('add')
    .description("give an image file of this machine to all nodes, in the place of a registry's image")
    .argument('<file>', 'a SIF, as `apptainer build` makes it')
    .requiredOption('--as <image>', 'the name by which workflows ask for it, such as docker.io/me/analysis:1.0')
    .option('--cluster <name>', 'the cluster; default: the only one')
    .addOption(transportOption())
    .addOption(jsonOption())
    .action(async (file: string, flags: Flags & { as: string }) => {
      const [{ pickRecord, withCluster }, { addImage }, { step }] = await modules();
      await withCluster(ui, pickRecord(flags.cluster).name, flags, context =>
        step(context.sink, `Uploading ${inLine(file)} as ${inLine(flags.as)}`, () => addImage(context, flags.as, file)),
      );
      if (ui.json) ui.printJson({ added: flags.as });
    });

  images
    .command('login')
    .description("let the nodes pull private images with this machine's login at a registry (~/.docker/config.json)")
    .argument('<registry>', 'such as ghcr.io or docker.io')
    .option('--cluster <name>', 'the cluster; default: the only one')
    .addOption(transportOption())
    .addOption(jsonOption())
    .action(async (host: string, flags: Flags) => {
      const [[{ pickRecord, withCluster }, { giveLogin }], { registryLogin, registryName }] = await Promise.all([
        modules(),
        import('../credentials/registry.js'),
      ]);
      const registry = registryName(host);
      const { name } = pickRecord(flags.cluster);
      const login = await registryLogin(registry);
      await withCluster(ui, name, flags, context => giveLogin(context, registry, login));
      if (ui.json) ui.printJson({ registry });
      else ui.print(`the nodes of ${name} pull from ${registry} with your login, until scailfin down`);
    });

  images
    .command('rm')
    .description('remove images; steps that run in them at this moment may fail')
    .argument('<image...>', 'names, or ends of names, as `scailfin images list` shows them')
    .option('--cluster <name>', 'the cluster; default: the only one')
    .addOption(transportOption())
    .addOption(jsonOption())
    .action(async (names: string[], flags: Flags) => {
      const [{ pickRecord, withCluster }, { removeImages }] = await modules();
      await withCluster(ui, pickRecord(flags.cluster).name, flags, async context => {
        const removed = await removeImages(context, names);
        if (ui.json) ui.printJson({ removed });
        else for (const name of removed) ui.print(`${name} removed`);
      });
    });
}

const modules = () =>
  Promise.all([import('./session.js'), import('../cluster/images.js'), import('../cluster/events.js')]);

function described(images: readonly SiteImage[]): string {
  if (images.length === 0) return 'there are no images yet: the first step that needs one pulls it';
  const rows = images.map(({ name, site, form, bytes, used }) => [
    ...[name, site, form, formatBytes(bytes)],
    new Date(used * 1000).toISOString().slice(0, 16).replace('T', ' '),
  ]);
  return table([['IMAGE', 'SITE', 'FORM', 'SIZE', 'LAST USED (UTC)'], ...rows]);
}
