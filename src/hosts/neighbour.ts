import { knownKeys, knownName } from './knownhosts.js';
import type { SshSettings } from './sshconfig.js';
import { checkTarget } from './target.js';

/**
 * The settings for another machine behind the name of `settings`: the same user, port and login methods. Its key is checked
 * against those known for its own name; if there are none, against those known for the name that both machines share.
 * @throws UsageError for a name that no host can have
 */
export function neighbourSettings(settings: SshSettings, name: string): SshSettings {
  checkTarget({ host: name });
  const { host, port, hostKeyAlias, knownHosts, globalKnownHosts } = settings;
  const isKnown = (as: string): boolean => knownKeys([...knownHosts, ...globalKnownHosts], as).length > 0;
  // a key that is known for a host at port 22 is also accepted on its other ports
  const names = (of: string): string[] => [knownName(of, port), knownName(of, 22)];
  const shared = hostKeyAlias ?? names(host).find(isKnown) ?? knownName(host, port);
  return {
    ...settings,
    ...{ alias: name, host: name, jumps: [], proxyCommand: undefined },
    hostKeyAlias: names(name).some(isKnown) ? undefined : shared,
  };
}
