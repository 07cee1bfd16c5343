import type { ConfigSource } from './config/source.js';
import { knownKeys, knownName } from './knownhosts.js';
import { sshSettings } from './sshconfig.js';
import type { SshTarget } from './target.js';

/** How this machine reached a host, so that another machine can reach it, too. */
export interface KnownLogin {
  readonly host: string;
  readonly port: number;
  /** `TYPE BASE64`: the keys for the host in this machine's known_hosts files; revoked ones are left out. */
  readonly hostKeys: readonly string[];
}

/** @param targets the names by which it may have been reached @param address the one that was dialled in the end */
export function knownLogin(targets: readonly SshTarget[], address: string, source: ConfigSource = {}): KnownLogin {
  const all = targets.map(target => sshSettings(target, source));
  const settings = all.find(s => s.host === address) ?? all[0];
  if (!settings) return { host: address, port: 22, hostKeys: [] };
  const { host, port, hostKeyAlias, knownHosts, globalKnownHosts } = settings;
  const files = [...knownHosts, ...globalKnownHosts];
  // as in the verification: a key known for the host at port 22 is also accepted on its other ports
  const names = hostKeyAlias ? [hostKeyAlias.toLowerCase()] : [knownName(host, port), host.toLowerCase()];
  const keys = names.flatMap(name => knownKeys(files, name));
  const revoked = keys.filter(k => k.revoked);
  const good = keys.filter(k => !revoked.some(r => r.key.equals(k.key)));
  return { host, port, hostKeys: [...new Set(good.map(k => `${k.type} ${k.key.toString('base64')}`))] };
}
