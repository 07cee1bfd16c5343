import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { messageOf } from '../errors.js';
import { route } from '../hosts/route.js';
import type { SshSettings } from '../hosts/sshconfig.js';
import type { SshTarget } from '../hosts/target.js';
import type { Way } from './facts.js';
import { profileFile } from './patient.js';
import { type Context, type Finding, failed, ok, type Stage, skipped, warning } from './stage.js';

/** Resolvers try for up to half a minute, in which a person would think that the program hangs. */
const PATIENCE_MS = 10_000;

/**
 * Each login node's name, as the system resolves it. With a jump host, the jump host's name: only the jump host can
 * resolve the others.
 */
export const name: Stage = {
  id: 'name',
  title: 'Name resolves',

  async run(context) {
    const { login } = context.patient;
    if (!login) return skipped('the site is this machine: no login is needed');
    const looked = await Promise.all(
      login.hosts.map(async host => {
        const hops = route(targetOf(host, context), {});
        return { way: { host, hops }, ...(await resolve(hops[0] as SshSettings)) };
      }),
    );
    const read = `settings: ${readBy(looked.map(l => l.way))}`;
    const good = looked.filter(l => l.error === undefined);
    context.facts.learn({ ways: good.map(l => l.way) });
    const bad = looked.filter(l => l.error !== undefined);
    const [first] = bad;
    if (good.length === 0 && first) return unresolved(context, first.way, first.error as NodeJS.ErrnoException);
    const said = good.map(({ way, addresses }) => `${whose(way)} ${addresses}`).join('; ');
    if (!first) return ok(`${said}\n${read}`);
    const others = bad.map(({ way, error }) => `${way.hops[0]?.host}: ${inWords(error)}`);
    return warning(`${said}; ${others.join('; ')}\n${read}`, `correct login.hosts in ${place(context)}`);
  },
};

function targetOf(host: string, { patient, options }: Context): SshTarget {
  const { login, user } = patient;
  const transport = options.transport ?? login?.transport;
  return {
    host,
    ...(user ? { user } : {}),
    ...(login?.port === undefined ? {} : { port: login.port }),
    ...(transport === undefined ? {} : { transport }),
  };
}

/** Who read ~/.ssh/config: it may have conditions that only ssh can judge. */
function readBy(ways: readonly Way[]): string {
  const [by] = ways.flatMap(way => way.hops.map(hop => hop.readBy));
  if (by === undefined || 'program' in by)
    return `~/.ssh/config as the system's ${by?.program ?? 'ssh'} understands it`;
  return `~/.ssh/config as scailfin reads it, because ${by.none}; its Match exec lines are passed over`;
}

/** Also says if the name is that of a jump host. */
export function whose({ host, hops }: Way): string {
  const first = hops[0];
  if (hops.length < 2) return first?.host === host ? host : `${first?.host} (${host})`;
  return `${first?.host}, the jump host on the way to ${host},`;
}

async function resolve({
  host,
  proxyCommand,
}: SshSettings): Promise<{ addresses: string; error?: NodeJS.ErrnoException }> {
  if (proxyCommand !== undefined) return { addresses: 'is resolved by its ProxyCommand' };
  if (isIP(host)) return { addresses: 'is an address' };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error('late'), { code: 'EAI_AGAIN' })), PATIENCE_MS);
  });
  try {
    const found = await Promise.race([lookup(host, { all: true }), late]);
    return { addresses: `is ${[...new Set(found.map(f => f.address))].join(', ')}` };
  } catch (error) {
    return { addresses: '', error: error as NodeJS.ErrnoException };
  } finally {
    clearTimeout(timer);
  }
}

function inWords(error: NodeJS.ErrnoException | undefined): string {
  if (error?.code === 'ENOTFOUND') return 'there is no host of that name';
  if (error?.code === 'EAI_AGAIN') return 'no answer from the name service';
  return messageOf(error);
}

function unresolved(context: Context, way: Way, error: NodeJS.ErrnoException): Finding {
  const host = way.hops[0]?.host;
  const jump = way.hops.length > 1 ? `, the jump host on the way to ${way.host}` : '';
  const what = `${host}${jump}: ${inWords(error)}`;
  if (error.code === 'EAI_AGAIN')
    return failed(what, 'check that this machine is on the network; some names are known only inside a VPN');
  const where = jump || host !== way.host ? `for ${way.host} in ~/.ssh/config` : `in ${place(context)}`;
  return failed(what, `check the spelling ${where}; some names are known only inside the site's network or VPN`);
}

/** Where the host's name comes from. */
function place({ patient }: Context): string {
  return patient.site ? `${profileFile(patient)} (login.hosts)` : 'what you typed';
}
