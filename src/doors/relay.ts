import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beat, endWithParent, logger } from '../daemon.js';
import { messageOf, UsageError } from '../errors.js';
import { RelayKeeper, toldToEnd } from '../relay/keeper.js';
import { readRelaySettings } from '../relay/settings.js';

/** The relay as a program: `node relay.mjs DIRECTORY`; its messages go to standard error. */
const log = logger(join(resolve(process.argv[2] ?? '.'), 'log', 'relay.out'));

async function main(directory: string | undefined): Promise<void> {
  if (!directory) throw new UsageError('usage: relay DIRECTORY');
  process.umask(0o077);
  const dir = resolve(directory);
  beat(dir);
  process.on('SIGHUP', () => {});
  const pidFile = join(dir, 'relay.pid');
  const end = (): void => {
    rmSync(pidFile, { force: true });
    process.exit(0);
  };
  if (process.env.SCAILFIN_KEPT) endWithParent(end);
  const settings = readRelaySettings(dir);
  writeFileSync(pidFile, `${process.pid}\n`);
  for (const site of settings.sites) void new RelayKeeper(dir, site, settings, log).keep();
  await toldToEnd();
  end();
}

main(process.argv[2]).catch(error => {
  log(messageOf(error));
  process.exitCode = 1;
  // open handles must not keep the process alive
  setTimeout(() => process.exit(1), 1000).unref();
});
