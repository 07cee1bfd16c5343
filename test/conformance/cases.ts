import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readerOf } from '../../src/schedulers/registry.js';

/** One recorded command, and what its system's reader made of it. */
export interface Line {
  readonly system: string;
  readonly case: string;
  readonly kind: string;
  readonly jobs: readonly { id: string; state?: string; exit?: number; reason?: string }[];
  readonly error?: string;
}

const PART = /^(.+)\.(cmd|stdout|stderr|exit)$/;

/**
 * Every case of a folder laid out `SYSTEM/CASE.{cmd,stdout,stderr,exit}`, sorted by system and case.
 * What cannot be read is a line as well, with an error.
 * @throws Error when the folder itself cannot be read
 */
export function* understandAll(dir: string): Generator<Line> {
  for (const system of subfolders(dir)) {
    let names: string[];
    try {
      names = readdirSync(join(dir, system)).flatMap(file => PART.exec(file)?.[1] ?? []);
    } catch (error) {
      yield { system, case: '', kind: 'other', jobs: [], error: messageOf(error) };
      continue;
    }
    for (const name of [...new Set(names)].sort()) yield understand(dir, system, name);
  }
}

/** Folders, and links to folders. */
function subfolders(dir: string): string[] {
  const entries = readdirSync(dir, { withFileTypes: true });
  return entries
    .filter(entry => entry.isDirectory() || entry.isSymbolicLink())
    .map(entry => entry.name)
    .sort();
}

function understand(dir: string, system: string, name: string): Line {
  const line = { system, case: name };
  try {
    const read = readerOf(system);
    if (!read) throw new Error(`no batch system is called ${system} here`);
    const part = (kind: string): string => readFileSync(join(dir, system, `${name}.${kind}`), 'utf8');
    const [command, stdout, stderr, exit] = [part('cmd').trim(), part('stdout'), part('stderr'), part('exit').trim()];
    if (!/^-?\d+$/.test(exit)) throw new Error(`${name}.exit is no exit status: ${JSON.stringify(exit)}`);
    const { kind, jobs, error } = read(command, { stdout, stderr, exitCode: Number(exit) });
    const told = jobs.map(({ id, state, exit, reason }) => ({
      id,
      ...(state === undefined ? {} : { state }),
      ...(exit === undefined ? {} : { exit }),
      ...(reason === undefined ? {} : { reason }),
    }));
    return { ...line, kind, jobs: told, ...(error === undefined ? {} : { error }) };
  } catch (error) {
    return { ...line, kind: 'other', jobs: [], error: messageOf(error) };
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
