import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { headnodeName, parseHeadnode } from '../cluster/headnodes.js';
import { DEFAULT_PORT } from '../cluster/spec.js';
import type { HeadnodeTrial } from './facts.js';
import type { Context } from './stage.js';

/**
 * The headnode that `up` would use. On this machine, a listener at its port closes each connection at once while the
 * check runs; elsewhere nothing is started, so only an existing pool answers.
 */
export async function headnodeTrial({ patient, facts, config }: Context): Promise<HeadnodeTrial> {
  const profile = facts.get('profile');
  const own = config.sites[profile.name] ?? {};
  const spec = parseHeadnode(own.headnode ?? config.headnode ?? profile.headnode ?? 'local', profile);
  const port = config.port ?? DEFAULT_PORT;
  const some = { kind: spec.kind, name: headnodeName(spec), port, close: () => {} };
  if (!patient.login || spec.kind === 'login') return { ...some, addresses: [] };
  if (spec.kind === 'host') return { ...some, addresses: [spec.host] };
  return { ...some, addresses: ownAddresses(facts.get('probe').ssh?.client), ...(await listen(port)) };
}

/**
 * This machine's addresses: first the one that the site's sshd sees; the address of a gateway in front of it comes last.
 */
function ownAddresses(seen: string | undefined): string[] {
  const own = Object.values(networkInterfaces()).flatMap(list =>
    (list ?? []).flatMap(a => (a.family === 'IPv4' && !a.internal ? [a.address] : [])),
  );
  const first = seen !== undefined && own.includes(seen) ? [seen] : [];
  const last = seen !== undefined && !seen.includes(':') ? [seen] : [];
  return [...new Set([...first, ...own, ...last])];
}

/** If the port is in use, something answers already: most likely a pool. */
function listen(port: number): Promise<{ close(): void }> {
  const server = createServer(socket => socket.destroy());
  return new Promise(resolve => {
    server.once('error', () => resolve({ close: () => {} }));
    server.listen(port, '0.0.0.0', () => resolve({ close: () => server.close() }));
  });
}
