import { once } from 'node:events';
import { nodeFiles } from '../../src/headnode/relay.js';
import { newKey } from '../../src/relay/keys.js';
import type { HostName, Lab } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { median, ratio, type Times, table } from './report.js';

const flow = '/opt/relay-flow.py';
const pool = { address: '127.77.7.7', port: 9618 };
const site = '/home/alice/bench';
const here = '/home/scail/bench';
/** Where plain ssh -R listens on the login node. */
const plain = { address: '127.0.0.1', port: 7777 };
/** What a glide-in's ssh does, see templates/glidein/relay.sh; each has an address of its own. */
const standIn = (relayPort: string): string[] => [
  ...['ssh', '-F', '/dev/null', '-T', '-p', relayPort, '-i', `${site}/relay/key`, '-o', 'BatchMode=yes'],
  ...['-o', `UserKnownHostsFile=${site}/relay/known`, '-o', 'HostKeyAlias=scailfin-pool', '-o', 'LogLevel=ERROR'],
  ...['-L', `127.88.0.%d:9618:${pool.address}:${pool.port}`, 'node@10.77.1.1', 'guard'],
];

export interface RelayPlan {
  /** Of one transfer on the fast link, and on the slow one. */
  readonly bytes: { readonly fast: number; readonly slow: number };
  readonly rounds: number;
  readonly glideins: number;
  readonly idleSeconds: number;
}

interface Used {
  /** CPU seconds. */
  readonly headnode: number;
  readonly login: number;
}

/** Of a way: bytes per second from the headnode and to it; milliseconds. */
interface Way {
  readonly get: Times;
  readonly put: Times;
  /** A connection with its first question and answer. */
  readonly first: Times;
  /** One more question on the same connection. */
  readonly more: Times;
  /** The same, while files are transferred in both directions. */
  readonly busy: Times;
  /** CPU seconds for each GB, in both directions. */
  readonly cpu?: Used;
}

export interface RelayFound {
  readonly slow: {
    readonly rttMs: number;
    readonly mbit: number;
    readonly relay: Way;
    readonly plain: Way;
    readonly scp: Pick<Way, 'get' | 'put'>;
  };
  readonly fast: { readonly relay: Way; readonly plain: Way };
  readonly crowd: {
    readonly glideins: number;
    readonly joinSeconds: number;
    readonly idle: Used & { readonly seconds: number };
    readonly first: Times;
    readonly more: Times;
    readonly busy: Times;
    readonly memory: Memory;
    readonly memoryAlone: Memory;
    readonly files: Memory;
  };
}

/** MiB, or open files. */
interface Memory {
  readonly headnode: number;
  readonly login: number;
}

/** The real relay, with a program in place of the pool that sends and takes what it is asked for. */
export async function measureRelay(plan: RelayPlan, lab: Lab, say: (text: string) => void): Promise<RelayFound> {
  const bench = new RelayBench(lab, plan);
  await bench.prepare();
  const memoryAlone = await bench.memory();
  const relay = () => bench.way('c1', pool, plan.bytes.fast, true);
  const fast = { relay: await relay(), plain: await bench.way('login', plain, plan.bytes.fast, true) };
  say('relay: the fast link is measured');

  const [rttMs, mbit] = [100, 10];
  await lab.delay(rttMs);
  await lab.limit(mbit);
  const slow = {
    ...{ rttMs, mbit },
    relay: await bench.way('c1', pool, plan.bytes.slow),
    plain: await bench.way('login', plain, plan.bytes.slow),
    scp: await bench.scp(plan.bytes.slow),
  };
  await lab.limit(0);
  await lab.delay(0);
  say('relay: the slow link is measured');

  const joinSeconds = await bench.crowd();
  const before = await bench.used();
  const began = performance.now();
  await new Promise(resolve => setTimeout(resolve, plan.idleSeconds * 1000));
  const seconds = (performance.now() - began) / 1000;
  const idle = { ...less(await bench.used(), before), seconds };
  const { first, more } = await bench.ping('c2', pool, plan.rounds);
  const busy = await bench.busy('c2', pool, plan.bytes.fast, 8);
  const crowd = {
    glideins: plan.glideins,
    joinSeconds,
    idle,
    first,
    more,
    busy,
    memoryAlone,
    memory: await bench.memory(),
    files: await bench.files(),
  };
  return { slow, fast, crowd };
}

class RelayBench {
  #relayPort = '';

  constructor(
    private readonly lab: Lab,
    private readonly plan: RelayPlan,
  ) {}

  async prepare(): Promise<void> {
    const { lab } = this;
    const keys = { host: newKey(), node: newKey() };
    const text = await lab.exec('headnode', ['cat', '/opt/scailfin/test/bench/relay-flow.py']);
    for (const host of ['headnode', 'login', 'c1', 'c2'] as const)
      await lab.write(host, flow, text.stdout, { user: 'root', mode: 0o755 });
    const script = await lab.exec('headnode', ['cat', '/opt/scailfin/templates/glidein/relay.sh']);
    await lab.write('login', `${site}/relay.sh`, script.stdout, { mode: 0o700 });
    for (const { path, content } of nodeFiles(keys))
      await lab.write('login', `${site}/${path}`, String(content), { mode: 0o600 });
    const settings = {
      ...{ cluster: 'bench', pool, hostKey: keys.host.private, nodeKey: keys.node.public },
      sites: [{ site: 'bench', dir: site, targets: [{ host: 'login', user: 'alice' }] }],
    };
    await lab.write('headnode', `${here}/settings.json`, JSON.stringify(settings), { mode: 0o600 });
    await this.#begin('headnode', ['python3', flow, 'serve', pool.address, String(pool.port)], 'ready');
    lab.spawn('headnode', ['node', '/opt/scailfin/dist/relay.mjs', here], { stdio: 'ignore' });
    const at = (): Promise<string> => lab.read('login', `${site}/relay/at`).catch(() => '');
    await until('the relay to listen', 60_000, async () => (await at()) !== '');
    this.#relayPort = (await at()).split(' ')[1] as string;
    const glidein = `bash ${site}/relay.sh ${site} ${pool.address} ${pool.port} $$`;
    for (const node of ['c1', 'c2'] as const) {
      // its own parent lives as long as it does
      lab.spawn(node, ['bash', '-c', `${glidein}; :`], { stdio: 'ignore' });
      await until(`the relay to lead from ${node}`, 30_000, async () => {
        const ping = await lab.exec(node, ['python3', flow, 'ping', pool.address, String(pool.port), '1'], {
          check: false,
        });
        return ping.exitCode === 0;
      });
    }
    lab.spawn(
      'headnode',
      ['ssh', '-N', '-R', `${plain.address}:${plain.port}:${pool.address}:${pool.port}`, 'alice@login'],
      { stdio: 'ignore' },
    );
    await until(
      'ssh -R',
      30_000,
      async () =>
        (await lab.exec('login', ['nc', '-z', plain.address, String(plain.port)], { check: false })).exitCode === 0,
    );
  }

  /** @param isCounted whether CPU time is, too */
  async way(from: HostName, to: typeof pool, bytes: number, isCounted = false): Promise<Way> {
    const [get, put]: number[][] = [[], []];
    const before = await this.used();
    for (let round = 0; round < this.plan.rounds; round++) {
      (get as number[]).push(bytes / (await this.#move('get', from, to, bytes)));
      (put as number[]).push(bytes / (await this.#move('put', from, to, bytes)));
    }
    const gigabytes = (2 * this.plan.rounds * bytes) / 1e9;
    const { headnode, login } = less(await this.used(), before);
    const cpu = { headnode: headnode / gigabytes, login: login / gigabytes };
    const busy = await this.busy(from, to, bytes, 1);
    return {
      get: get as number[],
      put: put as number[],
      ...(await this.ping(from, to, 5)),
      busy,
      ...(isCounted ? { cpu } : {}),
    };
  }

  async ping(from: HostName, to: typeof pool, count: number): Promise<{ readonly first: Times; readonly more: Times }> {
    const { stdout } = await this.lab.exec(
      from,
      ['python3', flow, 'ping', to.address, String(to.port), String(count)],
      { timeoutMs: 120_000 },
    );
    const [first, more] = JSON.parse(stdout) as [number[], number[]];
    return { first, more };
  }

  /** How long a question takes while files pass, in both directions. @param streams so many in each */
  async busy(from: HostName, to: typeof pool, bytes: number, streams: number): Promise<Times> {
    const moving = (['get', 'put'] as const).map(what => this.#move(what, from, to, bytes, streams));
    await new Promise(resolve => setTimeout(resolve, 1500));
    const { more } = await this.ping(from, to, 4);
    await Promise.all(moving);
    return more;
  }

  async scp(bytes: number): Promise<Pick<Way, 'get' | 'put'>> {
    const [get, put]: number[][] = [[], []];
    await this.lab.exec('headnode', ['sh', '-c', `head -c ${bytes} /dev/zero >scp-file`]);
    for (let round = 0; round < this.plan.rounds; round++)
      for (const [rates, ...argv] of [
        [get, 'scp', '-q', 'scp-file', 'alice@login:scp-file'],
        [put, 'scp', '-q', 'alice@login:scp-file', 'scp-back'],
      ] as const) {
        const began = performance.now();
        await this.lab.exec('headnode', argv, { timeoutMs: 300_000 });
        (rates as number[]).push((bytes * 1000) / (performance.now() - began));
      }
    return { get: get as number[], put: put as number[] };
  }

  /** More glide-ins. @returns the seconds until all were there */
  async crowd(): Promise<number> {
    const half = Math.floor(this.plan.glideins / 2);
    const all = (['c1', 'c2'] as const).map(node =>
      this.#begin(node, ['python3', flow, 'nodes', '1', String(half), '--', ...standIn(this.#relayPort)], ''),
    );
    return Math.max(...(await Promise.all(all)).map(Number));
  }

  /** CPU time so far: of the relay and of ssh on the headnode; of all that runs for the account on the login node. */
  async used(): Promise<Used> {
    const [headnode = 0, login = 0] = await this.#both(
      "cat /proc/[0-9]*/stat 2>/dev/null | grep -E '\\((node|MainThread|ssh|relay|scp)\\)' | awk '{ s += $14 + $15 } END { print s / 100 }'",
      "grep -hE '\\((ssh|sshd|sshd-session|cat|bash)\\)' /proc/[0-9]*/stat 2>/dev/null | awk '{ s += $14 + $15 } END { print s / 100 }'",
    );
    return { headnode, login };
  }

  async memory(): Promise<Memory> {
    const [headnode = 0, login = 0] = await this.#both(
      "awk '/^VmRSS/ { print $2 / 1024 }' /proc/$(pgrep -f dist/[r]elay.mjs | tail -n 1)/status",
      "awk '/^VmRSS/ { print $2 / 1024 }' /proc/$(pgrep -f 'ssh.*-L 10[.]77[.]1[.]1' | head -n 1)/status",
    );
    return { headnode, login };
  }

  async files(): Promise<Memory> {
    const [headnode = 0, login = 0] = await this.#both(
      'ls /proc/$(pgrep -f "dist/[r]elay.mjs" | tail -n 1)/fd | wc -l',
      "ls /proc/$(pgrep -f 'ssh.*-L 10[.]77[.]1[.]1' | head -n 1)/fd | wc -l",
    );
    return { headnode, login };
  }

  async #both(headnode: string, login: string): Promise<number[]> {
    const ask = async (host: HostName, text: string) =>
      Number((await this.lab.exec(host, ['sh', '-c', text], { user: 'root' })).stdout);
    return [await ask('headnode', headnode), await ask('login', login)];
  }

  /** @returns seconds */
  async #move(what: 'get' | 'put', from: HostName, to: typeof pool, bytes: number, streams = 1): Promise<number> {
    const each = Math.ceil(bytes / streams);
    const { stdout } = await this.lab.exec(
      from,
      ['python3', flow, what, to.address, String(to.port), String(each), String(streams)],
      { timeoutMs: 300_000 },
    );
    return Number(stdout);
  }

  /** Starts what goes on for ever. @returns its first line */
  async #begin(host: HostName, argv: readonly string[], line: string): Promise<string> {
    const child = this.lab.spawn(host, argv);
    const [said] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    if (!said.toString().startsWith(line)) throw new Error(`${argv.join(' ')}: ${said}`);
    return said.toString();
  }
}

const less = (now: Used, before: Used): Used => ({
  headnode: now.headnode - before.headnode,
  login: now.login - before.login,
});

const rate = (bytes: Times): string => `${(median(bytes) / 1e6).toFixed(2)} MB/s`;
const trips = (ms: number, rtt: number): string => (ms / rtt).toFixed(1);
const verdict = (isMet: boolean): string => (isMet ? 'met' : 'missed');

export function describeRelay({ slow, fast, crowd }: RelayFound): string {
  const { rttMs, mbit } = slow;
  const goal = (what: 'get' | 'put'): string => {
    const part = median(slow.relay[what]) / median(slow.scp[what]);
    return `${part.toFixed(2)}× (goal ≥ 0.9: ${verdict(part >= 0.9)})`;
  };
  const ways = [
    ['relay', slow.relay],
    ['ssh -R', slow.plain],
  ] as const;
  const slowRows = ways.map(([name, way]) => [
    ...[
      name,
      rate(way.get),
      rate(way.put),
      `${trips(median(way.first), rttMs)}`,
      `${trips(median(way.more), rttMs)}`,
      `${median(way.busy).toFixed(0)} ms`,
    ],
  ]);
  const more = (median(slow.relay.first) - 2 * rttMs) / rttMs;
  const fastRows = [
    ['relay', fast.relay],
    ['ssh -R', fast.plain],
  ] as const;
  const [cpu, plainCpu] = [fast.relay.cpu, fast.plain.cpu];
  const sum = (used: Used | undefined): number => (used ? used.headnode + used.login : 0);
  return [
    `The relay: a link of ${mbit} Mbit/s with a round trip of ${rttMs} ms (medians)`,
    table([
      ['', 'to the site', 'from the site', 'first answer, trips', 'next', 'next, busy'],
      ...slowRows,
      ['scp', rate(slow.scp.get), rate(slow.scp.put), '', '', ''],
    ]),
    `  to the site ${goal('get')}, from the site ${goal('put')} of scp`,
    `  a connection with a question and its answer takes ${more.toFixed(1)} round trips more than TCP alone (goal ≤ 2: ${verdict(more <= 2)})`,
    '',
    'The relay: a fast link',
    table([
      ['', 'to the site', 'from the site', 'first answer', 'next', 'next, busy', 'CPU s/GB, headnode', 'login node'],
      ...fastRows.map(([name, way]) => [
        ...[
          name as string,
          rate(way.get),
          rate(way.put),
          `${median(way.first).toFixed(1)} ms`,
          `${median(way.more).toFixed(1)} ms`,
          `${median(way.busy).toFixed(1)} ms`,
        ],
        ...[(way.cpu?.headnode ?? 0).toFixed(1), (way.cpu?.login ?? 0).toFixed(1)],
      ]),
    ]),
    `  CPU for each GB: ${ratio(sum(cpu), sum(plainCpu))} that of ssh -R`,
    '',
    `The relay: ${crowd.glideins} glide-ins more (each the ssh of glidein/relay.sh, without HTCondor), there after ${crowd.joinSeconds.toFixed(1)} s`,
    table([
      ['', 'CPU when idle', 'MiB alone', 'MiB then', 'open files'],
      ...(['headnode', 'login'] as const).map(at => [
        at === 'login' ? 'login node: ssh' : 'headnode: relay',
        `${((100 * crowd.idle[at]) / crowd.idle.seconds).toFixed(2)} %`,
        crowd.memoryAlone[at].toFixed(0),
        crowd.memory[at].toFixed(0),
        crowd.files[at].toFixed(0),
      ]),
    ]),
    `  first answer ${median(crowd.first).toFixed(1)} ms, next ${median(crowd.more).toFixed(1)} ms; while 16 files pass ${median(crowd.busy).toFixed(1)} ms`,
  ].join('\n');
}
