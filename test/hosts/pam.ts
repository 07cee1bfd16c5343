import net, { type AddressInfo } from 'node:net';
import { type GridHost, gridHost } from '../credentials/grid.js';
import { type Codes, equip, type PamService } from '../lab/mfa.js';

/** A real OpenSSH server over a real PAM stack, in namespaces of its own, to be reached at a loopback port. */
export interface Door {
  /** On this machine. */
  readonly port: number;
  /** On the host itself, for whoever comes from there. */
  readonly inside: number;
  /** What it wrote, at DEBUG1. */
  log(): Promise<string>;
}

export class PamHost {
  #relays: net.Server[] = [];
  #next = 2200;

  private constructor(
    readonly grid: GridHost,
    readonly codes: Codes,
    /** The server's public key, for known_hosts. */
    readonly hostKey: string,
  ) {}

  static async boot(): Promise<PamHost> {
    const grid = await gridHost();
    const root = { user: 'root' };
    await grid.host.exec(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', '/etc/ssh/key'], root);
    const { stdout } = await grid.host.exec(['cat', '/etc/ssh/key.pub'], root);
    return new PamHost(
      grid,
      await equip((argv, options) => grid.host.exec(argv, options), ['alice', 'bob']),
      stdout.split(' ').slice(0, 2).join(' '),
    );
  }

  /** Lets a key in as alice and as bob. */
  async trust(publicKey: string): Promise<void> {
    await this.grid.host.exec(['tee', '/etc/ssh/keys'], { user: 'root', stdin: publicKey });
  }

  /** @param methods sshd_config(5), AuthenticationMethods */
  async door(methods: string, pam: PamService, lines: readonly string[] = []): Promise<Door> {
    const inside = this.#next++;
    const config = [
      ...lines,
      `Port ${inside}`,
      'ListenAddress 127.0.0.1',
      'HostKey /etc/ssh/key',
      'AuthorizedKeysFile /etc/ssh/keys',
      'StrictModes no',
      'UsePAM yes',
      `PAMServiceName ${pam}`,
      'KbdInteractiveAuthentication yes',
      'PasswordAuthentication yes',
      `AuthenticationMethods ${methods}`,
      'PerSourcePenalties no',
      'MaxStartups 100',
      'LogLevel DEBUG1',
      `PidFile /run/sshd-${inside}.pid`,
    ];
    const { host } = this.grid;
    const [file, log] = [`/etc/ssh/config-${inside}`, `/var/log/sshd-${inside}`];
    await host.exec(['tee', file], { user: 'root', stdin: `${config.join('\n')}\n` });
    await host.exec(['/usr/sbin/sshd', '-f', file, '-E', log], { user: 'root' });
    return {
      port: await this.#relay(inside),
      inside,
      log: async () => (await host.exec(['cat', log], { user: 'root' })).stdout,
    };
  }

  async down(): Promise<void> {
    for (const relay of this.#relays) relay.close();
    await this.grid.down();
  }

  /** The host has no network but itself: each connection is carried in by a process there. */
  async #relay(inside: number): Promise<number> {
    const relay = net.createServer(socket => {
      const carrier = this.grid.host.spawn(['node', '-e', carry, String(inside)], { user: 'root' });
      socket.on('error', () => {});
      carrier.once('exit', () => socket.destroy());
      carrier.stdin?.on('error', () => {});
      if (carrier.stdin) socket.pipe(carrier.stdin);
      carrier.stdout?.pipe(socket);
      socket.on('close', () => carrier.kill());
    });
    this.#relays.push(relay);
    await new Promise<void>(resolve => relay.listen(0, '127.0.0.1', resolve));
    return (relay.address() as AddressInfo).port;
  }
}

/** Ends with the connection, whoever ends it. */
const carry = `const socket = require('net').connect(+process.argv[1], '127.0.0.1');
process.stdin.pipe(socket);
socket.pipe(process.stdout);
socket.on('error', () => {}).on('close', () => process.exit());`;
