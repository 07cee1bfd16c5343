import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * A control group (cgroups(7), version 2) in which a program runs with all that it starts, also with hosts of labs and their
 * daemons, which outlive the process that started them. The kernel counts what they use together.
 */
export class Group {
  /** @param {string} dir */
  constructor(dir) {
    this.dir = dir;
  }

  /**
   * @param {string} name
   * @returns {Group | undefined} undefined where this machine lets us make none
   */
  static make(name) {
    try {
      const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
      const [, top = ''] = mounts.find(line => line.split(' ')[2] === 'cgroup2')?.split(' ') ?? [];
      const dir = join(top, `scailfin-${name}-${process.pid}`);
      mkdirSync(dir);
      return new Group(dir);
    } catch {
      return undefined;
    }
  }

  /**
   * The command that runs another one in this group.
   * @param {string} file
   * @param {string[]} args
   * @returns {[string, string[]]}
   */
  within(file, args) {
    return ['sh', ['-c', 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"', 'sh', this.dir, file, ...args]];
  }

  /**
   * Puts this process into the group, with all that it starts from now on.
   * @returns {() => void} puts it back to where it was
   */
  enter() {
    const procs = join(this.dir, 'cgroup.procs');
    const [, was = '/'] = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8')) ?? [];
    writeFileSync(procs, String(process.pid));
    return () => writeFileSync(join(dirname(this.dir), was, 'cgroup.procs'), String(process.pid));
  }

  /** Seconds of processor time, of user and system, that all of it has used so far. */
  get seconds() {
    const [, used = '0'] = /^usage_usec (\d+)$/m.exec(readFileSync(join(this.dir, 'cpu.stat'), 'utf8')) ?? [];
    return Number(used) / 1e6;
  }

  /** Removes the group. @returns {boolean} false: something still runs in it */
  end() {
    try {
      rmdirSync(this.dir);
      return true;
    } catch {
      return false;
    }
  }
}
