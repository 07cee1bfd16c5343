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
  const own = knownKeys([...knownHosts, ...globalKnownHosts], knownName(name, port));
  return {
    ...settings,
    ...{ alias: name, host: name, jumps: [], proxyCommand: undefined },
    hostKeyAlias: own.length > 0 ? undefined : (hostKeyAlias ?? knownName(host, port)),
  };
}
