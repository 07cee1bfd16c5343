import { randomBytes } from 'node:crypto';
import net, { type AddressInfo } from 'node:net';
import { Host } from '../lab/host.js';
import { bindsOf, specOf } from '../lab/layout.js';
import { type Codes, equip, type PamService } from '../lab/mfa.js';
import { program } from '../lab/programs.js';
import * as record from '../lab/record.js';
import { prepareRootfs } from '../lab/rootfs.js';

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
    private readonly name: string,
    readonly host: Host,
    readonly codes: Codes,
    /** The server's public key, for known_hosts. */
    readonly hostKey: string,
  ) {}

  /** One host of the lab's kind, with no network but its own. */
  static async boot(): Promise<PamHost> {
    const name = `pam-${randomBytes(4).toString('hex')}`;
    const rootfs = await prepareRootfs();
    await record.create({ name, site: 'none', rootfs, owner: record.me() });
    try {
      const spec = { name: 'pam', user: 'alice', binds: bindsOf(specOf('laptop'), '') };
      const host = await Host.boot({ name, rootfs }, spec);
      await program(['nsenter', '--target', String(host.pid), '--net', 'ip', 'link', 'set', 'lo', 'up']);
      const root = { user: 'root' };
      await host.exec(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', '/etc/ssh/key'], root);
      const { stdout } = await host.exec(['cat', '/etc/ssh/key.pub'], root);
      const codes = await equip((argv, options) => host.exec(argv, options), ['alice', 'bob']);
      return new PamHost(name, host, codes, stdout.split(' ').slice(0, 2).join(' '));
    } catch (error) {
      await record.destroy(name);
      throw error;
    }
  }

  /** Lets a key in as alice and as bob. */
  async trust(publicKey: string): Promise<void> {
    await this.host.exec(['tee', '/etc/ssh/keys'], { user: 'root', stdin: publicKey });
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
    const { host } = this;
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
    await record.destroy(this.name);
  }

  /** The host has no network but itself: each connection is carried in by a process there. */
  async #relay(inside: number): Promise<number> {
    const relay = net.createServer(socket => {
      const carrier = this.host.spawn(['node', '-e', carry, String(inside)], { user: 'root' });
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
