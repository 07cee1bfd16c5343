import { existsSync } from 'node:fs';
import { keepaliveCount, keepaliveS } from '../clock.js';
import { type ConfigSource, isMoved } from '../config/source.js';
import type { SshSettings } from '../sshconfig.js';
import type { SshTarget } from '../target.js';

/** How long a connection outlives the process that made it, if that process could not end it; seconds. */
const afterlifeS = 10;

/**
 * The arguments that make ssh connect, go into the background, and serve the connection at `socket`. ssh itself reads the
 * configuration of the way and of keys; settings that would interfere are switched off.
 * @param connectMs for each attempt to connect
 * @param configFile to be read instead of the usual ones
 */
export function masterArguments(
  target: SshTarget,
  settings: SshSettings,
  source: ConfigSource,
  { socket, connectMs, configFile }: { socket: string; connectMs: number; configFile: string | undefined },
): string[] {
  const options: Record<string, string | number | undefined> = {
    ControlPersist: afterlifeS,
    ClearAllForwardings: 'yes',
    PermitLocalCommand: 'no',
    // `no` would trust every server that answers
    StrictHostKeyChecking: settings.strict === 'ask' ? undefined : settings.strict,
    ConnectTimeout: Math.ceil(connectMs / 1000),
    ServerAliveInterval: settings.keepaliveS ?? keepaliveS,
    ServerAliveCountMax: settings.keepaliveCount ?? keepaliveCount,
    IdentitiesOnly: source.auth?.identitiesOnly ? 'yes' : undefined,
    ...elsewhere(settings, source),
  };
  return [
    // -v: the reason of a failure is in its debug output
    ...['-v', '-M', '-N', '-f', '-x', '-a', '-S', socket.replaceAll('%', '%%')],
    ...Object.entries(options).flatMap(([key, value]) => (value === undefined ? [] : ['-o', `${key}=${value}`])),
    ...(configFile === undefined ? [] : ['-F', configFile]),
    ...identities(settings, source).flatMap(file => ['-i', file]),
    ...(target.user === undefined ? [] : ['-l', target.user]),
    ...(target.port === undefined ? [] : ['-p', String(target.port)]),
    ...['--', target.host],
  ];
}

function elsewhere({ knownHosts }: SshSettings, source: ConfigSource): Record<string, string> {
  if (!isMoved(source)) return {};
  return { UserKnownHostsFile: knownHosts.map(file => `"${file}"`).join(' ') || 'none' };
}

function identities({ identityFiles }: SshSettings, source: ConfigSource): readonly string[] {
  return isMoved(source) ? identityFiles.filter(file => existsSync(file)) : (source.auth?.identityFiles ?? []);
}
