import type { Lab } from '../lab/lab.js';
import { built } from './built.js';
import { median, ms, ratio, type Times, table } from './report.js';

const site = 'lab-slurm';
/** Of one process that is in already. */
const commands = 5;

type Found = { readonly [what: string]: Times };

export interface Logins {
  /** Added round-trip time. */
  readonly delayMs: number;
  /** A process that logs in and runs a command. */
  readonly first: Found;
  /** A process that runs a command by a login that is kept. */
  readonly reused: Found;
  /** One more command of a process that is in; ssh has a process for each. */
  readonly next: Found;
}

/** How long one waits to be in: plain ssh and its ControlMaster beside scailfin, whose login ssh2 or ssh has made. */
export async function measureLogins(lab: Lab, rounds: number): Promise<Logins[]> {
  const found: Logins[] = [];
  for (const delayMs of [0, 100]) {
    await lab.delay(delayMs);
    found.push({ delayMs, ...(await race(lab, rounds)) });
  }
  await lab.delay(0);
  return found;
}

async function race(lab: Lab, rounds: number): Promise<Omit<Logins, 'delayMs'>> {
  const run = (...argv: string[]) => lab.exec('headnode', argv, { timeoutMs: 60_000 });
  const timed = async (...argv: string[]): Promise<number> => {
    const began = performance.now();
    await run(...argv);
    return performance.now() - began;
  };
  const script = `/opt/scailfin/${await built('login')}`;
  const ours = (transport: string, count = 1): string[] => ['node', script, 'login', 'alice', transport, `${count}`];
  const more = async (transport: string): Promise<number[]> =>
    (JSON.parse((await run(...ours(transport, 1 + commands))).stdout) as number[]).slice(1);
  const socket = '/home/scail/mux';
  const shared = ['ssh', '-S', socket, 'alice@login', 'true'];

  const first = await take(rounds, {
    ssh: async () => [await timed('ssh', 'alice@login', 'true')],
    'scailfin, ssh2': async () => [await timed(...ours('ssh2'))],
    'scailfin, openssh': async () => [await timed(...ours('openssh'))],
  });
  await run('ssh', '-M', '-N', '-f', '-S', socket, '-o', 'ControlPersist=600', 'alice@login');
  const reused: Record<string, Times> = {};
  const next = await take(rounds, {
    'ssh -S': async () => [await timed(...shared)],
    'scailfin, ssh2': () => more('ssh2'),
    'scailfin, openssh': () => more('openssh'),
  });
  for (const transport of ['ssh2', 'openssh']) {
    await run('scailfin', 'login', site, '--transport', transport);
    const what = `scailfin, kept by ${transport}`;
    const both = await take(rounds, {
      'ssh -S': async () => [await timed(...shared)],
      [what]: async () => [await timed(...ours('ssh2'))],
    });
    const again = await take(rounds, { [what]: () => more('ssh2') });
    Object.assign(reused, { ...both, 'ssh -S': [...(reused['ssh -S'] ?? []), ...(both['ssh -S'] as Times)] });
    Object.assign(next, again);
    await run('scailfin', 'logout', site);
  }
  await run('ssh', '-S', socket, '-O', 'exit', 'alice@login');
  return { first, reused, next };
}

/** Each in turn, `rounds` times, so that what else the machine does falls on all alike. */
async function take(rounds: number, each: { readonly [what: string]: () => Promise<readonly number[]> }) {
  const times = Object.fromEntries(Object.keys(each).map((what): [string, number[]] => [what, []]));
  for (let round = -1; round < rounds; round++) {
    for (const [what, measure] of Object.entries(each)) {
      const took = await measure();
      // the first round only fills the machine's caches
      if (round >= 0) times[what]?.push(...took);
    }
  }
  return times;
}

export function describeLogins(found: readonly Logins[]): string {
  const parts = [
    ['first', 'A first login with one command'],
    ['reused', 'One command by a login that is kept'],
    ['next', 'One more command of a process that is in'],
  ] as const;
  const blocks = parts.map(([part, title]) => {
    const names = Object.keys(found[0]?.[part] ?? {});
    const rows = names.map(what => {
      const cells = found.flatMap(each => {
        const time = median(each[part][what] as Times);
        return [ms(time), ratio(time, median(each[part][names[0] as string] as Times))];
      });
      return [what, ...cells];
    });
    const heads = ['', ...found.flatMap(({ delayMs }) => [`+${delayMs} ms RTT`, ''])];
    return `${title} (medians)\n${table([heads, ...rows])}`;
  });
  return `${blocks.join('\n\n')}\n  from the headnode to the login node; a process of scailfin's is Node.js with the modules for it`;
}
