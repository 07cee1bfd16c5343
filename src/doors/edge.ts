import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { beat, endWithParent, logger } from '../daemon.js';
import { messageOf, UsageError } from '../errors.js';
import { enginesOf } from '../reana/edge/engines.js';
import { askPool } from '../reana/edge/page/pool.js';
import { Edge } from '../reana/edge/server.js';
import { readSettings } from '../reana/edge/settings.js';
import { PoolSteps } from '../reana/jobs/service.js';
import { wrapperScript } from '../steps/wrapper.js';

/** Time for work that is being written when the edge is told to end; the next edge does the rest. */
const patienceMs = 10_000;

/** The edge as a program: `node edge.mjs DIRECTORY`; its messages go to standard error. */
const log = logger(join(resolve(process.argv[2] ?? '.'), 'log', 'edge.out'), text => void process.stderr.write(text));

async function main(directory: string | undefined): Promise<void> {
  if (!directory) throw new UsageError('usage: edge DIRECTORY');
  process.umask(0o077);
  const dir = resolve(directory);
  beat(dir);
  let end = (signal: string): void => {
    log(`ended by ${signal} before the edge was ready`);
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end(signal));
  // it does not end when a terminal is closed, or when the master wants a configuration to be read again
  process.on('SIGHUP', () => {});
  if (process.env.SCAILFIN_KEPT) endWithParent(() => end('the end of its parent process'));
  const { condorBin, condorConfig, enginePython, fence, ...settings } = readSettings(dir);
  const { cluster, version, token, port, listen, maxRunning, launchHosts, sessions } = settings;
  const pidFile = join(dir, 'edge.pid');
  const steps = await PoolSteps.open({ dir: madeDir(dir, 'steps'), condorBin, condorConfig, wrapper: wrapper(dir) });
  const about = {
    dir,
    cluster,
    version,
    token,
    port,
    host: listen,
    limit: maxRunning,
    launch: { hosts: launchHosts },
    sessions,
    log,
  };
  const engines = enginesOf({ dir, enginePython, fence });
  const edge = await Edge.open({ ...about, engines, steps, askPool: askPool(dirname(dir)) });
  writeFileSync(pidFile, `${process.pid}\n`);
  log(`serving ${cluster} on port ${edge.port}`);
  end = signal => {
    log(`ending after ${signal}; the next edge continues the runs`);
    rmSync(pidFile, { force: true });
    setTimeout(() => process.exit(0), patienceMs);
    void Promise.allSettled([edge.close(), steps.close()]).then(() => process.exit(0));
  };
}

function madeDir(dir: string, name: string): string {
  const made = join(dir, name);
  mkdirSync(made, { recursive: true, mode: 0o700 });
  return made;
}

function wrapper(dir: string): string {
  // jobs can see this directory, so nothing else may be in it
  const file = join(madeDir(dir, 'wrapper'), 'step.sh');
  writeFileSync(file, wrapperScript(), { mode: 0o700 });
  chmodSync(file, 0o700);
  return file;
}

main(process.argv[2]).catch(error => {
  log(messageOf(error));
  process.exitCode = 1;
  // open handles must not keep the process alive
  setTimeout(() => process.exit(1), 1000).unref();
});
