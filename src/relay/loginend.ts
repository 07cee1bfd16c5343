import { Duplex, PassThrough } from 'node:stream';
import type { Connection, ServerChannel } from 'ssh2';
import { ConnectionError } from '../errors.js';
import type { Host } from '../hosts/host.js';
import { inLine } from '../printable.js';
import { templateText } from '../templates.js';
import { newKey } from './keys.js';
import { Lane } from './lane.js';
import type { Entering } from './pooldoor.js';
import { mostOfChannel, serve } from './serve.js';
import type { RelaySite } from './settings.js';

/** The name that the login node's ssh gives to this end for connections of compute nodes. */
const POOL_NAME = 'pool';

/** How long the login node may take until it listens. */
const openMs = 90_000;
/** How long a command may take to end after its connection here has ended: it may still say why. */
const lastWordsMs = 5_000;
/** Connections at once, those included that the login node has not closed yet. */
const mostConnections = 4096;
/** How often that is looked at. Bytes. */
const lookEvery = 2 ** 20;

export interface LoginEndOptions {
  /** Called with `ADDRESS:PORT … on MACHINE` as soon as the relay listens there. */
  readonly onOpen: (at: string) => void;
  /** Called with each connection that reached the relay's port. */
  readonly onConnection: (entering: Entering) => void;
}

/**
 * Lets the login node listen for compute nodes as long as this runs. The program there is the system's ssh, which listens
 * (`-L`) and passes each connection on to an SSH server that is here: the two speak over the standard input and output of
 * one command, so sshd need not allow any forwarding, and one process serves all nodes.
 * @returns why it ended, in words
 * @throws ConnectionError if the connection to the host breaks, or what comes from there is not the relay's
 */
export async function runLoginEnd(host: Host, site: RelaySite, options: LoginEndOptions): Promise<string> {
  const key = newKey();
  const [input, output, errors] = [new PassThrough(), new PassThrough(), new PassThrough()];
  for (const stream of [input, output, errors]) stream.on('error', () => {});
  const outer = new Lane(Duplex.from({ readable: output, writable: input }));
  let said = '';
  errors.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-2000);
  });
  const [type = '', base64 = ''] = key.public.split(' ');
  let late: NodeJS.Timeout | undefined;
  const broken = new Promise<never>((_, reject) => {
    const breaks = (why: string) => () => reject(new ConnectionError(`${host.name}: ${why}`));
    late = setTimeout(breaks(`the relay does not listen after ${openMs / 1000} s`), openMs);
    const onOpen = (at: string): void => {
      clearTimeout(late);
      options.onOpen(at);
    };
    listen(key.private, outer, { ...options, onOpen });
    outer.once('close', () => {
      clearTimeout(late);
      late = setTimeout(breaks('the connection to the relay has ended'), lastWordsMs);
    });
  });
  try {
    const argv = site.ownKey ? ['scailfin-relay', type, base64] : program(site, `${type} ${base64}`);
    const running = host.attach(argv, { stdin: input, stdout: output, stderr: errors });
    const status = await Promise.race([running, broken]);
    const last = said.trim().split('\n').filter(Boolean).slice(-2).join('; ');
    return last === '' ? `the relay on ${host.name} ended with status ${status}` : `${host.name}: ${inLine(last, 400)}`;
  } finally {
    outer.destroy();
    output.end();
    clearTimeout(late);
  }
}

/** What the login node runs, with the functions that it needs before it. */
export const loginProgram = (): string => ['site/machine.sh', 'relay/login.sh'].map(templateText).join('\n');

function program({ dir, address }: RelaySite, key: string): string[] {
  const argv = ['env', `SCAILFIN_RELAY=${dir}/relay`, 'bash', '--norc', '-c', loginProgram(), 'relay', dir, key];
  return [...argv, ...(address === undefined ? [] : [address])];
}

/** The SSH server to which the login node's ssh passes connections on. */
function listen(hostKey: string, outer: Lane, options: LoginEndOptions): void {
  serve(outer, hostKey, client => {
    client.on('error', () => outer.destroy()); // the command ended, or something else speaks
    // the login that carries this connection was the proof
    client.on('authentication', attempt => attempt.accept());
    client.once('session', accept => {
      accept().once('exec', (accept, _reject, { command }) => {
        const channel = accept() as ServerChannel | undefined;
        if (!channel) return; // the session has ended already
        channel.on('error', () => {});
        options.onOpen(inLine(command, 300));
        channel.write('listening\n');
      });
    });
    passOn(client, outer, options);
  });
}

function passOn(client: Connection, outer: Lane, { onConnection }: LoginEndOptions): void {
  const open = new Set<ServerChannel>();
  client.on('tcpip', (accept, reject, { destIP, srcIP }) => {
    if (destIP !== POOL_NAME || open.size >= mostConnections) {
      reject();
      return;
    }
    const stream = accept();
    open.add(stream);
    stream.once('close', () => open.delete(stream));
    onConnection({ stream, origin: inLine(srcIP, 50), outer });
  });
  let came = 0;
  outer.on('data', (data: Buffer) => {
    came += data.length;
    if (came < lookEvery) return;
    came = 0;
    // ssh2 does not check whether the other side keeps to its window
    for (const stream of open) if (stream.readableLength > mostOfChannel) outer.destroy();
  });
}
