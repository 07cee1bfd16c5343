import net from 'node:net';
import { messageOf } from '../errors.js';
import type { SshSettings } from '../hosts/sshconfig.js';
import type { Way } from './facts.js';
import { whose } from './name.js';
import { profileFile } from './patient.js';
import { type Context, type Finding, failed, ok, type Stage, skipped, warning } from './stage.js';

const PATIENCE_MS = 10_000;

/** The result of one connection: the server's greeting, or why there is none. */
type Answer = { readonly banner: string; readonly address: string } | { readonly code: string; readonly said?: string };

/** The port is open, and an SSH server answers. All later stages use the first login node that does. */
export const tcp: Stage = {
  id: 'tcp',
  title: 'TCP connects',

  async run(context) {
    if (!context.patient.login) return skipped('the site is this machine');
    const silent: string[] = [];
    let problem: Finding | undefined;
    for (const way of context.facts.get('ways')) {
      const first = way.hops[0] as SshSettings;
      if (first.proxyCommand !== undefined) {
        context.facts.learn({ way });
        return ok(`${whose(way)} is reached by its ProxyCommand`);
      }
      const answer = await greet(first.host, first.port, first.connectTimeoutMs ?? PATIENCE_MS);
      if ('banner' in answer) {
        context.facts.learn({ way });
        const said = `${whose(way)} answers at ${answer.address} port ${first.port}: ${answer.banner}`;
        if (silent.length === 0) return ok(said);
        return warning(
          `${said}; ${silent.join('; ')}`,
          'nothing needs to be done: the login node that answers is used',
        );
      }
      const why = await diagnose(context, way, first, answer);
      silent.push(why.detail);
      problem ??= why;
    }
    return problem ?? failed('the profile names no login node', 'add login.hosts to the profile');
  },
};

/** Connects and waits for the identification string (RFC 4253, section 4.2), which may come after other lines. */
function greet(host: string, port: number, patienceMs: number): Promise<Answer> {
  return new Promise(resolve => {
    const socket = net.connect({ host, port });
    let said = '';
    let connected = false;
    const end = (answer: Answer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end({ code: connected ? 'MUTE' : 'ETIMEDOUT', said }), patienceMs);
    socket.once('connect', () => {
      connected = true;
    });
    socket.on('data', data => {
      said += data.toString('latin1');
      const banner = /^SSH-\d\.\d+-(.*?)\r?\n/m.exec(said)?.[1];
      if (banner !== undefined) end({ banner: banner.trim(), address: socket.remoteAddress ?? host });
      else if (said.length > 8192) end({ code: 'FOREIGN', said });
    });
    socket.once('end', () => end({ code: said === '' ? 'HUNGUP' : 'FOREIGN', said }));
    // if all of several addresses fail, there is one AggregateError with the code of the first
    socket.on('error', (error: NodeJS.ErrnoException) => end({ code: error.code ?? messageOf(error), said }));
  });
}

async function diagnose(context: Context, way: Way, first: SshSettings, answer: Answer): Promise<Finding> {
  const { port, host } = first;
  const code = 'code' in answer ? answer.code : '';
  const at = `${whose(way)} at port ${port}:`;
  const where = portPlace(context, way);
  switch (code) {
    case 'ECONNREFUSED': {
      const usual = port === 22 ? undefined : await greet(host, 22, 3000);
      const hint =
        usual && 'banner' in usual
          ? `an SSH server answers at port 22: remove the port ${where}`
          : `check the port ${where}, and that this is a login node: nothing listens there, or a firewall refuses`;
      return failed(`${at} connection refused`, hint);
    }
    case 'ETIMEDOUT':
      return failed(
        `${at} no answer in ${(first.connectTimeoutMs ?? PATIENCE_MS) / 1000} s`,
        `a firewall drops it, or the host is down: check whether a VPN or a jump host is needed (ProxyJump in ~/.ssh/config), the site's status page, and the port ${where}`,
      );
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return failed(`${at} there is no route to it`, 'check the network of this machine; a VPN may be needed');
    case 'MUTE':
    case 'FOREIGN': {
      const line = ('said' in answer ? answer.said : '')?.split('\n')[0]?.slice(0, 80).trim();
      const what = line
        ? `it is not an SSH server; it said ${JSON.stringify(line)}`
        : 'it sends no greeting, so it is not an SSH server';
      return failed(`${at} ${what}`, `check the port ${where}`);
    }
    case 'HUNGUP':
    case 'ECONNRESET':
      return failed(
        `${at} it closed the connection before any greeting`,
        "the server may have too many connections: try again in a minute; if this continues, the site may have blocked this machine's address",
      );
    default:
      return failed(`${at} ${code}`, `try it by hand: ssh ${port === 22 ? '' : `-p ${port} `}${first.user}@${host}`);
  }
}

/** Where the port comes from. */
function portPlace({ patient }: Context, way: Way): string {
  if (way.hops.length > 1) return `of ${way.hops[0]?.alias} in ~/.ssh/config`;
  if (patient.login?.port === undefined) return `(Port for ${way.host} in ~/.ssh/config)`;
  return patient.site ? `in ${profileFile(patient)} (login.port)` : 'in the host that you typed';
}
