import { readFileSync } from 'node:fs';
import { compareMachines, thisMachine, unknownBoot } from '../hosts/machine.js';

/** Identifies a process of a machine, even if its pid is reused later. */
export interface ProcessId {
  readonly pid: number;
  readonly host: string;
  /** The boot of that machine; absent in the files of an older scailfin. */
  readonly boot?: string;
  /**
   * Start time of the process in clock ticks (proc(5), stat field 22), because a pid alone may belong to another process
   * by now.
   */
  readonly started: string;
}

export const thisProcess = (): ProcessId => {
  const { name, boot } = thisMachine();
  return { pid: process.pid, host: name, boot, started: startOf(process.pid) };
};

/** Whether it ran on this machine: where its state can be told, because a home directory may be shared. */
export const ranHere = ({ host, boot = unknownBoot }: ProcessId): boolean =>
  compareMachines({ name: host, boot }, thisMachine()) !== 'other';

/**
 * Whether it is alive. A process of another machine counts as alive, because this can't be checked here. A restart of the
 * machine ended it.
 */
export function isAlive(id: ProcessId): boolean {
  const { host, boot = unknownBoot } = id;
  const verdict = compareMachines({ name: host, boot }, thisMachine());
  if (verdict !== 'same') return verdict === 'other';
  const now = id.pid > 0 ? startOf(id.pid) : '';
  return now !== '' && now === id.started;
}

function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return existsPid(pid) ? 'alive' : '';
  }
}

function existsPid(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
