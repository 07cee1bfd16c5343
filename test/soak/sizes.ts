import { cluster, type Ground } from './ground.js';

/** The programs that are to stay as large as they are. */
export const programs = ['edge', 'schedd', 'relay', 'keeper', 'shadows'] as const;
export type Program = (typeof programs)[number];

export interface Size {
  readonly program: Program;
  /** Seconds since it began to be watched. */
  readonly at: number;
  /** Resident memory (VmRSS of proc_pid_status(5)). KiB. */
  readonly memory: number;
  /** Open files. */
  readonly files: number;
}

/** Prints NAME KIB FILES of each of them that runs on the headnode. */
const look = `cd /home/scail/.scailfin/${cluster}/pool || exit
size() { [ -r "/proc/$2/status" ] && echo "$1 $(sed -n 's/^VmRSS:[^0-9]*\\([0-9]*\\).*/\\1/p' "/proc/$2/status") $(ls "/proc/$2/fd" | wc -l)"; }
size edge "$(cat edge/edge.pid 2>/dev/null)"
size relay "$(cat relay/relay.pid 2>/dev/null)"
size shadows "$(cat run/shadows.pid 2>/dev/null)"
for p in $(pgrep -x condor_schedd); do size schedd "$p"; done
for p in $(pgrep -f '[d]oors/keeper'); do size keeper "$p"; done
:`;

/** The sizes of the programs over a soak. */
export class Sizes {
  readonly all: Size[] = [];
  readonly #began = performance.now();

  constructor(private readonly ground: Ground) {}

  async look(): Promise<void> {
    const said = await this.ground.sh(look, 'headnode', 'root');
    const at = (performance.now() - this.#began) / 1000;
    for (const [, program, memory, files] of said.matchAll(/^(\w+) (\d+) (\d+)$/gm))
      this.all.push({ program: program as Program, at, memory: Number(memory), files: Number(files) });
  }

  /** The median of the first third of the time beside that of the last. */
  slopes(): Slope[] {
    const end = (performance.now() - this.#began) / 1000;
    return programs.flatMap(program => {
      const own = this.all.filter(s => s.program === program);
      const [first, last] = [own.filter(s => s.at < end / 3), own.filter(s => s.at > (2 * end) / 3)];
      if (first.length === 0 || last.length === 0) return [];
      const both = (of: (size: Size) => number) => ({ first: median(first.map(of)), last: median(last.map(of)) });
      return [{ program, looks: own.length, memory: both(s => s.memory), files: both(s => s.files) }];
    });
  }
}

export interface Slope {
  readonly program: Program;
  readonly looks: number;
  /** KiB. */
  readonly memory: { readonly first: number; readonly last: number };
  readonly files: { readonly first: number; readonly last: number };
}

/** More than a half more, and more than what may be chance. */
export const grows = ({ memory, files }: Slope): boolean =>
  memory.last > 1.5 * memory.first + 20 * 1024 || files.last > 1.5 * files.first + 20;

function median(all: readonly number[]): number {
  const sorted = [...all].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] as number;
}
