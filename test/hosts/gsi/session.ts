import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { constants, userInfo } from 'node:os';
import type { Connection, PseudoTtyInfo, ServerChannel } from 'ssh2';

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly home: string;
  readonly shell: string;
}

/** Of /etc/passwd. @throws Error when there is none of that name */
export function accountOf(name: string): Account {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [user, , uid, , , home, shell] = line.split(':');
    if (user === name) return { name, uid: Number(uid), home: home ?? '/', shell: shell || '/bin/sh' };
  }
  throw new Error(`no account ${name}`);
}

/** Runs what a client asks for as a user of this machine, by real programs: login shell, sftp-server, TCP connections. */
export function serveSessions(client: Connection, user: string, env: Readonly<Record<string, string>>): void {
  const account = accountOf(user);
  client.on('session', accept => {
    const session = accept();
    const extra: Record<string, string> = {};
    let pty: PseudoTtyInfo | undefined;
    session.on('env', (yes, _no, { key, val }) => {
      if (key.startsWith('LC_') || key === 'LANG') extra[key] = val;
      yes?.();
    });
    session.on('pty', (yes, _no, info) => {
      pty = info;
      yes?.();
    });
    let child: ChildProcess | undefined;
    const serve = (channel: ServerChannel, argv: readonly string[]): void => {
      const all = { ...env, ...extra, ...(pty ? { TERM: 'xterm' } : {}) };
      child = start(account, pty ? onTerminal(argv, pty) : argv, all);
      splice(channel, child);
    };
    session.on('signal', (yes, _no, { name }) => {
      if (child?.pid && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, `SIG${name}`);
      yes?.();
    });
    session.on('exec', (yes, _no, { command }) => serve(yes(), [account.shell, '-c', command]));
    session.on('shell', yes => serve(yes(), [account.shell, '-l']));
    session.on('subsystem', (yes, no, { name }) => {
      if (name === 'sftp') serve(yes(), ['/usr/lib/openssh/sftp-server']);
      else no();
    });
  });
  client.on('tcpip', (accept, reject, { destIP, destPort }) => {
    const socket = net.connect(destPort, destIP);
    socket.once('error', () => reject());
    socket.once('connect', () => {
      const channel = accept();
      socket.on('error', () => channel.destroy());
      channel.on('error', () => socket.destroy());
      channel.pipe(socket).pipe(channel);
    });
  });
}

function start({ name, home, shell }: Account, argv: readonly string[], env: Readonly<Record<string, string>>) {
  const become = name === userInfo().username ? [] : ['setpriv', `--reuid=${name}`, `--regid=${name}`, '--init-groups'];
  const [file, ...args] = [...become, ...argv] as [string, ...string[]];
  const own = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/games', HOME: home, USER: name, LOGNAME: name, SHELL: shell };
  return spawn(file, args, { cwd: home, env: { ...own, ...env }, detached: true });
}

/** On a terminal that has the size it has now, for good. */
function onTerminal(argv: readonly string[], { rows, cols }: PseudoTtyInfo): string[] {
  const line = argv.map(word => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  return ['script', '-q', '-e', '-c', `stty rows ${rows || 24} cols ${cols || 80}; exec ${line}`, '/dev/null'];
}

/** As sshd does: the exit status goes when the program ends, the channel closes when nobody holds its output any more. */
function splice(channel: ServerChannel, child: ChildProcess): void {
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw new Error('a program without pipes');
  for (const stream of [stdin, stdout, stderr, channel]) stream.on('error', () => {});
  channel.pipe(stdin);
  stdout.pipe(channel, { end: false });
  stderr.pipe(channel.stderr, { end: false });
  child.on('error', () => channel.exit(127));
  child.on('exit', (code, signal) => {
    if (signal) channel.exit(signal.replace('SIG', ''), false, '');
    else channel.exit(code ?? constants.signals.SIGKILL);
  });
  child.on('close', () => channel.end());
  channel.on('close', () => {
    for (const stream of [stdin, stdout, stderr]) stream.destroy();
  });
}
