import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from './programs.js';

/** One directory per lab: its record, and its hosts' disks. */
export const stateRoot = process.env.SCAILFIN_LAB_STATE ?? '/var/lib/scailfin-lab';
/** In the environment of every process that holds a lab up; the value is the lab's name. */
export const marker = 'SCAILFIN_LAB_HOLDER';

interface Owner {
  readonly pid: number;
  /** Clock ticks from the machine's start, so that a reused pid is not taken for the owner. */
  readonly started: string;
}

export interface Record {
  readonly name: string;
  readonly site: string;
  readonly rootfs: string;
  /** What is laid over it. */
  readonly tree?: string;
  /** Absent: made from the command line, to stay until it is taken down by name. */
  readonly owner?: Owner;
}

export const labDir = (name: string): string => join(stateRoot, name);

export const me = (): Owner => ({ pid: process.pid, started: startOf(process.pid) ?? '' });

/** Claims the lab's name. @throws Error when it is taken */
export async function create(record: Record): Promise<void> {
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(record.name)) throw new Error(`"${record.name}" cannot be the name of a lab`);
  await mkdir(stateRoot, { recursive: true });
  await mkdir(labDir(record.name), { mode: 0o711 }).catch(error => {
    throw error.code === 'EEXIST' ? new Error(`there is a lab "${record.name}" already`) : error;
  });
  await writeFile(join(labDir(record.name), 'lab.json'), JSON.stringify(record));
}

export async function load(name: string): Promise<Record> {
  const text = await readFile(join(labDir(name), 'lab.json'), 'utf8').catch(() => undefined);
  if (text === undefined) throw new Error(`there is no lab "${name}"; npm run lab -- status lists them`);
  return JSON.parse(text);
}

/** Every lab's name, also of those that died half-made. */
export function names(): string[] {
  const onDisk = existsSync(stateRoot) ? readdirSync(stateRoot).filter(name => !name.startsWith('.')) : [];
  return [...new Set([...onDisk, ...processes().map(found => found.lab)])].sort();
}

/** Whether the process that made the lab has died without taking it down. */
export async function isStale(name: string): Promise<boolean> {
  const record = await load(name).catch(() => undefined);
  if (record) return record.owner !== undefined && startOf(record.owner.pid) !== record.owner.started;
  // without a record it is either being made this moment or a wreck
  const age = await stat(labDir(name)).then(
    found => Date.now() - found.mtimeMs,
    () => Number.POSITIVE_INFINITY,
  );
  return age > 60_000;
}

/**
 * Ends all processes of a lab and deletes its directory, whoever made it; a lab that isn't there is fine.
 * Namespaces, mounts and network links have no names of their own: they go with the processes.
 */
export async function destroy(name: string): Promise<void> {
  await until(`the processes of lab "${name}" to end`, 20_000, () => {
    const left = processes().filter(found => found.lab === name);
    for (const { pid } of left) kill(pid);
    return left.length === 0;
  });
  await rm(labDir(name), { recursive: true, force: true, maxRetries: 5 });
}

/** The machine's processes that hold a lab up. */
function processes(): { pid: number; lab: string }[] {
  const found: { pid: number; lab: string }[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const variables = readProc(entry, 'environ')?.split('\0') ?? [];
    const lab = variables.find(variable => variable.startsWith(`${marker}=`))?.slice(marker.length + 1);
    if (lab) found.push({ pid: Number(entry), lab });
  }
  return found;
}

/** proc_pid_stat(5): field 22, counted after the command's name, which may hold anything. */
function startOf(pid: number): string | undefined {
  const text = readProc(String(pid), 'stat');
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19];
}

function readProc(pid: string, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined; // ended meanwhile
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ended meanwhile
  }
}
