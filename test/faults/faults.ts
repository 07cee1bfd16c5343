import type { HostName } from '../lab/lab.js';
import { type Ground, stateDir, type Tried } from './ground.js';
import type { Plan, Point } from './point.js';
import { NAME } from './scenarios.js';

export interface Fault {
  readonly name: string;
  /** As it is said in the table's legend. */
  readonly title: string;
  applies(point: Point): boolean;
  /** @param chance at which of several moments, from 0 to 1 */
  plan(point: Point, chance: number): Plan;
  /** What happens while the command stands still at the point. What is not as it must be goes into `ground.wrong`. */
  begin?(ground: Ground, point: Point, tried: Tried): Promise<unknown>;
  /** What a person does about it afterwards. */
  end?(ground: Ground): Promise<unknown>;
}

const before = (point: Point): Plan => ({ at: point.key, when: 'before' });

/** A third comes before the action, the others while it is under way or, in the journal, after it. */
function someTime(point: Point, chance: number): Plan {
  if (chance < 1 / 3) return before(point);
  if (point.kind === 'journal') return { at: point.key, when: 'after' };
  return { at: point.key, when: 'amid', ms: Math.round(((chance - 1 / 3) / (2 / 3)) * point.ms) };
}

const all = (): boolean => true;
const isFar = ({ where }: Point): boolean => where === 'headnode' || where === 'login';
const asksBatch = ({ batch }: Point): boolean => batch.length > 0;

/** The connections end, the programs on them do not. */
const cut = (ground: Ground, { where }: Point): Promise<unknown> =>
  ground.asRoot(where as HostName, "pkill -KILL -f '^sshd(-session)?: (alice|scail)'; sleep 0.2");

/** Full to the last byte: also the last block of each journal, which would else take a few more lines. */
const fill = `for f in ${stateDir}/clusters/*/journal.jsonl; do
  [ -e "$f" ] || continue
  n=$((4096 - $(stat -c %s "$f") % 4096))
  head -c $n /dev/zero | tr '\\0' '\\n' >>"$f"
done
cat /dev/zero >${stateDir}/filler`;

/** A site's program that does something else. `real` runs the program itself. */
async function replace(ground: Ground, point: Point, body: (program: string) => string): Promise<void> {
  for (const program of point.batch) {
    const script = `#!/bin/sh\nreal() { /usr/bin/${program} "$@"; }\n${body(program)}\n`;
    await ground.lab.write('login', `/usr/local/bin/${program}`, script, { user: 'root', mode: 0o755 });
  }
}

const restore = (ground: Ground): Promise<unknown> =>
  ground.asRoot('login', 'cd /usr/local/bin && rm -f sbatch squeue scancel sacct; rm -rf /tmp/answered');

/** slurm's own words, as recorded. */
const refusals: { readonly [program: string]: string } = {
  sbatch: 'sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified',
  scancel: 'scancel: error: Kill job error on job id 1: Access/permission denied',
  squeue: 'slurm_load_jobs error: Access/permission denied',
  sacct: 'sacct: error: Access/permission denied',
};
const late = (program: string): string =>
  program === 'sbatch'
    ? 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation'
    : `${program}: error: Socket timed out on send/recv operation`;

export const faults: readonly Fault[] = [
  {
    name: 'kill',
    title: 'the command is killed (kill -9)',
    applies: all,
    plan: (point, chance) => ({ ...someTime(point, chance), signal: 'SIGKILL' }),
  },
  {
    name: 'interrupt',
    title: 'Ctrl-C',
    applies: all,
    plan: (point, chance) => ({ ...someTime(point, chance), signal: 'SIGINT' }),
  },
  {
    name: 'hangup',
    title: 'the terminal is closed',
    applies: all,
    plan: someTime,
    begin: async (_ground, _point, tried) => tried.hangUp(),
  },
  {
    name: 'cut',
    title: 'the connection is cut before the action',
    applies: isFar,
    plan: before,
    begin: (ground, point) => cut(ground, point),
  },
  {
    name: 'deaf',
    title: 'the connection is cut after the action, before its answer',
    applies: point => isFar(point) && !point.what.startsWith('connect'),
    plan: point => ({ at: point.key, when: 'after', isLost: true }),
    begin: (ground, point) => cut(ground, point),
  },
  {
    name: 'refusal',
    title: 'the batch system refuses',
    applies: asksBatch,
    plan: before,
    begin: (ground, point) => replace(ground, point, program => `echo '${refusals[program]}' >&2; exit 1`),
    end: ground => restore(ground),
  },
  {
    name: 'lost',
    title: 'the batch system does it, and its answer is lost',
    applies: asksBatch,
    plan: before,
    begin: (ground, point) =>
      replace(
        ground,
        point,
        program =>
          `if mkdir /tmp/answered 2>/dev/null; then real "$@" >/dev/null 2>&1; echo '${late(program)}' >&2; exit 1; fi\nreal "$@"`,
      ),
    end: ground => restore(ground),
  },
  {
    name: 'silence',
    title: 'the batch system does not answer for a while',
    applies: asksBatch,
    plan: before,
    // longer than its own programs wait: MessageTimeout in slurm.conf(5), 10 s
    begin: async ground => {
      await ground.asRoot('login', 'pkill -STOP slurmctld; (sleep 14; pkill -CONT slurmctld) >/dev/null 2>&1 &');
    },
    end: ground => ground.asRoot('login', 'pkill -CONT slurmctld'),
  },
  {
    name: 'full',
    title: "the disk with the cluster's record is full",
    applies: all,
    plan: before,
    begin: ground => ground.asRoot('laptop', fill),
    end: ground => ground.asRoot('laptop', `rm -f ${stateDir}/filler`),
  },
  {
    name: 'reboot',
    title: 'the headnode is started again',
    applies: all,
    plan: before,
    begin: ground => ground.lab.reboot('headnode'),
  },
  {
    name: 'readonly',
    title: "the site's file system can only be read",
    applies: point => point.where === 'login',
    plan: before,
    begin: async ground => {
      for (const host of ['login', 'c1', 'c2'] as const) await ground.asRoot(host, 'mount -o remount,bind,ro /home');
    },
    end: async ground => {
      for (const host of ['login', 'c1', 'c2'] as const) await ground.asRoot(host, 'mount -o remount,bind,rw /home');
    },
  },
  {
    name: 'programs',
    title: 'what works by itself on the headnode is killed: growth, relay, edge, schedd',
    applies: point => point.where === 'headnode',
    plan: before,
    begin: ground =>
      ground.asRoot(
        'headnode',
        "pkill -KILL -u scail -f '/relay.mjs|/edge.mjs|/grow.sh|condor_schedd|condor_gridmanager'",
      ),
  },
  {
    name: 'second',
    title: 'a second command at the same time, on the same machine',
    applies: all,
    plan: before,
    begin: async ground => {
      const ran = await ground.cli(['down', NAME, '--json']);
      if (ran.exitCode === 0) {
        if (!ground.isOpen) ground.wrong.push('a second command was let in');
      } else if (!/has been working on this cluster|knows no cluster/.test(ran.stdout))
        ground.wrong.push(`the second command said: ${ran.stdout}`);
    },
  },
  {
    name: 'rival',
    title: 'a cluster of the same name is brought up from another machine',
    applies: all,
    plan: before,
    begin: async ground => {
      const args = ['up', NAME, '--site', ground.site, '--nodes', '1', '--walltime', '30m', '--no-wait'];
      const ran = await ground.cli(args, 'headnode');
      ground.hasRival = ran.exitCode === 0;
      if (!ground.hasRival && !/already/.test(ran.stderr)) ground.wrong.push(`the rival said: ${ran.stderr}`);
    },
  },
];
