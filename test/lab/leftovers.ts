import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accounts } from './files.js';
import type { Host } from './host.js';
import type { HostSpec } from './layout.js';

/**
 * What users left on a host, a line each. Shared homes are told of by the login node only.
 * It is asked again and again, so nothing is started on the host: its files and its processes are read from outside.
 */
export function leftoversOf(host: Host, spec: HostSpec): string[] {
  const names = new Map(accounts(host).map(({ uid, name }) => [uid, name]));
  const file = ({ path, uid }: Found): string => `file ${path} of ${names.get(uid) ?? uid}`;
  const working = spec.site && !spec.addresses.wan ? [] : workingDirectories(host).slice(0, 50);
  return [...processesOf(host, names), ...temporaryFiles(host).map(file), ...working.map(file)].map(
    line => `${host.name}: ${line}`,
  );
}

interface Found {
  readonly path: string;
  readonly uid: number;
}

const isUsers = (uid: number): boolean => uid >= 1000 && uid < 60_000;

/** Users' processes, and Slurm's keepers of their jobs; the daemons that run as root are the host's own. */
function processesOf(host: Host, names: ReadonlyMap<number, string>): string[] {
  // the host's own /proc: it has the processes of its PID namespace, under the numbers that they have there
  const proc = join(host.root, 'proc');
  return readdirSync(proc).flatMap(pid => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const status = readFileSync(join(proc, pid, 'status'), 'utf8');
      const state = field(status, 'State');
      const uid = Number(field(status, 'Uid').split('\t')[1]);
      // one that has ended, and was not waited for yet
      if (/^[ZX]/.test(state)) return [];
      const words = readFileSync(join(proc, pid, 'cmdline'), 'utf8')
        .replaceAll('\0', ' ')
        .trim();
      const command = words === '' ? `[${field(status, 'Name')}]` : words;
      if (!isUsers(uid) && !command.includes('slurmstepd')) return [];
      return [`process ${pid} ${names.get(uid) ?? uid} ${command.replaceAll(/ +/g, ' ')}`];
    } catch (error) {
      if (isGone(error)) return [];
      throw error;
    }
  });
}

/** proc_pid_status(5). */
const field = (status: string, name: string): string =>
  new RegExp(`^${name}:\\t(.*)$`, 'm').exec(status)?.[1]?.trim() ?? '';

/** A user's own proxy is no cluster's; one that a login delegated (x509up_p…) goes with its connection. */
function temporaryFiles(host: Host): Found[] {
  const all = ['/tmp', '/var/tmp', '/dev/shm'].flatMap(dir => below(host, dir));
  return all.filter(({ path, uid }) => isUsers(uid) && !/\/x509up_u[^/]*$/.test(path));
}

/** Our own directory in a home, and where programs that we run keep something for their next start. */
const kept = ['.scailfin', '.cache/pip', '.config/dask', '.ipython', '.jupyter', '.ivy2'];

function workingDirectories(host: Host): Found[] {
  const all = entries(host, '/home').flatMap(({ path }) => kept.map(name => `${path}/${name}`));
  return all.flatMap(dir => {
    const found = look(host, dir);
    return found === undefined ? [] : [{ path: dir, uid: found.uid }, ...(found.isDirectory() ? below(host, dir) : [])];
  });
}

/** Everything in a directory of the host, and below it; links are not followed. */
function below(host: Host, dir: string): Found[] {
  return entries(host, dir).flatMap(found => [found, ...(found.isDirectory ? below(host, found.path) : [])]);
}

function entries(host: Host, dir: string): (Found & { readonly isDirectory: boolean })[] {
  let names: string[];
  try {
    names = readdirSync(join(host.root, dir));
  } catch {
    return []; // it went away meanwhile, or a user's own file system admits nobody else
  }
  return names.flatMap(name => {
    const path = `${dir}/${name}`;
    const found = look(host, path);
    return found === undefined ? [] : [{ path, uid: found.uid, isDirectory: found.isDirectory() }];
  });
}

const look = (host: Host, path: string) => {
  try {
    return lstatSync(join(host.root, path));
  } catch {
    return undefined;
  }
};

const isGone = (error: unknown): boolean => ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '');
