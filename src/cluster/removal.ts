import { CommandError, LeftoverError, messageOf } from '../errors.js';
import { takeDownFrameworks } from '../frameworks/takedown.js';
import type { Host, Output } from '../hosts/host.js';
import { keyValues, scriptCommand } from '../hosts/script.js';
import { poolStopping, requireStopped } from '../htcondor/pool.js';
import { inLine } from '../printable.js';
import { templateText } from '../templates.js';
import { poolDir } from './context.js';

/**
 * Removes what the cluster has at a site, whose jobs are over. It looks for none.
 * @returns what may remain where the host can't look: directories of glide-ins that were killed, on their nodes
 * @throws LeftoverError
 */
export async function removeSite(host: Host, base: string, cluster: string): Promise<string[]> {
  const options = { timeoutMs: 120_000, check: false };
  return requireRemoved(host, await host.run(removal(base, cluster, 'site'), options));
}

/**
 * Removes what the cluster has on the headnode: its framework, the pool, and all files.
 * @throws LeftoverError
 */
export async function takeDownHead(
  host: Host,
  base: string,
  cluster: string,
  onProgress: (text: string) => void,
): Promise<void> {
  const at = { host, dir: poolDir(base, cluster), cluster, onProgress };
  // files are removed only from below processes that have ended
  const then = [{ argv: poolStopping(at.dir) }, { argv: removal(base, cluster, 'pool') }];
  const [stopped, removed] = await takeDownFrameworks(at, then, { timeoutMs: 240_000 });
  try {
    requireStopped(host, stopped);
  } catch (error) {
    throw new LeftoverError(messageOf(error), [`HTCondor's processes of ${cluster} on ${host.name}`]);
  }
  requireRemoved(host, removed);
}

const removal = (base: string, cluster: string, part: 'site' | 'pool'): string[] =>
  scriptCommand(withEnds('site/remove.sh'), [base, cluster, part]);

/** @param out that of `removal`, if it was run @returns what may remain where the host can't look @throws LeftoverError */
function requireRemoved(host: Host, out: Output | undefined): string[] {
  if (out?.exitCode !== 0) throw new CommandError(host.name, 'remove files', out?.exitCode ?? null, out?.stderr ?? '');
  const values = keyValues(out.stdout);
  const left = values.get('left') ?? [];
  if (left.length > 0)
    throw new LeftoverError(
      `could not remove all files on ${host.name}:`,
      left.map(path => `${path} on ${host.name}`),
    );
  return (values.get('unseen') ?? []).map(what => inLine(what));
}

/** Adds functions that end what logs in at a site, if there is any: its growth, its relay, their keys. Journals may be lost. */
export const withEnds = (name: string): string =>
  ['site/machine.sh', 'site/keys.sh', 'headnode/share-end.sh', 'bosco/close.sh', 'relay/close.sh', name]
    .map(templateText)
    .join('\n');
