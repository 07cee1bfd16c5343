import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HttpError } from '../http/errors.js';
import { namesOf } from '../workspace/inside.js';
import type { Asking } from './download.js';
import { tooLarge, tooMany } from './limits.js';
import { linksWritten, makeLinks } from './links.js';
import { Tunnel } from './tunnel.js';

/** The first version that has all that protects below. */
const oldest = [2, 29] as const;

/**
 * What no repository and no configuration may decide. Nothing but https, and that by the tunnel; no hooks, no submodules, no
 * programs for credentials, monitors or attributes; nothing that goes on after git has ended.
 */
const settings: readonly string[] = [
  ...['protocol.allow=never', 'protocol.https.allow=always', 'transfer.credentialsInUrl=die', 'credential.helper='],
  ...['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'core.attributesFile=/dev/null', 'core.symlinks=false'],
  ...['core.protectNTFS=true', 'core.protectHFS=true', 'transfer.fsckObjects=true', 'transfer.bundleURI=false'],
  ...['submodule.recurse=false', 'fetch.recurseSubmodules=false', 'gc.auto=0', 'maintenance.auto=false'],
  // large files are not held in memory, and the pack is kept as it came: its parts are not unpacked one by one
  ...['core.bigFileThreshold=16m', 'fetch.unpackLimit=1', 'pack.threads=1'],
];

/** Names of branches, tags and commits, but nothing that git would take for an option, a pattern or two names. */
const reference = /^(?!.*(?:\.\.|\/\/|@\{))[\w][\w./+@#=-]{0,250}$/;

/**
 * Fetches one commit of a repository, without its history, and writes its files into an empty directory. Submodules are left out,
 * as in REANA; files of Git LFS stay the small texts that stand for them.
 * @param ref a branch, a tag, or a commit by its whole name @param work a directory for git's own files
 * @throws HttpError 400, 413, 501
 */
export async function clone(
  url: URL,
  ref: string | undefined,
  dir: string,
  work: string,
  asking: Asking,
): Promise<void> {
  if (ref !== undefined && !reference.test(ref)) {
    throw new HttpError(400, `Cannot checkout the given Git reference "${ref}"`);
  }
  const tunnel = await Tunnel.open(asking);
  try {
    const git = await Git.at(work, tunnel, asking);
    await git.run(['init', '--quiet', '--bare', '--template=']);
    const fetch = ['fetch', '--quiet', '--depth=1', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules'];
    const wanted = `+${ref ?? 'HEAD'}:refs/scailfin`;
    const { code, error } = await git.run([...fetch, '--', url.href, wanted], { check: false });
    if (code !== 0) throw tunnel.refusal ?? notFetched(url, ref, error);
    const links = await git.linksChecked();
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await git.run(['read-tree', 'refs/scailfin']);
    await git.run([`--work-tree=${dir}`, 'checkout-index', '--all', '--quiet']);
    await makeLinks(dir, await linksWritten(dir, links));
  } finally {
    tunnel.close();
  }
}

function notFetched(url: URL, ref: string | undefined, said: string): HttpError {
  if (ref !== undefined && /couldn't find remote ref|not our ref|no such remote ref/i.test(said)) {
    return new HttpError(400, `Cannot checkout the given Git reference "${ref}"`);
  }
  const text = `Cannot clone the Git repository ${url.pathname} of ${url.hostname}.`;
  return new HttpError(
    400,
    `${text} Please check that the provided URL is correct and that the repository is publicly accessible.`,
  );
}

interface Ended {
  readonly code: number | null;
  /** The end of what it wrote to its standard error. */
  readonly error: string;
}

class Git {
  private constructor(
    private readonly dir: string,
    private readonly env: Readonly<Record<string, string>>,
    private readonly asking: Asking,
  ) {}

  /** @throws HttpError 501 if this machine has none, or one that is too old to be told what it may do */
  static async at(work: string, tunnel: Tunnel, asking: Asking): Promise<Git> {
    const home = join(work, 'home');
    await mkdir(home, { recursive: true, mode: 0o700 });
    const git = new Git(join(work, 'git'), environment(home, tunnel, asking), asking);
    let version = '';
    const read = (chunk: string): void => {
      version += chunk;
    };
    await git.run(['--version'], { check: false, read });
    const [, major = 0, minor = 0] = /^git version (\d+)\.(\d+)/.exec(version)?.map(Number) ?? [];
    const isNew = major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
    if (version !== '' && isNew) return git;
    const what = version === '' ? 'has no git' : `has git ${major}.${minor}, which is older than ${oldest.join('.')}`;
    const text = `This cluster's headnode ${what}, so repositories are not fetched there.`;
    throw new HttpError(501, `${text} Launch a .zip archive of the repository, or have a newer git installed.`);
  }

  /**
   * Looks at what the commit has before any of it is written.
   * @returns the paths of its symbolic links @throws HttpError 413
   */
  async linksChecked(): Promise<string[]> {
    const { bytes, files } = this.asking.limits;
    let [left, count, rest] = [bytes, 0, ''];
    const links: string[] = [];
    const look = (line: string): void => {
      const [, mode, size = '', path = ''] = /^(\d+) \w+ \w+ +(\d+|-)\t(.*)$/s.exec(line) ?? [];
      namesOf(path);
      if (mode === '120000') links.push(path);
      if (size !== '-') left -= Number(size);
      if (left < 0) throw tooLarge(bytes);
      if (++count > files) throw tooMany(files);
    };
    const read = (chunk: string): void => {
      const lines = (rest + chunk).split('\0');
      rest = lines.pop() ?? '';
      for (const line of lines) look(line);
    };
    await this.run(['ls-tree', '-r', '-l', '-z', '--full-tree', 'refs/scailfin'], { read });
    return links;
  }

  /**
   * @param read gets what it prints; what it throws ends git
   * @throws HttpError 400 if it fails, unless that is not checked
   */
  async run(
    args: readonly string[],
    { check = true, read }: { readonly check?: boolean; readonly read?: (chunk: string) => void } = {},
  ): Promise<Ended> {
    const { signal } = this.asking;
    signal.throwIfAborted();
    const own = settings.flatMap(setting => ['-c', setting]);
    const [program, ...rest] = this.#limited(['git', ...own, `--git-dir=${this.dir}`, ...args]);
    const child = spawn(program ?? '', rest, {
      env: this.env,
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const end = (): void => endAll(child);
    signal.addEventListener('abort', end);
    try {
      const ended = await listen(child, read);
      signal.throwIfAborted();
      if (check && ended.code !== 0) throw new HttpError(400, 'The Git repository is not valid.');
      return ended;
    } finally {
      end();
      signal.removeEventListener('abort', end);
    }
  }

  /** A pack can become far larger than it is: so no file may, nor git's memory, nor the time that it computes (setrlimit(2)). */
  #limited(argv: readonly string[]): string[] {
    const { bytes, time } = this.asking.limits;
    // in units of POSIX: blocks of 512 bytes, KiB, seconds; a machine that allows less has its own limits
    const most = [Math.ceil((bytes * 2) / 512), 4 * 2 ** 20, Math.ceil(time / 1000)].map(String);
    const script = 'ulimit -f "$1"; ulimit -v "$2"; ulimit -t "$3"; shift 3; exec "$@"';
    return ['sh', '-c', script, 'sh', ...most, ...argv];
  }
}

function environment(home: string, tunnel: Tunnel, { ca }: Asking): Record<string, string> {
  return {
    ...{ PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', HOME: home, XDG_CONFIG_HOME: home },
    ...{ GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_ATTR_NOSYSTEM: '1' },
    ...{ GIT_ALLOW_PROTOCOL: 'https', GIT_PROTOCOL_FROM_USER: '0', GIT_TERMINAL_PROMPT: '0', GIT_LFS_SKIP_SMUDGE: '1' },
    ...{ GIT_ASKPASS: 'false', SSH_ASKPASS: 'false', GIT_SSH_COMMAND: 'false', GIT_NO_REPLACE_OBJECTS: '1' },
    ...{ https_proxy: tunnel.url, no_proxy: '', GIT_HTTP_PROXY_AUTHMETHOD: 'basic' },
    ...(ca === undefined ? {} : { GIT_SSL_CAINFO: ca.file }),
  };
}

const mostOfErrors = 4096;

function listen(child: ChildProcess, read: ((chunk: string) => void) | undefined): Promise<Ended> {
  return new Promise((resolve, reject) => {
    let error = '';
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      error = (error + chunk).slice(-mostOfErrors);
    });
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      try {
        read?.(chunk);
      } catch (why) {
        endAll(child);
        reject(why);
      }
    });
    child.once('error', reject);
    child.once('close', code => resolve({ code, error }));
  });
}

/** Git starts others, which are in its process group. */
function endAll({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // they have ended
  }
}
