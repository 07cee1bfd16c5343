import { readFileSync } from 'node:fs';

/** What a process has used since it began. */
export interface Used {
  /** Its own and that of its ended children, in ms. */
  readonly cpuMs: number;
  /** Read and written, whatever the file, in bytes. */
  readonly bytes: number;
  /** The most memory it ever had, MiB. */
  readonly peakMib: number;
}

/** proc_pid_stat(5): the clock of these times has a hundred ticks in a second. */
const tickMs = 10;

export function usedBy(pid: number): Used {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // utime, stime, cutime, cstime: the 14th to the 17th field, and the name in parentheses is the second
  const ticks = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
    .map(Number);
  const io = readFileSync(`/proc/${pid}/io`, 'utf8');
  const number = (text: string, pattern: RegExp): number => Number(pattern.exec(text)?.[1]);
  return {
    cpuMs: tickMs * ticks.reduce((sum, each) => sum + each, 0),
    bytes: number(io, /^rchar: (\d+)$/m) + number(io, /^wchar: (\d+)$/m),
    peakMib: number(readFileSync(`/proc/${pid}/status`, 'utf8'), /^VmHWM:\s+(\d+) kB$/m) / 1024,
  };
}
