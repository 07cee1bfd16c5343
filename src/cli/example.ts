import type { Command } from 'commander';
import { inLine } from '../printable.js';
import { quote } from '../shell.js';
import { jsonOption } from './options.js';
import { table } from './table.js';
import type { Ui } from './ui.js';

/** Adds `scailfin example list|copy`. */
export function register(program: Command, ui: Ui): void {
  const example = program.command('example').description('workflows that come with scailfin: list them, copy one');

  example
    .command('list')
    .description('list the examples')
    .addOption(jsonOption())
    .action(async () => {
      const { listExamples } = await import('../examples.js');
      const found = listExamples();
      if (ui.json) ui.printJson(found.map(({ name, title }) => ({ name, title })));
      else {
        ui.print(table([['EXAMPLE', 'WHAT IT IS'], ...found.map(({ name, title }) => [name, title])]));
        ui.say('to get one: scailfin example copy lfi');
      }
    });

  example
    .command('copy')
    .description('copy an example into a directory of your own')
    .argument('<name>', 'the example')
    .argument('[dir]', 'a directory that is empty or does not exist; default: one with the name of the example')
    .addOption(jsonOption())
    .action(async (name: string, dir: string | undefined) => {
      const { copyExample } = await import('../examples.js');
      const copied = copyExample(name, dir ?? name);
      if (ui.json) ui.printJson(copied);
      else {
        ui.print(`${inLine(copied.directory)}: ${copied.files.join(', ')}`);
        ui.say(`to run it on a cluster with REANA: cd ${inLine(quote(dir ?? name))} && scailfin run`);
      }
    });
}
