import { CommandError, messageOf, ScailfinError } from '../../errors.js';
import type { Headnode, Part } from '../../headnode/component.js';
import type { FileToPut } from '../../hosts/host.js';
import { keyValues, runScript } from '../../hosts/script.js';
import { quote } from '../../shell.js';
import { stepEnvironment } from '../../steps/environment.js';
import { wrapperScript } from '../../steps/wrapper.js';
import { render, templateText } from '../../templates.js';
import type { ServiceStatus } from '../service.js';
import type { Workers } from './options.js';

/** A worker on a node that does not answer is started elsewhere after so many seconds. */
const LEASE = 60;

export interface WorkersPlan extends Workers {
  /** The framework's name. */
  readonly name: string;
  /** A line for `bash -c`, in a directory with the files; `$TMPDIR` is for what a worker writes. */
  readonly command: string;
  /** GiB that a worker needs on its node's disk; default: 1. */
  readonly disk?: number;
  /** What each worker gets; paths are below its directory. They may be secret. */
  readonly files: readonly FileToPut[];
  /**
   * How one sees that somebody uses the framework, who then has its workers: a program of the user listens on its port, or its manager
   * says so in a file (templates/headnode/workers/watch.sh).
   */
  readonly need: 'listener' | 'file';
  /** The directory of the account in which it works, as `templates/step/binds.sh` reads it; absent: only one of its own. */
  readonly notebooks?: string;
}

/** Absolute; the directory of a framework's workers on the headnode. */
export const workersHome = (pool: string, name: string): string => `${pool}/workers/${name}`;

/**
 * The files of a framework's workers; paths are below the pool's directory. Workers are run by the wrapper of steps, so they have
 * its containers, caches and directories of the site. Secret.
 */
export async function workerFiles(pool: string, plan: WorkersPlan): Promise<FileToPut[]> {
  const { name, command, files, cores, memory, idle, need, image = '', disk = 1, notebooks } = plan;
  const home = workersHome(pool, name);
  const own = home.slice(pool.length + 1);
  const step = { workspace: `${home}/tree`, name: `worker of ${name}`, image, command, environment: {} };
  const environment = await stepEnvironment('worker', step);
  const place = notebooks === undefined ? '' : `notebooks=${quote(notebooks)}\n`;
  return [
    {
      path: `${own}/workers.sub`,
      content: render('worker/submit', { home, name, cores, memory, disk, lease: LEASE }),
      mode: 0o600,
    },
    { path: `${own}/step.sh`, content: wrapperScript(), mode: 0o700 },
    { path: `${own}/step.env`, content: `${environment}wire=yes\n${place}`, mode: 0o600 },
    { path: `${own}/idle`, content: `${idle} ${need}\n`, mode: 0o600 },
    ...files.map(f => ({ ...f, path: `${own}/tree/${f.path}` })),
    { path: 'workers/watch.sh', content: templateText('headnode/workers/watch.sh'), mode: 0o700 },
    { path: 'workers.config', content: render('headnode/workers/watch.config', { dir: pool }), mode: 0o600 },
  ];
}

/** Puts files into the pool's directory on the headnode. @param files their paths are below it */
export const putInPool = ({ host, dir }: Headnode, files: readonly FileToPut[]): Promise<void> =>
  host.put(files.map(f => ({ ...f, path: `${dir}/${f.path}` })));

/** Puts the files there, and has as many workers as were asked for. @throws ScailfinError with HTCondor's own error */
export async function keepWorkers(at: Headnode, plan: WorkersPlan): Promise<void> {
  const { host, dir } = at;
  await putInPool(at, await workerFiles(dir, plan));
  const args = [dir, plan.name, String(plan.count)];
  await runScript(host, templateText('headnode/workers/keep.sh'), args, { timeoutMs: 200_000 }).catch(error => {
    if (!(error instanceof CommandError)) throw error;
    throw new ScailfinError(`the workers could not be submitted on ${host.name}: ${error.stderr.trim()}`, {
      ...{
        cause: error,
        hint: `run the same command again; to look at the pool: scailfin exec ${at.cluster} -- condor_q`,
      },
    });
  });
}

/**
 * The port for a framework's manager on the headnode's loopback address. @param first the first one that is tried
 * @throws ScailfinError if a hundred ports are taken
 */
export async function managerPort({ host, dir }: Headnode, name: string, first: number): Promise<number> {
  const script = templateText('headnode/workers/port.sh');
  const out = await runScript(host, script, [dir, name, String(first)]).catch(error => {
    if (!(error instanceof CommandError) || error.exitStatus !== 7) throw error;
    throw new ScailfinError(`${host.name}: ${error.stderr.trim()}`, {
      ...{ cause: error, hint: 'end a program that listens on one of them, or take another headnode: --headnode HOST' },
    });
  });
  return Number(keyValues(out.stdout).get('port')?.[0]);
}

/** JobStatus, as HTCondor numbers it; 66 is ours, and a worker that was sent away. */
const states: Readonly<Record<string, Part['state']>> = {
  1: 'starting',
  2: 'alive',
  5: 'dead',
  6: 'alive',
  7: 'starting',
  66: 'starting',
};

/** The state of a framework without a manager, from the wire and each worker. Never throws: what could not be asked is *unknown*. */
export async function askWorkersOnly(at: () => Promise<Headnode>, name: string): Promise<ServiceStatus> {
  try {
    const { parts } = await lookAtWorkers(await at(), name, 0);
    const decisive = parts.filter(p => p.name === 'wire' || p.name === 'workers');
    return { state: decisive.find(p => p.state !== 'alive')?.state ?? 'alive', parts };
  } catch (error) {
    return { state: 'unknown', parts: [{ name, state: 'unknown', reason: messageOf(error) }] };
  }
}

/**
 * The state of the framework, from its manager, the wire and each worker. Never throws: what could not be asked is *unknown*.
 * @param isOurs the manager is a daemon of the pool; otherwise it is the user's own program, and may be absent
 */
export async function askWorkers(
  at: () => Promise<Headnode>,
  name: string,
  port: number,
  isOurs: boolean,
): Promise<ServiceStatus> {
  try {
    const head = await at();
    const { manager, parts } = await lookAtWorkers(head, name, port);
    const other = `another user of ${head.host.name} listens on port ${port}; for another port: scailfin up ${head.cluster}`;
    const absent: Part = isOurs
      ? {
          name: 'manager',
          state: 'dead',
          reason: `it does not listen on port ${port}; to start it: scailfin up ${head.cluster}`,
        }
      : { name: 'manager', state: 'starting', reason: `none of your programs listens on port ${port}` };
    const known: Readonly<Record<string, Part>> = {
      own: { name: 'manager', state: 'alive' },
      none: absent,
      other: { name: 'manager', state: 'dead', reason: other },
    };
    const first: Part = known[manager] ?? { name: 'manager', state: 'unknown' };
    const rest = [...(isOurs ? [first] : []), ...parts.filter(p => p.name === 'wire' || p.name === 'workers')];
    return { state: rest.find(p => p.state !== 'alive')?.state ?? 'alive', parts: [first, ...parts] };
  } catch (error) {
    return { state: 'unknown', parts: [{ name, state: 'unknown', reason: messageOf(error) }] };
  }
}

async function lookAtWorkers({ host, dir }: Headnode, name: string, port: number) {
  const args = [dir, name, String(port)];
  const out = await runScript(host, templateText('headnode/workers/list.sh'), args, { timeoutMs: 60_000 });
  const values = keyValues(out.stdout);
  const said = new Map(
    (values.get('said') ?? []).map(line => {
      const [number = '', text = ''] = line.split(' ');
      return [number, Buffer.from(text, 'base64').toString()] as const;
    }),
  );
  const wire: Part = { name: 'wire', state: values.get('wire')?.[0] === 'alive' ? 'alive' : 'dead' };
  const manager = values.get('manager')?.[0] ?? '';
  const silent: Part = { name: 'workers', state: 'unknown', reason: 'the pool does not answer' };
  if (!values.has('asked')) return { manager, parts: [wire, silent] };
  const workers = (values.get('worker') ?? []).map((line): Part => {
    const [number = '', status = '', where = '-', ...why] = line.split(' ');
    const state = states[status] ?? 'unknown';
    const words = said.get(number);
    const reasons = {
      alive: `on ${where}`,
      starting:
        status === '66' ? 'is away: it comes when somebody uses the framework' : 'waits for a glide-in with room',
      dead: `${why.join(' ') || 'it is held'}${words ? `: ${words}` : ''}`,
      unknown: `HTCondor says JobStatus ${status}`,
    };
    return { name: `worker ${number}`, state, reason: reasons[state] };
  });
  return { manager, parts: [wire, ...workers] };
}
