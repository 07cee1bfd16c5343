import { CommandError, ScailfinError } from '../../errors.js';
import type { Headnode } from '../../headnode/component.js';
import type { FileToPut } from '../../hosts/host.js';
import { runScript } from '../../hosts/script.js';
import { commandLine } from '../../shell.js';
import { render, templateText } from '../../templates.js';
import { workersHome } from './workers.js';

/**
 * The files with which the pool's master runs the manager of a framework; paths are below the pool's directory.
 * @param command what env(1) runs: variables, and then a program below the directory of the framework's workers
 */
export function managerFiles(pool: string, name: string, port: number, command: readonly string[]): FileToPut[] {
  const home = workersHome(pool, name);
  return [
    { path: `workers/${name}/port`, content: `${port}\n`, mode: 0o600 },
    {
      path: `workers/${name}/run.sh`,
      content: render('headnode/workers/run', { home, command: commandLine(command) }),
      mode: 0o700,
    },
    {
      path: `workers/${name}/manager.config`,
      content: render('headnode/workers/manager.config', { home, name }),
      mode: 0o600,
    },
  ];
}

/** Starts the manager, or finds it running with the same files. @throws ScailfinError with the end of its log */
export async function startManager({ host, dir, cluster }: Headnode, name: string, title: string): Promise<void> {
  const script = templateText('headnode/workers/manager.sh');
  await runScript(host, script, [dir, name], { timeoutMs: 400_000 }).catch(error => {
    if (!(error instanceof CommandError) || error.exitStatus !== 9) throw error;
    throw new ScailfinError(`${title} does not start on ${host.name}: ${error.stderr.trim()}`, {
      ...{ cause: error, hint: `run the same command again, or take it down: scailfin down ${cluster}` },
    });
  });
}
