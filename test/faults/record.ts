import type { HostName } from '../lab/lab.js';
import type { Ground } from './ground.js';
import type { Point } from './point.js';
import type { Scenario } from './scenarios.js';

/** Programs of the batch system that tell when they are called. */
const programs = ['sbatch', 'squeue', 'scancel', 'sacct'];
const calls = '/run/faults-calls';

/**
 * What an action may change on a host: files of ours and of the account, jobs, and processes that stay. What daemons write by themselves
 * does not count.
 */
const look = `find /home/*/.scailfin /home/*/.ssh /home/*/.cache /home/*/.config \\( -name log -o -name logs -o -name spool -o -name execute \\) -prune \
 -o -printf '%p %s %m %T@\\n' 2>/dev/null | sort
ps -eo pid=,uid=,comm= | awk '$2 >= 1000 && $2 < 60000 && $3 !~ /^(sshd|sh|bash|ps|find|awk|sort|node|sleep)/'
/usr/bin/squeue -h -r -o %i 2>/dev/null | sort`;

const hostOf = (where: string): HostName | undefined =>
  where === 'local' ? 'laptop' : where === 'headnode' || where === 'login' ? where : undefined;

/**
 * Runs a scenario's command without a fault, and finds its points: each action, and whether it changed something. Of those that only read,
 * the first one of each name stands for all.
 */
export async function record(ground: Ground, scenario: Scenario): Promise<Point[]> {
  await tellCalls(ground);
  const tried = await ground.start(scenario.command(ground));
  const seen = new Map<string, string>();
  const changing = new Set<string>();
  await tried.meeting.attend(tried.exited, async ({ key, where, what }) => {
    const host = hostOf(where);
    if (host === undefined) return;
    const { stdout } = await ground.asRoot(host, look);
    if (what === 'before') seen.set(key, stdout);
    else if (seen.get(key) !== stdout) changing.add(key);
  });
  const status = await tried.exited;
  if (status !== 0) throw new Error(`${scenario.name} without a fault: exit status ${status}\n${tried.stderr}`);
  const called = await callsOf(ground);
  const trace = tried.meeting.trace();
  const points = trace.flatMap(({ phase, at, ...action }) => {
    if (phase !== 'begins') return [];
    const end = trace.find(t => t.key === action.key && t.phase === 'ends')?.at ?? at;
    const batch = action.where === 'login' ? called.filter(c => c.at >= at && c.at <= end).map(c => c.program) : [];
    const isWrite = action.where === 'journal' ? 'journal' : changing.has(action.key) ? 'changes' : 'reads';
    return [{ ...action, kind: isWrite, ms: end - at, batch: [...new Set(batch)] } as Point];
  });
  return representatives(points);
}

function representatives(points: readonly Point[]): Point[] {
  const names = new Set<string>();
  return points.filter(({ kind, where, what }) => {
    const name = `${where}: ${what}`;
    if (kind !== 'reads') return true;
    if (names.has(name)) return false;
    names.add(name);
    return true;
  });
}

async function tellCalls(ground: Ground): Promise<void> {
  await ground.asRoot('login', `: >${calls}; chmod 666 ${calls}`);
  for (const program of programs) {
    const script = `#!/bin/sh\necho "$(date +%s%3N) ${program}" >>${calls}\nexec /usr/bin/${program} "$@"\n`;
    await ground.lab.write('login', `/usr/local/bin/${program}`, script, { user: 'root', mode: 0o755 });
  }
}

async function callsOf(ground: Ground): Promise<{ readonly at: number; readonly program: string }[]> {
  const { stdout } = await ground.asRoot('login', `cat ${calls}; cd /usr/local/bin && rm -f ${programs.join(' ')}`);
  return [...stdout.matchAll(/^(\d+) (\w+)$/gm)].map(([, at, program]) => ({
    at: Number(at),
    program: program as string,
  }));
}
