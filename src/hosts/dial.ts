import { existsSync, readFileSync } from 'node:fs';
import { UsageError } from '../errors.js';
import type { ConnectOptions } from './connect.js';
import { placeOf, readKept } from './kept/place.js';
import type { Link } from './link.js';
import { route } from './route.js';
import type { SshSettings } from './sshconfig.js';
import type { SshTarget, Transport } from './target.js';

/**
 * Connects to a host: by a kept login if there is one, otherwise with the transport that was asked for, otherwise with
 * ssh2 unless ~/.ssh/config needs what ssh2 does not support. Each is loaded only when it is needed.
 * @returns the settings of the hosts on the way, the target last
 * @throws ConnectionError, HostKeyError, AuthError, UsageError
 */
export async function dial(target: SshTarget, options: ConnectOptions): Promise<{ link: Link; settings: SshSettings }> {
  const way = route(target, options);
  const settings = way.at(-1) as SshSettings;
  const { transport, because } = await choose(way, target.transport);
  if (transport === 'ssh2') {
    const { connect } = await import('./connect.js');
    return { link: await connect(way, options), settings };
  }
  const kept = await keptAt(way);
  if (kept) return { link: kept, settings };
  if (because !== undefined) options.onNote?.(`${because}: the system's ssh connects`);
  const { OpensshLink } = await import('./openssh/link.js');
  return { link: await OpensshLink.connect(target, way, options, transport === 'gsissh' ? 'gsissh' : 'ssh'), settings };
}

/** @throws UsageError if ssh2 was asked for but does not support what the configuration needs */
async function choose(
  way: readonly SshSettings[],
  asked: Transport | undefined,
): Promise<{ transport: Transport; because?: string }> {
  const demands = await Promise.all(way.map(beyondSsh2));
  const because = demands.find(demand => demand !== undefined);
  if (because === undefined || (asked !== undefined && asked !== 'ssh2')) return { transport: asked ?? 'ssh2' };
  if (asked === undefined) return { transport: 'openssh', because };
  throw new UsageError(`${because}, and that ssh2 can't do`, {
    hint: "use the system's ssh, which supports it: --transport openssh",
  });
}

/** A sentence about a setting of ~/.ssh/config for this host that ssh2 does not support. */
async function beyondSsh2(settings: SshSettings): Promise<string | undefined> {
  const { alias, proxyCommand, identitiesNamed, identityFiles, algorithms } = settings;
  if (proxyCommand !== undefined) return `${alias} is reached by a ProxyCommand`;
  const inHardware = identitiesNamed && identityFiles.find(isOnSecurityKey);
  if (inHardware) return `${alias} needs the security key of ${inHardware}`;
  if (Object.keys(algorithms).length === 0) return undefined;
  const { wishBeyond } = await import('./algorithms.js');
  const wish = wishBeyond(algorithms);
  return wish && `the library ssh2 knows none of what the configuration wants for ${alias}, ${wish}`;
}

/** sk-… are the key types of FIDO authenticators (OpenSSH's PROTOCOL.u2f). */
function isOnSecurityKey(file: string): boolean {
  const open = file.endsWith('.pub') ? file : `${file}.pub`;
  return existsSync(open) && readFileSync(open, 'utf8').startsWith('sk-');
}

async function keptAt(way: readonly SshSettings[]): Promise<Link | undefined> {
  if (!readKept(placeOf(way))) return undefined;
  const { keptEnd } = await import('./kept/reuse.js');
  return keptEnd(way);
}
