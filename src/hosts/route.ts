import { UsageError } from '../errors.js';
import type { ConfigSource } from './config/source.js';
import { type SshSettings, sshSettings } from './sshconfig.js';
import type { SshTarget } from './target.js';

/**
 * The hosts on the way to `target`, the target last (ssh_config(5), ProxyJump). Only the ProxyJump of the first jump host
 * counts, as with ssh -J.
 * @throws UsageError if the jumps form a circle
 */
export function route(target: SshTarget, source: ConfigSource, seen: readonly string[] = []): SshSettings[] {
  const settings = sshSettings(target, source);
  const key = `${settings.host}:${settings.port}`;
  if (seen.includes(key)) throw new UsageError(`the ProxyJump settings form a circle: ${[...seen, key].join(' → ')}`);
  const jumps = settings.jumps.filter(j => `${sshSettings(j, source).host}:${sshSettings(j, source).port}` !== key);
  const [first, ...more] = jumps;
  if (first === undefined) return [settings];
  return [...route(first, source, [...seen, key]), ...more.map(jump => sshSettings(jump, source)), settings];
}
