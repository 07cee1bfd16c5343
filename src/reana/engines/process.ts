import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { openShared } from './shared.js';

/**
 * Starts a program in a new session, so that it outlives the edge; both its streams are appended to `log`.
 * @param argv its last argument is unique: `running` finds the process by it
 * @throws Error if it can't be started; ScailfinError if something else is in place of `log`
 */
export async function start(
  argv: readonly [string, ...string[]],
  options: { cwd: string; env: Record<string, string>; log: string },
): Promise<number> {
  // a workflow engine that is started again could have left a link there
  const log = await openShared(options.log, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT);
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

/** The process, started by this edge or an earlier one, whose command line ends with one of these. */
export async function running(...lasts: readonly string[]): Promise<number | undefined> {
  for (const name of await readdir('/proc')) {
    if (/^\d+$/.test(name) && (await isRunning(Number(name), ...lasts))) return Number(name);
  }
  return undefined;
}

/** Whether a process is still one with that last argument; pids are reused. */
export async function isRunning(pid: number, ...lasts: readonly string[]): Promise<boolean> {
  try {
    // a child that it forked has the same command line, but does not lead a session; a process that has ended has no
    // command line
    const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1);
    if (!lasts.includes(argv.at(-1) ?? '')) return false;
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // proc(5): the fields after the name in parentheses are state, ppid, pgrp and session
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]) === pid;
  } catch {
    return false;
  }
}

/** Ends the process and its children: TERM first, and KILL after `graceMs`. */
export async function end(pid: number, last: string | readonly string[], graceMs = 5000): Promise<void> {
  const lasts = [last].flat();
  if (!(await isRunning(pid, ...lasts))) return;
  signal(pid, 'SIGTERM');
  for (const until = Date.now() + graceMs; Date.now() < until; await sleep(50)) {
    if (!(await isRunning(pid, ...lasts))) break;
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
