import { spawn } from 'node:child_process';
import { open, readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Starts a program in a session of its own, so that it outlives the edge; both its streams go to the end of `log`.
 * @param argv its last argument tells it from all others: by it `running` finds it again
 * @throws Error when it can't be started
 */
export async function start(
  argv: readonly [string, ...string[]],
  options: { cwd: string; env: Record<string, string>; log: string },
): Promise<number> {
  const log = await open(options.log, 'a', 0o600);
  try {
    const [program, ...args] = argv;
    const child = spawn(program, args, {
      ...{ cwd: options.cwd, env: options.env, detached: true },
      stdio: ['ignore', log.fd, log.fd],
    });
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    child.unref();
    return child.pid as number;
  } finally {
    await log.close();
  }
}

/** The process, started by this edge or one before it, whose command line ends with `last`. */
export async function running(last: string): Promise<number | undefined> {
  for (const name of await readdir('/proc')) {
    if (/^\d+$/.test(name) && (await isRunning(Number(name), last))) return Number(name);
  }
  return undefined;
}

/** Whether a process still is the one with that last argument; a number is soon another's. */
export async function isRunning(pid: number, last: string): Promise<boolean> {
  try {
    // what it forked has the same command line, but leads no session; one that has ended has none
    const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1);
    if (argv.at(-1) !== last) return false;
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // proc(5): behind the name in parentheses come state, ppid, pgrp and session
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]) === pid;
  } catch {
    return false;
  }
}

/** Ends it and what it started: asks first, and after `graceMs` does not ask. */
export async function end(pid: number, last: string, graceMs = 5000): Promise<void> {
  if (!(await isRunning(pid, last))) return;
  signal(pid, 'SIGTERM');
  for (const until = Date.now() + graceMs; Date.now() < until; await sleep(50)) {
    if (!(await isRunning(pid, last))) break;
  }
  signal(pid, 'SIGKILL');
}

function signal(leader: number, name: NodeJS.Signals): void {
  try {
    process.kill(-leader, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
