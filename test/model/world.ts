import { Clock } from './clock.js';
import { Disk } from './disk.js';
import { Queue, type Task } from './queue.js';

/** What a history does not change. */
export interface Setting {
  readonly headnode: 'local' | 'login' | 'host';
  /** Machines behind the name of the login node. */
  readonly logins: 1 | 2;
  readonly arrays: boolean;
  /** Whether sacct answers. */
  readonly accounting: boolean;
}

/** One machine. Its files survive a restart, its processes do not. */
export interface Machine {
  readonly name: string;
  readonly address: string;
  readonly home: string;
  readonly user: string;
  readonly disk: Disk;
  /** A number that changes with each start. */
  starts: number;
  /** No connection can be made before. Milliseconds. */
  cutUntil: number;
}

/** A running pool: HTCondor's daemons with the configuration in `dir`. */
export interface Pool {
  readonly machine: Machine;
  readonly dir: string;
  readonly starts: number;
  readonly address: string;
  readonly port: number;
  readonly trustDomain: string;
  /** The key in `dir` that signed what it trusts. */
  readonly key: string;
  /** Tokens that it refuses. */
  readonly revoked: Set<string>;
  /** Milliseconds: it answers from then on. */
  readonly answers: number;
}

/** A glide-in that does not reach its pool leaves after so long, and one without work too. Milliseconds. */
const LOST = 600_000;
const IDLE = 600_000;

/**
 * A site, a headnode and two laptops, as they are: not as the program thinks they are. Everything is in memory. The disks hold
 * the files that the program's scripts make; pools and jobs are the processes.
 */
export class World {
  readonly clock = new Clock();
  readonly pools: Pool[] = [];
  readonly laptops: readonly Machine[];
  readonly headnode: Machine;
  readonly logins: readonly Machine[];
  readonly queue: Queue;
  /** Which machine the login node's name leads to. */
  lead = 0;

  constructor(
    readonly setting: Setting,
    onSubmit: (queue: Queue) => void,
  ) {
    const machine = (name: string, address: string, user: string, disk = new Disk()): Machine => {
      const home = `/home/${user}`;
      disk.make(home);
      return { name, address, home, user, disk, starts: 1, cutUntil: 0 };
    };
    this.laptops = ['laptop', 'other'].map((name, n) => machine(name, `10.0.0.${n + 1}`, 'scail'));
    this.headnode = machine('headnode', '10.0.0.3', 'scail');
    const shared = new Disk();
    this.logins = ['login1', 'login2']
      .slice(0, setting.logins)
      .map((n, i) => machine(n, `10.1.0.${i + 1}`, 'alice', shared));
    this.queue = new Queue(this.clock, shared, (task, now) => this.#glidein(task, now), onSubmit);
  }

  get login(): Machine {
    return this.logins[this.lead % this.logins.length] as Machine;
  }

  get machines(): readonly Machine[] {
    return [...this.laptops, this.headnode, ...this.logins];
  }

  /** The different disks, each once. */
  get disks(): readonly { readonly name: string; readonly disk: Disk }[] {
    const [site] = this.logins as [Machine];
    return [...this.laptops, this.headnode, site].map(({ name, disk }) => ({ name, disk }));
  }

  poolsOn(machine: Machine, dir: string): Pool[] {
    return this.pools.filter(pool => pool.machine === machine && pool.dir === dir);
  }

  stop(stopped: readonly Pool[]): void {
    for (const pool of stopped) this.pools.splice(this.pools.indexOf(pool), 1);
  }

  /** A machine is started again: everything that ran on it has ended. */
  restart(machine: Machine): void {
    machine.starts += 1;
    this.stop(this.pools.filter(pool => pool.machine === machine));
  }

  /** The pool that a glide-in is in. */
  poolOf(task: Task): Pool | undefined {
    if (task.state !== 'RUNNING') return undefined;
    const { disk } = this.queue;
    const settings = disk.read(`${task.dir}/settings`);
    const token = disk.read(`${task.dir}/tokens/${task.token}`)?.trim();
    const value = (key: string): string => new RegExp(`^${key}='?([^'\n]*)'?$`, 'm').exec(settings ?? '')?.[1] ?? '';
    const [key, id = ''] = (token ?? '').split(' ');
    return this.pools.find(
      pool =>
        pool.address === value('address') &&
        pool.port === Number(value('port')) &&
        pool.trustDomain === value('trust_domain') &&
        pool.key === key &&
        !pool.revoked.has(id) &&
        this.clock.now >= pool.answers,
    );
  }

  #glidein(task: Task, now: number): { readonly exit: number } | undefined {
    if (this.queue.disk.read(`${task.dir}/settings`) === undefined) return { exit: 0 };
    if (this.poolOf(task)) {
      task.silent = now;
      return now - task.idle >= IDLE ? { exit: 0 } : undefined;
    }
    task.idle = now;
    return now - task.silent >= LOST ? { exit: 0 } : undefined;
  }
}

/** As `templates/site/machine.sh` prints it. */
export const machineText = ({ name, starts }: Machine): string => `${name} 0000-${name}-${starts}`;
