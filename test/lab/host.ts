import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { searchOutput } from './leaks.js';
import { until } from './programs.js';
import { labDir, marker } from './record.js';

const init = fileURLToPath(new URL('host-init.sh', import.meta.url));
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface Bind {
  readonly source: string;
  readonly target: string;
  readonly mode: 'ro' | 'rw';
}

/** What the hosts of a lab are made on. */
export interface Ground {
  /** The lab's. */
  readonly name: string;
  readonly rootfs: string;
  /** A directory that is laid over it. */
  readonly tree?: string;
}

export interface ExecOptions {
  /** Default: the host's own user (`scail` or `alice`). */
  readonly user?: string;
  readonly stdin?: string | Buffer;
  /** Default 30 000; then the command is killed and exec rejects. */
  readonly timeoutMs?: number;
  readonly env?: { readonly [name: string]: string };
  /** Reject on a non-zero exit status; default true. */
  readonly check?: boolean;
}

export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  /** null when a signal ended it. */
  readonly exitCode: number | null;
}

/** One host of a lab: namespaces that live as long as their PID 1. Its disk stays when it is switched off. */
export class Host {
  private constructor(
    readonly name: string,
    readonly user: string,
    /** Of the host's PID 1, as this machine counts. */
    readonly pid: number,
  ) {}

  /** Its root directory, as this machine reaches it. A link with an absolute target leads elsewhere from here. */
  get root(): string {
    return `/proc/${this.pid}/root`;
  }

  /** @param parent another host whose end shall be this one's too */
  static async boot(
    lab: Ground,
    spec: { readonly name: string; readonly user: string; readonly binds?: readonly Bind[] },
    parent?: Host,
  ): Promise<Host> {
    const dir = join(labDir(lab.name), spec.name);
    for (const part of ['upper', 'work', 'root']) await mkdir(join(dir, part), { recursive: true });
    rmSync(join(dir, 'pid'), { force: true });
    // its first boot id is the kernel's, see host-init.sh
    if (existsSync(join(dir, 'init.log'))) writeFileSync(join(dir, 'boot_id'), `${randomUUID()}\n`, { mode: 0o644 });

    const binds = (spec.binds ?? []).map(bind => `${bind.source}:${bind.target}:${bind.mode}`);
    // overlayfs: the first one is on top
    const lower = lab.tree === undefined ? lab.rootfs : `${lab.tree}:${lab.rootfs}`;
    const unshare = ['unshare', '--mount', '--uts', '--ipc', '--net', '--pid', '--fork', '--kill-child', init];
    const within = parent ? ['nsenter', '--target', String(parent.pid), '--pid', '--'] : [];
    const [file, ...args] = [...within, ...unshare, spec.name, dir, lower, ...binds] as [string, ...string[]];
    const log = openSync(join(dir, 'init.log'), 'w');
    const env = { PATH, [marker]: lab.name };
    spawn(file, args, { env, cwd: '/', detached: true, stdio: ['ignore', log, log] }).unref();
    closeSync(log);

    await until(`${spec.name} to boot`, 15_000, () => pidIn(dir) !== undefined).catch(async error => {
      throw new Error(`${error.message}: ${await readFile(join(dir, 'init.log'), 'utf8')}`);
    });
    return Host.running(lab.name, spec.name, spec.user);
  }

  /** A host that some process booted before. */
  static running(lab: string, name: string, user: string): Host {
    const pid = pidIn(join(labDir(lab), name));
    if (pid === undefined) throw new Error(`host ${name} of lab "${lab}" is not up`);
    return new Host(name, user, pid);
  }

  /** Runs a command in its user's home and waits for it. */
  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const timeoutMs = options.timeoutMs ?? 30_000;
    // killed in there, by timeout(1), with its process group; out here only if that should fail
    const limit = ['timeout', '--kill-after=2', String(timeoutMs / 1000)];
    const { file, args, env } = this.enter([...limit, ...argv], options);
    const began = Date.now();
    const result = await execa(file, args, {
      env,
      extendEnv: false,
      input: options.stdin ?? '',
      timeout: timeoutMs + 5000,
      reject: false,
      stripFinalNewline: false,
      maxBuffer: 64 * 1024 * 1024,
    });
    const { stdout, stderr } = result;
    const exitCode = result.exitCode ?? null;
    const what = `${options.user ?? this.user}@${this.name}: ${argv.join(' ')}`;
    if (argv[0] === 'scailfin') searchOutput(what, `${stdout}${stderr}`);
    if (Date.now() - began >= timeoutMs)
      throw new Error(`${what}: not done in ${timeoutMs / 1000} s\n${stdout}${stderr}`);
    if ((options.check ?? true) && exitCode !== 0) {
      throw new Error(`${what}: exit status ${exitCode ?? result.signal}\n${stdout}${stderr}`);
    }
    return { stdout, stderr, exitCode };
  }

  /** Starts a command; `kill` on what is returned signals the command itself, not what its descendants do about it. */
  spawn(
    argv: readonly string[],
    options: Pick<ExecOptions, 'user' | 'env'> & { readonly stdio?: 'pipe' | 'inherit' | 'ignore' } = {},
  ): ChildProcess {
    const { file, args, env } = this.enter(argv, options);
    const child = spawn(file, args, { env, stdio: options.stdio ?? 'pipe' });
    child.kill = signal => {
      const inside = childrenOf(child.pid);
      for (const pid of inside) process.kill(pid, signal ?? 'SIGTERM');
      return inside.length > 0;
    };
    return child;
  }

  /** Switches the host off at once: everything on it is killed. */
  async halt(): Promise<void> {
    process.kill(this.pid, 'SIGKILL');
    await until(`${this.name} to halt`, 15_000, () => !isThere(this.pid));
  }

  /** The command line and the environment, for this machine, of a command on the host. */
  private enter(argv: readonly string[], options: Pick<ExecOptions, 'user' | 'env'>) {
    const user = options.user ?? this.user;
    const home = user === 'root' ? '/root' : `/home/${user}`;
    const env = { PATH, HOME: home, USER: user, LOGNAME: user, SHELL: '/bin/bash', LANG: 'C.UTF-8', ...options.env };
    const become = user === 'root' ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups'];
    // --root: from within a chroot, a mount namespace's own root is not the host's but this machine's
    const namespaces = ['--mount', '--uts', '--ipc', '--net', '--pid', '--root'];
    const nsenter = ['--target', String(this.pid), ...namespaces, `--wdns=${home}`, '--'];
    return { file: '/usr/bin/nsenter', args: [...nsenter, ...become, ...argv], env };
  }
}

function pidIn(dir: string): number | undefined {
  try {
    return Number(readFileSync(join(dir, 'pid'), 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

/** nsenter's only child is the command, in the host's PID namespace. */
function childrenOf(pid: number | undefined): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return []; // ended meanwhile
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
