import { readFile } from 'node:fs/promises';
import type { Host } from './host.js';
import { type HostSpec, lan, loginLanAddress, type NetworkName } from './layout.js';
import { program, until } from './programs.js';

const delayProgram = new URL('delay.py', import.meta.url);

/** The lab's cables: a host that is nothing but a switch, with a bridge per network and a port per plugged-in host. */
export class Network {
  /** Hosts whose frames go through the delaying program, and the round-trip time it adds. */
  private readonly delays = new Map<string, number>();
  /** See `isolate`. */
  private isIsolated = false;

  constructor(private readonly hub: Host) {}

  /** Makes the bridges, once per lab. */
  async lay(): Promise<void> {
    const bridges = (['wan', 'lan'] as const).flatMap(name => [`link add ${name} type bridge`, `link set ${name} up`]);
    await ip(this.hub, bridges);
  }

  /** Connects a freshly booted host as its spec says, with its firewall. Its interfaces are called `wan` and `lan`. */
  async plug(host: Host, spec: HostSpec): Promise<void> {
    const plugs = Object.keys(spec.addresses) as NetworkName[];
    // after a reboot the old port may take the kernel a moment to forget
    await ip(
      this.hub,
      plugs.map(network => `link del ${port(spec, network)}`),
      { force: true },
    );
    await ip(
      this.hub,
      plugs.flatMap(network => [
        `link add ${port(spec, network)} type veth peer name ${network} address ${macOf(spec.addresses[network])} netns ${host.pid}`,
        `link set ${port(spec, network)} master ${network} up`,
      ]),
    );
    await ip(host, [
      'link set lo up',
      ...plugs.flatMap(network => [
        `link set ${network} addrgenmode none`,
        `addr add ${spec.addresses[network]}/24 dev ${network}`,
        `link set ${network} up`,
      ]),
      ...(spec.site && !spec.addresses.wan ? [`route add default via ${loginLanAddress}`] : []),
    ]);
    await guard(host, spec);
    if (this.isIsolated) await close(host, spec);
    const ms = this.delays.get(spec.name);
    if (ms !== undefined) await this.delay(spec, ms);
  }

  /**
   * From now on, compute nodes reach nothing but the LAN, and nothing reaches the laptop, nor the headnode but by SSH: as at a site
   * without a way out, and behind a NAT at home.
   */
  async isolate(hosts: readonly (readonly [Host, HostSpec])[]): Promise<void> {
    this.isIsolated = true;
    for (const [host, spec] of hosts) await close(host, spec);
  }

  /** Cuts a host's cables, so that frames vanish as on a dead link, or mends them. */
  async cut(spec: HostSpec, isCut: boolean): Promise<void> {
    const change = (network: NetworkName) =>
      `link set ${this.bridged(spec, network)} ${isCut ? 'nomaster' : `master ${network}`}`;
    await ip(this.hub, (Object.keys(spec.addresses) as NetworkName[]).map(change));
  }

  /** Adds `ms` of round-trip time to all that a host of the WAN sends and receives; 0 takes it away. */
  async delay(spec: HostSpec, ms: number): Promise<void> {
    const [own, near, far] = [port(spec, 'wan'), `${spec.name}-near`, `${spec.name}-far`];
    if (this.delays.delete(spec.name)) {
      await this.hub.exec(['pkill', '-f', `delay.py ${own} `], { check: false });
      await ip(this.hub, [`link del ${near}`, `link set ${own} master wan`]);
    }
    if (ms === 0) return;

    await ip(this.hub, [`link add ${near} type veth peer name ${far}`, `link set ${near} up`, `link set ${far} up`]);
    await this.hub.exec(['tee', '/run/delay.py'], { stdin: await readFile(delayProgram, 'utf8') });
    const start = 'rm -f "$4"; setsid python3 /run/delay.py "$1" "$2" "$3" > "$4" 2>&1 &';
    const log = `/run/${spec.name}-delay.log`;
    await this.hub.exec(['sh', '-c', start, 'sh', own, near, String(ms / 2), log]);
    await until(`the delay of ${spec.name}'s link`, 10_000, async () =>
      (await this.hub.exec(['cat', log])).stdout.includes('ready'),
    );
    await ip(this.hub, [`link set ${own} nomaster`, `link set ${far} master wan`]);
    this.delays.set(spec.name, ms);
  }

  /**
   * From now on, so many Mbit/s pass between a host of the WAN and the others, in each direction; 0: as many as can. What does
   * not pass at once waits for at most 100 ms, as in a usual router.
   */
  async limit(host: Host, spec: HostSpec, mbit: number): Promise<void> {
    for (const [where, card] of [
      [this.hub, port(spec, 'wan')],
      [host, 'wan'],
    ] as const) {
      const change = mbit === 0 ? 'del' : 'replace';
      const rate = mbit === 0 ? [] : ['tbf', 'rate', `${mbit}mbit`, 'burst', '32kb', 'latency', '100ms'];
      const argv = [
        'nsenter',
        '--target',
        String(where.pid),
        '--net',
        'tc',
        'qdisc',
        change,
        'dev',
        card,
        'root',
        ...rate,
      ];
      await program(argv as [string, ...string[]]);
    }
  }

  /** The interface that is the host's port on the bridge. */
  private bridged(spec: HostSpec, network: NetworkName): string {
    return network === 'wan' && this.delays.has(spec.name) ? `${spec.name}-far` : port(spec, network);
  }
}

const port = (spec: HostSpec, network: NetworkName): string => `${spec.name}-${network}`;

/** The same after every reboot, as a real card's: the neighbours remember it. */
function macOf(address = ''): string {
  const bytes = address.split('.').map(byte => Number(byte).toString(16).padStart(2, '0'));
  return ['02', '00', ...bytes].join(':');
}

/** Nothing comes into compute nodes but from the LAN; they get out by the login node's NAT, and nothing gets in there. */
async function guard(host: Host, spec: HostSpec): Promise<void> {
  if (!spec.site) return;
  if (!spec.addresses.wan)
    return nft(
      host,
      `chain input { type filter hook input priority 0; policy drop;
    iif lo accept; ct state established,related accept; ip saddr ${lan} accept; }`,
    );
  await host.exec(['sysctl', '-qw', 'net.ipv4.ip_forward=1'], { user: 'root' });
  await nft(
    host,
    `chain forward { type filter hook forward priority 0; policy drop;
      ct state established,related accept; iifname lan oifname wan accept; }
    chain leave { type nat hook postrouting priority 100; ip saddr ${lan} oifname wan masquerade; }`,
  );
}

async function close(host: Host, spec: HostSpec): Promise<void> {
  if (spec.site && !spec.addresses.wan) await ip(host, ['route del default'], { force: true });
  else if (spec.site) await host.exec(['sysctl', '-qw', 'net.ipv4.ip_forward=0'], { user: 'root' });
  else
    await nft(
      host,
      `chain home { type filter hook input priority 0; policy drop;
      iif lo accept; ct state established,related accept; ${spec.sshd ? 'tcp dport 22 accept;' : ''} }`,
    );
}

async function nft(host: Host, chains: string): Promise<void> {
  const argv = ['nsenter', '--target', String(host.pid), '--net', 'nft', '-f', '-'] as const;
  await program([...argv], { input: `table inet lab {\n${chains}\n}\n` });
}

async function ip(host: Host, commands: readonly string[], options: { force?: boolean } = {}): Promise<void> {
  const force = options.force ? ['-force'] : [];
  const argv = ['nsenter', '--target', String(host.pid), '--net', 'ip', ...force, '-batch', '-'] as const;
  const run = program([...argv], { input: `${commands.join('\n')}\n` });
  await (options.force ? run.catch(() => undefined) : run);
}
