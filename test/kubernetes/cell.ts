import { mkdir, readdir, readFile, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { program, until } from '../lab/programs.js';
import { Daemon } from './daemons.js';

/** Where a container runtime writes, whatever it is told; nothing of it is the machine's own here. */
const hidden = ['/run', '/var/lib', '/var/log'];

const namespaces = ['--mount', '--net', '--pid', '--fork', '--kill-child=KILL', '--mount-proc'] as const;

/** Takes: the cell's folder. The first process of the cell: if it ends, so do all others. */
const first = `set -e
for dir in ${hidden.join(' ')}; do mount -t tmpfs -o mode=755 cell "$dir"; done
mkdir /run/lock
ip link set lo up
echo > "$1/open"
exec sleep infinity`;

/**
 * Namespaces of mounts, network and processes, and a cgroup: what is started in here sees no network but its own, and ends
 * with the cell, which ends with its maker. For root.
 */
export class Cell {
  /** As cgroupfs has it: a path below each hierarchy. */
  readonly cgroup: string;

  private constructor(
    readonly dir: string,
    private readonly keeper: Daemon,
    private readonly pid: number,
  ) {
    this.cgroup = `/${cgroupOf(dir)}`;
  }

  /** Why there can be none here; undefined when there can. */
  static unavailable(): Promise<string | undefined> {
    const make = 'dir=/sys/fs/cgroup/memory; [ -d "$dir" ] || dir=/sys/fs/cgroup; mkdir "$dir/$1" && rmdir "$dir/$1"';
    const argv = ['unshare', ...namespaces, 'sh', '-c', make, 'sh', cgroupOf('probe')] as const;
    return program([...argv]).then(
      () => undefined,
      () => 'no namespaces and cgroups can be made here',
    );
  }

  /** @param dir a folder of its own, which is not below one that is hidden here */
  static async open(dir: string): Promise<Cell> {
    await sweep();
    const keeper = await Daemon.run(dir, 'cell', ['unshare', ...namespaces, 'sh', '-c', first, 'sh', dir]);
    const isOpen = () => readFile(join(dir, 'open')).then(() => true);
    await until('the cell', 60_000, () => !keeper.isAlive || isOpen());
    await keeper.assertAlive();
    const children = await readFile(`/proc/${keeper.pid}/task/${keeper.pid}/children`, 'utf8');
    const cell = new Cell(dir, keeper, Number(children.trim()));
    try {
      for (const path of await hierarchies()) await mkdir(join(path, cell.cgroup));
    } catch (error) {
      await cell.close();
      throw error;
    }
    return cell;
  }

  /** The command that starts a program in here. */
  within(argv: readonly string[]): [string, ...string[]] {
    return ['nsenter', '-t', `${this.pid}`, '-m', '-n', '-p', '--', ...argv];
  }

  /** @returns what it printed. @throws Error with its words when it fails */
  run(argv: readonly string[], options: { input?: string; timeoutMs?: number } = {}): Promise<string> {
    return program(this.within(argv), options);
  }

  /** All that was started in here is gone, with its mounts and networks; then the cgroup goes. */
  async close(): Promise<void> {
    await this.keeper.stop();
    await until('the cell’s cgroups to be empty', 60_000, async () => {
      for (const path of await hierarchies()) await removeTree(join(path, this.cgroup));
      return true;
    });
  }
}

/** Its maker's number is in it. */
const cgroupOf = (dir: string) => `scailfin-cell-${process.pid}-${basename(dir)}`;

/** Cgroups of cells whose maker was killed: nothing else of those is left. */
async function sweep(): Promise<void> {
  for (const path of await hierarchies())
    for (const name of await readdir(path)) {
      const maker = /^scailfin-cell-(\d+)-/.exec(name)?.[1];
      if (maker !== undefined && !(await isAlive(maker))) await removeTree(join(path, name)).catch(() => {});
    }
}

const isAlive = (pid: string) =>
  readFile(`/proc/${pid}/stat`).then(
    () => true,
    () => false,
  );

/** Where cgroups are mounted: one folder, or one for each controller. */
async function hierarchies(): Promise<string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map(line => line.split(' - '));
  const mounts = lines.filter(([, kind = '']) => kind.startsWith('cgroup'));
  return [...new Set(mounts.map(([place = '']) => place.split(' ')[4] ?? ''))];
}

async function removeTree(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return;
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(path, entry.name));
  await rmdir(path);
}
