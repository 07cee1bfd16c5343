import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A real OpenSSH server on a loopback port, with its own keys and a home directory for the client's side. */
export interface Sshd {
  readonly port: number;
  readonly user: string;
  /** Directory of the fixture; `home/.ssh` in it is the client's. */
  readonly dir: string;
  readonly home: string;
  /** For openHost: HOME in the fixture, no agent. */
  readonly env: NodeJS.ProcessEnv;
  readonly hostKeyFile: string;
  readonly clientKey: string;
  readonly configFile: string;
  /** What the server wrote so far, at DEBUG1. */
  log(): string;
  /** Process ids of the processes that serve connections. */
  sessions(): number[];
  stop(): Promise<void>;
}

export interface SshdOptions {
  /** Lines of sshd_config that go first: the first value counts. */
  readonly config?: readonly string[];
  readonly hostKeys?: readonly ('ed25519' | 'rsa' | 'ecdsa')[];
  /** Run every command by this program, as a login shell would: `SHELL -c LINE`. */
  readonly shell?: string;
  /** Start-up files in the home directory the server's side sees: name → text. */
  readonly startup?: Readonly<Record<string, string>>;
}

/** Starts the server and writes key, known_hosts and configuration so that plain openHost works. */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'scailfin-sshd-'));
  const home = path.join(dir, 'home');
  mkdirSync(path.join(home, '.ssh'), { recursive: true, mode: 0o700 });
  const user = os.userInfo().username;
  const types = options.hostKeys ?? ['ed25519'];
  for (const type of types) makeKey(path.join(dir, `host_${type}`), type);
  const clientKey = path.join(home, '.ssh', 'id_ed25519');
  makeKey(clientKey, 'ed25519');
  copyFileSync(`${clientKey}.pub`, path.join(dir, 'authorized_keys'));
  const there = path.join(dir, 'there');
  for (const [name, text] of Object.entries({ '.bashrc': '', ...options.startup })) {
    mkdirSync(path.dirname(path.join(there, name)), { recursive: true });
    writeFileSync(path.join(there, name), text);
  }
  const port = await freePort();
  const config = path.join(dir, 'sshd_config');
  writeFileSync(
    config,
    [
      ...(options.config ?? []),
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      ...types.map(type => `HostKey ${dir}/host_${type}`),
      `AuthorizedKeysFile ${dir}/authorized_keys`,
      `PidFile ${dir}/sshd.pid`,
      'StrictModes no',
      'PermitRootLogin yes',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'UsePAM no',
      'LogLevel DEBUG1',
      `SetEnv HOME=${there}`,
      'MaxStartups 100',
      ...(options.shell === undefined ? [] : [`ForceCommand exec ${options.shell} -c "$SSH_ORIGINAL_COMMAND"`]),
      '',
    ].join('\n'),
  );
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const logFile = path.join(dir, 'log');
  const server = spawn('/usr/sbin/sshd', ['-D', '-f', config, '-E', logFile], { stdio: 'ignore' });
  const hostKeyFile = path.join(dir, `host_${types[0]}`);
  const known = readFileSync(`${hostKeyFile}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
  writeFileSync(path.join(home, '.ssh', 'known_hosts'), `[127.0.0.1]:${port} ${known}\n`, { mode: 0o600 });
  const configFile = path.join(home, '.ssh', 'config');
  writeFileSync(configFile, `Host box\n  HostName 127.0.0.1\n  Port ${port}\n  User ${user}\n`);
  const env = { PATH: process.env.PATH, HOME: home };
  const atExit = (): void => {
    server.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  };
  process.once('exit', atExit);
  const sessions = () => children(server.pid as number);
  const sshd: Sshd = {
    port,
    user,
    dir,
    home,
    env,
    hostKeyFile,
    clientKey,
    configFile,
    log: () => readFileSync(logFile, 'utf8'),
    sessions,
    stop: async () => {
      for (const pid of sessions()) signal(pid);
      await ended(server);
      process.off('exit', atExit);
      rmSync(dir, { recursive: true, force: true });
    },
  };
  try {
    await listening(port, server);
  } catch (error) {
    await sshd.stop();
    throw error;
  }
  return sshd;
}

/** Makes a key pair; returns the file of its private half. */
export function makeKey(file: string, type: 'ed25519' | 'rsa' | 'ecdsa', passphrase = ''): string {
  // a key of ssh-keygen's own length takes a second of a processor
  const short = type === 'rsa' ? ['-b', '2048'] : [];
  execFileSync('ssh-keygen', ['-q', '-t', type, ...short, '-N', passphrase, '-f', file, '-C', path.basename(file)]);
  chmodSync(file, 0o600);
  return file;
}

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function children(pid: number): number[] {
  try {
    return execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number);
  } catch {
    return [];
  }
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // already gone
  }
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = new Promise(resolve => server.once('exit', resolve));
  server.kill('SIGTERM');
  await gone;
}

async function listening(port: number, server: ChildProcess): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if (server.exitCode !== null) throw new Error(`sshd ended with ${server.exitCode}`);
    const open = await new Promise<boolean>(resolve => {
      const socket = net.connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    await sleep(50);
  }
  throw new Error('sshd does not listen');
}
