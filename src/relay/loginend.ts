import { Duplex, PassThrough } from 'node:stream';
import ssh2 from 'ssh2';
import type { Host } from '../hosts/host.js';
import { inLine } from '../printable.js';
import { templateText } from '../templates.js';
import { serverConfig } from './serverconfig.js';
import type { RelaySite } from './settings.js';

/** The name that the login node's ssh gives to this end for connections of compute nodes. */
const POOL_NAME = 'pool';

export interface LoginEndOptions {
  /** Called with `ADDRESS:PORT … on MACHINE` as soon as the relay listens there. */
  readonly onOpen: (at: string) => void;
  /** Called with each connection that reached the relay's port. */
  readonly onConnection: (stream: Duplex) => void;
}

/**
 * Lets the login node listen for compute nodes as long as this runs. The program there is the system's ssh, which listens
 * (`-L`) and passes each connection on to an SSH server that is here: the two speak over the standard input and output of
 * one command, so sshd need not allow any forwarding, and one process serves all nodes.
 * @returns why it ended, in words
 * @throws ConnectionError if the connection to the host breaks
 */
export async function runLoginEnd(host: Host, site: RelaySite, options: LoginEndOptions): Promise<string> {
  // not ed25519: ssh2 1.17 can't read back the ed25519 keys it makes if the public half begins with a zero
  const key = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
  const server = new ssh2.Server(serverConfig(key.private), client => {
    client.on('error', () => {}); // the command ended
    // the login that carries this connection was the proof
    client.on('authentication', attempt => attempt.accept());
    client.on('session', accept => {
      accept().once('exec', (accept, _reject, { command }) => {
        const channel = accept();
        channel.on('error', () => {});
        options.onOpen(inLine(command, 300));
        channel.write('listening\n');
      });
    });
    client.on('tcpip', (accept, reject, { destIP }) => {
      if (destIP === POOL_NAME) options.onConnection(accept());
      else reject?.();
    });
  });
  const [input, output, errors] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const far = Duplex.from({ readable: output, writable: input }) as Duplex;
  far.on('error', () => {});
  server.injectSocket(far as import('node:net').Socket);
  let said = '';
  errors.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-2000);
  });
  const [type = '', base64 = ''] = key.public.trim().split(' ');
  try {
    const status = await host.attach(
      site.ownKey ? ['scailfin-relay', type, base64] : program(site, `${type} ${base64}`),
      {
        ...{ stdin: input, stdout: output, stderr: errors },
      },
    );
    const last = said.trim().split('\n').filter(Boolean).slice(-2).join('; ');
    return last === '' ? `the relay on ${host.name} ended with status ${status}` : `${host.name}: ${inLine(last, 400)}`;
  } finally {
    far.destroy();
    output.end();
  }
}

/** What the login node runs, with the functions that it needs before it. */
export const loginProgram = (): string => ['site/machine.sh', 'relay/login.sh'].map(templateText).join('\n');

function program({ dir, address }: RelaySite, key: string): string[] {
  const argv = ['env', `SCAILFIN_RELAY=${dir}/relay`, 'bash', '--norc', '-c', loginProgram(), 'relay', dir, key];
  return [...argv, ...(address === undefined ? [] : [address])];
}
