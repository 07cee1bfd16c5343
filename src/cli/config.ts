import type { Command } from 'commander';
import type { Output } from './screen.js';

interface Json {
  json?: boolean;
}

/** Adds `scailfin config get|set|unset`. The code behind each command is loaded when the command runs. */
export function register(program: Command, out: Output): void {
  const config = program.command('config').description('show and change your own defaults');

  config
    .command('get')
    .description('print one value, or everything')
    .argument('[key]', 'such as sites.bridges.account')
    .option('--json', 'print JSON')
    .action(async (key: string | undefined, options: Json) => {
      const { configFile, configText, getKey } = await import('../sites/config.js');
      const value = await getKey(key);
      if (options.json ?? out.json) return out.printJson(value ?? null);
      if (key === undefined) {
        const text = (await configText()).trimEnd();
        return out.print(text || `nothing is set (${configFile()})`);
      }
      if (value === undefined) {
        const { UsageError } = await import('../errors.js');
        throw new UsageError(`${key} is not set`, { hint: `scailfin config set ${key} VALUE` });
      }
      const { stringify } = await import('yaml');
      out.print(typeof value === 'object' ? stringify(value).trimEnd() : String(value));
    });

  config
    .command('set')
    .description('set one value; an empty one removes it')
    .argument('<key>', 'such as sites.bridges.account')
    .argument('<value>', 'durations with their unit: 30m, 2h')
    .action(async (key: string, value: string) => {
      const { setKey } = await import('../sites/config.js');
      await setKey(key, value);
    });

  config
    .command('unset')
    .description('remove one value')
    .argument('<key>', 'such as sites.bridges.account')
    .action(async (key: string) => {
      const { unsetKey } = await import('../sites/config.js');
      await unsetKey(key);
    });
}
