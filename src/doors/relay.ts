import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beat, endWithParent, logger } from '../daemon.js';
import { messageOf, UsageError } from '../errors.js';
import { RelayKeeper, toldToEnd } from '../relay/keeper.js';
import { readRelaySettings } from '../relay/settings.js';

/** The relay as a program: `node relay.mjs DIRECTORY`; its messages go to standard error. */
const log = logger(join(resolve(process.argv[2] ?? '.'), 'log', 'relay.out'), text => void process.stderr.write(text));

async function main(directory: string | undefined): Promise<void> {
  if (!directory) throw new UsageError('usage: relay DIRECTORY');
  process.umask(0o077);
  const dir = resolve(directory);
  beat(dir);
  process.on('SIGHUP', () => {});
  const pidFile = join(dir, 'relay.pid');
  const end = (): void => {
    // another relay may have taken over
    if (pidIn(pidFile) === process.pid) rmSync(pidFile, { force: true });
    process.exit(0);
  };
  if (process.env.SCAILFIN_KEPT) endWithParent(end);
  const settings = readRelaySettings(dir);
  await replace(pidFile, dir);
  const keepers = settings.sites.map(site => new RelayKeeper(dir, site, settings, log));
  // a command of the user waits for the relay
  process.on('SIGUSR2', () => {
    for (const keeper of keepers) keeper.hurry();
  });
  writeFileSync(pidFile, `${process.pid}\n`);
  for (const keeper of keepers) void keeper.keep();
  await toldToEnd();
  end();
}

/**
 * Ends an earlier relay of the same cluster: if the pool's master was killed, its relay may live. Two relays would end each
 * other's processes at the sites again and again.
 */
async function replace(pidFile: string, dir: string): Promise<void> {
  const old = pidIn(pidFile);
  const isAlive = (): boolean => {
    try {
      return readFileSync(`/proc/${old}/cmdline`, 'utf8').includes(join(dir, 'program', 'dist', 'relay.mjs'));
    } catch {
      return false;
    }
  };
  for (let n = 0; n < 50 && old > 1 && old !== process.pid && isAlive(); n++) {
    try {
      process.kill(old, n < 30 ? 'SIGTERM' : 'SIGKILL');
    } catch {
      return; // it has just ended
    }
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}

/** 0 if there is none. */
function pidIn(file: string): number {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10) || 0;
  } catch {
    return 0;
  }
}

main(process.argv[2]).catch(error => {
  log(messageOf(error));
  process.exitCode = 1;
  // open handles must not keep the process alive
  setTimeout(() => process.exit(1), 1000).unref();
});
