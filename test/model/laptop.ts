import { AsyncLocalStorage } from 'node:async_hooks';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/paths.js';
import { type Machine, machineText } from './world.js';

/** What becomes of the n-th thing that a command does: each action on a host, and each line that it writes in the journal. */
export interface Fault {
  readonly at: number;
  /** The process is killed, or its connection is cut. */
  readonly how: 'kill' | 'cut';
  readonly when: 'before' | 'amid' | 'after';
  /** With `amid`: after so many steps of the script on the host … */
  readonly point?: number;
  /** … which then goes on although nobody hears of it, or ends. */
  readonly goesOn?: boolean;
}

/** A process of scailfin on a laptop. */
export class Process {
  readonly pid: number;
  static #next = 1000;
  #count = 0;
  isOver = false;
  readonly killed: Promise<'killed'>;
  #die = (): void => {};

  constructor(
    readonly laptop: Machine,
    private readonly fault: Fault | undefined,
  ) {
    this.pid = Process.#next++;
    this.killed = new Promise(resolve => {
      this.#die = () => resolve('killed');
    });
    byPid.set(this.pid, this);
  }

  /** kill -9 */
  kill(): void {
    this.isOver = true;
    this.#die();
  }

  end(): void {
    this.isOver = true;
    byPid.delete(this.pid);
  }

  /** The fault of the next thing that this process does. */
  next(): Fault | undefined {
    this.#count += 1;
    return this.fault?.at === this.#count ? this.fault : undefined;
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    return current.run(this, work);
  }
}

const current = new AsyncLocalStorage<Process>();
const byPid = new Map<number, Process>();
export const process_ = (): Process | undefined => current.getStore();

/** A killed process does nothing any more. What is thrown here is heard by nobody. */
class Killed extends Error {}

const alive = (): Process | undefined => {
  const process = current.getStore();
  if (process?.isOver) throw new Killed();
  return process;
};

const noSpace = (): Error =>
  Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });

const texts = new Map<string, string>();

/**
 * Puts the laptops in the place of this machine, as far as the life of a cluster sees it: pid, host name, /proc, and a disk that
 * may be full. Journal and locks are real files. @returns what puts this machine back
 */
export function install(): () => void {
  const { writeSync: reallyWrite, readFileSync: reallyRead, readlinkSync: reallyReadLink, fsyncSync } = fs;
  const { mkdirSync, openSync, writeFileSync, linkSync, renameSync, rmSync } = fs;
  const before = { fsyncSync, mkdirSync, openSync, writeFileSync, linkSync, renameSync, rmSync };
  const realOs = { hostname: os.hostname };
  const pid = Object.getOwnPropertyDescriptor(process, 'pid') as PropertyDescriptor;
  const here = process.pid;
  /** Changes the disk: not if the process is dead or the disk is full. */
  const changes =
    <A extends unknown[], T>(work: (...args: A) => T, needsSpace: boolean) =>
    (...args: A): T => {
      const process = alive();
      if (process && needsSpace && process.laptop.disk.isFull) throw noSpace();
      return work(...args);
    };
  // writeFileSync of some versions of Node.js calls writeSync
  let isWhole = false;
  const writeWhole = (...args: Parameters<typeof writeFileSync>): void => {
    isWhole = true;
    try {
      writeFileSync(...args);
    } finally {
      isWhole = false;
    }
  };
  const writeSync = (fd: number, text: string): number => {
    const process = alive();
    if (!process || isWhole) return reallyWrite(fd, text);
    const fault = process.next();
    if (fault?.how !== 'kill') {
      if (process.laptop.disk.isFull) throw noSpace();
      return reallyWrite(fd, text);
    }
    if (fault.when === 'amid') reallyWrite(fd, text.slice(0, text.length / 2));
    if (fault.when === 'after') reallyWrite(fd, text);
    process.kill();
    throw new Killed();
  };
  const readFileSync = (path: fs.PathOrFileDescriptor, options: unknown): string | Buffer => {
    if (typeof path === 'string') {
      const process = current.getStore();
      if (process && path.startsWith('/proc/')) return proc(path, process);
      if (path.startsWith(templates)) {
        const text = texts.get(path) ?? (reallyRead(path, 'utf8') as string);
        texts.set(path, text);
        return text;
      }
    }
    return reallyRead(path, options as 'utf8');
  };
  const readlinkSync = (path: fs.PathLike): string =>
    current.getStore() ? 'pid:[4026531836]' : (reallyReadLink(path) as string);
  Object.assign(fs, {
    ...{ writeSync, readFileSync, readlinkSync, fsyncSync: changes(() => {}, false) },
    ...{ mkdirSync: changes(mkdirSync, false), openSync: changes(openSync, false) },
    ...{ writeFileSync: changes(writeWhole, true), linkSync: changes(linkSync, false) },
    ...{ renameSync: changes(renameSync, false), rmSync: changes(rmSync, false) },
  });
  os.hostname = () => current.getStore()?.laptop.name ?? realOs.hostname();
  Object.defineProperty(process, 'pid', { configurable: true, get: () => current.getStore()?.pid ?? here });
  syncBuiltinESMExports();
  return () => {
    Object.assign(fs, before, { writeSync: reallyWrite, readFileSync: reallyRead, readlinkSync: reallyReadLink });
    Object.assign(os, realOs);
    Object.defineProperty(process, 'pid', pid);
    syncBuiltinESMExports();
  };
}

const templates = join(packageRoot, 'templates/');

/** `/proc/PID/stat` and the boot id, as the laptop of this process has them. */
function proc(path: string, process: Process): string {
  if (path.endsWith('/boot_id')) return machineText(process.laptop).split(' ')[1] as string;
  const pid = Number(/^\/proc\/(\d+)\/stat$/.exec(path)?.[1]);
  const found = byPid.get(pid);
  if (!found || found.isOver || found.laptop !== process.laptop)
    throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
  return `${pid} (node) S ${Array.from({ length: 18 }, () => 0).join(' ')} ${pid}`;
}
