import type { ClusterStatus } from '../../../src/cluster/status.js';
import { scailfin } from '../../cluster/helpers/cluster.js';
import type { ExecResult } from '../../lab/host.js';
import type { HostName, Lab } from '../../lab/lab.js';

/** Where a thief lives: another user of the headnode's, with HTCondor's own commands. He has a glide-in's token, and no more. */
export class Thief {
  private constructor(
    private readonly lab: Lab,
    private readonly collector: string,
    private readonly tokens: string,
  ) {}

  /** @param token of a submission, as it lies on the site */
  static async with(lab: Lab, token: string, collector: string): Promise<Thief> {
    const tokens = `/home/bob/stolen-${Math.random().toString(36).slice(2)}`;
    await lab.exec('headnode', ['sh', '-c', 'umask 077; mkdir -p "$1"; cat >"$1/token"', 'sh', tokens], {
      ...{ user: 'bob', stdin: token },
    });
    return new Thief(lab, collector, tokens);
  }

  /** Runs a line of shell, in his directory. */
  run(command: string): Promise<ExecResult> {
    const env = {
      ...{ CONDOR_CONFIG: '/dev/null', _CONDOR_COLLECTOR_HOST: this.collector },
      ...{ _CONDOR_SEC_TOKEN_DIRECTORY: this.tokens, _CONDOR_SEC_CLIENT_AUTHENTICATION: 'REQUIRED' },
      ...{ _CONDOR_SEC_CLIENT_AUTHENTICATION_METHODS: 'IDTOKENS' },
    };
    return this.lab.exec('headnode', ['sh', '-c', `cd ${this.tokens}; ${command}`], {
      ...{ user: 'bob', env, check: false, timeoutMs: 100_000 },
    });
  }

  /** Which levels a daemon lets him do. @param where `-type COLLECTOR`, or `-addr … -type SCHEDD` */
  async rights(where: string, levels: readonly string[]): Promise<string[]> {
    const { stdout } = await this.run(`condor_ping ${where} -table ${levels.join(' ')}`);
    const given = new Map([...stdout.matchAll(/^ *(\w+) .*\b(ALLOW|DENY|FAIL)\b/gm)].map(m => [m[1], m[2]]));
    return levels.filter(level => given.get(level) === 'ALLOW');
  }

  /** Sends an ad, or what withdraws ads. */
  async advertise(command: string, ad: Readonly<Record<string, string>>): Promise<void> {
    const lines = Object.entries(ad).map(([key, value]) => `${key} = ${value}`);
    await this.run(`printf '%s\\n' ${lines.map(l => `'${l}'`).join(' ')} >ad; condor_advertise -tcp ${command} ad`);
  }

  async leave(): Promise<void> {
    await this.lab.exec('headnode', ['rm', '-rf', this.tokens], { user: 'root' });
  }
}

/** All that a machine must say of itself to get jobs. */
export const slot = (name: string, more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({
  ...{ MyType: '"Machine"', Name: `"${name}"`, Machine: '"c9"', MyAddress: '"<127.0.0.1:9>"' },
  ...{ ScailfinGlidein: `"${name.split('@')[1]?.split('.')[0]}"`, ScailfinSite: '"lab-slurm"' },
  ...{ SlotType: '"Partitionable"', PartitionableSlot: 'true', State: '"Unclaimed"', Activity: '"Idle"' },
  ...{ Cpus: '8', TotalSlotCpus: '8', Memory: '16000', TotalSlotMemory: '16000', Disk: '1000000' },
  ...{ Start: 'true', Requirements: 'true' },
  ...more,
});

/** The token of a submission, as the site has it. */
export async function stolen(lab: Lab, cluster: string, label: string): Promise<string> {
  const { stdout } = await lab.exec('login', ['cat', `/home/alice/.scailfin/${cluster}/site/tokens/${label}`]);
  return stdout.trim();
}

/** What a token says, which its signature covers. */
export function claimsOf(token: string): {
  readonly sub: string;
  readonly scope: string;
  readonly jti: string;
  readonly iat: number;
  readonly exp: number;
} {
  return JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString());
}

/** By which a submission's glide-ins are known in the pool. */
export const idOf = (token: string): string => claimsOf(token).sub.split('-')[1] as string;

/** What HTCondor's commands say to the pool's owner. */
export async function asOwner(lab: Lab, cluster: string, argv: readonly string[], check = true): Promise<string> {
  const { stdout } = await scailfin(lab, 'headnode', ['exec', cluster, '--', ...argv], { check });
  return stdout;
}

/**
 * A machine of the thief's, of HTCondor's own programs as the site has them, that joins by a stolen token.
 * @param change what he changes in `glidein.sh` and `settings`, as arguments of sed
 */
export class Rogue {
  private constructor(
    private readonly lab: Lab,
    private readonly host: HostName,
    private readonly dir: string,
    private readonly ended: Promise<unknown>,
    private readonly end: () => void,
  ) {}

  static async begin(
    lab: Lab,
    host: HostName,
    cluster: string,
    label: string,
    id: string,
    { cores = 8, unlimited = false }: { readonly cores?: number; readonly unlimited?: boolean } = {},
  ): Promise<Rogue> {
    const dir = `/home/bob/rogue-${id}`;
    const site = `/home/alice/.scailfin/${cluster}/site`;
    const script = [
      'set -e; mkdir -p "$2/tokens" "$2/logs"; cp "$1"/settings "$1"/glidein.conf "$1"/*.sh "$2"; cp "$1/tokens/$3" "$2/tokens/$3"',
      // his copy of the payload
      '. "$1/settings"; cp -r "$payload" "$2/payload"; sed -i "s|^payload=.*|payload=$2/payload|" "$2/settings"',
      unlimited ? 'sed -i "/^\\[ .\\$most_/d" "$2/glidein.sh"' : ':',
      'chown -R bob "$2"',
    ].join('; ');
    await lab.exec('login', ['bash', '-c', script, 'bash', site, dir, label], { user: 'root' });
    const env = ['env', `SCAILFIN_JOB=${id}`, `SCAILFIN_CORES=${cores}`];
    const child = lab.spawn(host, [...env, 'bash', `${dir}/glidein.sh`, dir, label], { user: 'bob', stdio: 'ignore' });
    const ended = new Promise(resolve => child.on('exit', resolve));
    return new Rogue(lab, host, dir, ended, () => child.kill('SIGTERM'));
  }

  /** The last lines of one of its logs. */
  async log(name: string): Promise<string> {
    const { stdout } = await this.lab.exec('login', ['sh', '-c', `cat ${this.dir}/logs/*/*/${name}`], {
      ...{ user: 'root', check: false },
    });
    return stdout;
  }

  async leave(): Promise<void> {
    await this.lab.exec('login', ['rm', '-f', `${this.dir}/settings`], { user: 'root' });
    this.end();
    await this.ended;
    await this.lab.exec('login', ['rm', '-rf', this.dir], { user: 'root' });
    await this.lab.exec(this.host, ['sh', '-c', 'rm -rf /tmp/scailfin-*-????????; true'], {
      user: 'bob',
      check: false,
    });
  }
}

/** What `status` says of the strangers, to programs. */
export const strangersOf = (status: ClusterStatus): string[] => status.strangers.map(s => s.name);
