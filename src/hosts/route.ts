import { UsageError } from '../errors.js';
import { type ConfigSource, type SshSettings, sshSettings } from './sshconfig.js';
import type { SshTarget } from './target.js';

/**
 * The hosts on the way to `target`, itself last (ssh_config(5), ProxyJump). Only the first jump's own ProxyJump counts,
 * as with ssh -J.
 * @throws UsageError for a ring of jumps
 */
export function route(target: SshTarget, source: ConfigSource, seen: readonly string[] = []): SshSettings[] {
  const settings = sshSettings(target, source);
  const key = `${settings.host}:${settings.port}`;
  if (seen.includes(key)) throw new UsageError(`ProxyJump goes round in circles: ${[...seen, key].join(' → ')}`);
  const jumps = settings.jumps.filter(j => `${sshSettings(j, source).host}:${sshSettings(j, source).port}` !== key);
  const [first, ...more] = jumps;
  if (first === undefined) return [settings];
  return [...route(first, source, [...seen, key]), ...more.map(jump => sshSettings(jump, source)), settings];
}
