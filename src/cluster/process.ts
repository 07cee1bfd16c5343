import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Identifies a process of a machine, even if its pid is reused later. */
export interface ProcessId {
  readonly pid: number;
  readonly host: string;
  /**
   * Start time of the process in clock ticks (proc(5), stat field 22), because a pid alone may belong to another process
   * by now.
   */
  readonly started: string;
}

export const thisProcess = (): ProcessId => ({
  pid: process.pid,
  host: hostname(),
  started: startOf(process.pid),
});

/**
 * Whether it is alive. A process of another machine counts as alive, because this can't be checked here: a home directory
 * may be shared.
 */
export function isAlive(id: ProcessId): boolean {
  if (id.host !== hostname()) return true;
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
