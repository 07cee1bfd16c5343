import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ExecOptions, Host } from './host.js';

export interface FileOptions {
  /** Who writes it and owns it then; default: the host's own user. */
  readonly user?: string;
  /** Default 0o644. */
  readonly mode?: number;
}

/**
 * Writes a file that its owner could have written: a relative path is in the home, missing directories are made.
 * A lab has dozens of them, so no program is started on the host. @throws Error when a directory in the path is a link
 */
export async function writeFile(host: Host, path: string, content: string | Buffer, options: FileOptions = {}) {
  const owner = account(host, options.user ?? host.user);
  const target = path.startsWith('/') ? path : join(owner.home, path);
  let dir = host.root;
  let last = statSync(dir);
  for (const part of dirname(target).split('/').filter(Boolean)) {
    dir = join(dir, part);
    const found = lstatSync(dir, { throwIfNoEntry: false });
    // a link's absolute target is another one from here
    if (found !== undefined && !found.isDirectory()) throw new Error(`${host.name}: ${dir} is no directory`);
    if (found === undefined) {
      expectAllowed(last, owner, dir);
      mkdirSync(dir, 0o755);
      chownSync(dir, owner.uid, owner.gid);
    }
    last = found ?? lstatSync(dir);
  }
  expectAllowed(last, owner, target);
  const file = join(dir, basename(target));
  writeFileSync(`${file}.new~`, content, { mode: 0o600 });
  chownSync(`${file}.new~`, owner.uid, owner.gid);
  chmodSync(`${file}.new~`, options.mode ?? 0o644);
  renameSync(`${file}.new~`, file);
}

export async function readFile(host: Host, path: string, options: { readonly user?: string } = {}): Promise<string> {
  return (await host.exec(['cat', '--', path], as(options))).stdout;
}

const as = (options: { readonly user?: string }): ExecOptions => (options.user ? { user: options.user } : {});

/** @throws Error when the user may not make `path`, in the directory `dir` */
function expectAllowed(dir: Stats, user: Account, path: string): void {
  const bit = dir.uid === user.uid ? 0o200 : dir.gid === user.gid ? 0o020 : 0o002;
  if (user.uid !== 0 && (dir.mode & bit) === 0) throw new Error(`${path}: Permission denied to ${user.name}`);
}

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** passwd(5) of a host. */
export function accounts(host: Host): Account[] {
  const lines = readFileSync(join(host.root, 'etc/passwd'), 'utf8').split('\n').filter(Boolean);
  return lines.map(line => {
    const [name = '', , uid, gid, , home = ''] = line.split(':');
    return { name, uid: Number(uid), gid: Number(gid), home };
  });
}

function account(host: Host, name: string): Account {
  const found = accounts(host).find(one => one.name === name);
  if (found === undefined) throw new Error(`${host.name} has no user ${name}`);
  return found;
}
