import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, ScailfinError } from '../../errors.js';
import { templateText } from '../../templates.js';
import { end, running } from './process.js';

/** The languages with their own workflow engines, which are Python programs. */
export type PythonEngine = 'cwl' | 'yadage' | 'snakemake';

export interface EngineSettings {
  /** The edge's directory; Python environments are kept below it. */
  readonly dir: string;
  /** Interpreters that already have a workflow engine, by language: nothing is installed for these. */
  readonly enginePython?: Readonly<Partial<Record<PythonEngine, string>>> | undefined;
  /** The directory of the pool's fences, if there is one: workflow engines run behind a fence. */
  readonly fence?: string | undefined;
}

const run = promisify(execFile);
const INSTALL_MS = 15 * 60_000;
/** The end of what an installer prints. Characters. */
const MOST_SAID = 2 ** 16;
/** Only packages with the given hashes are unpacked, and nothing else is fetched. */
// its cache would stay in the user's home directory
const PIP = [
  '--quiet',
  '--no-cache-dir',
  '--disable-pip-version-check',
  '--require-hashes',
  '--no-deps',
  '--no-build-isolation',
];
// for cwltool
const oldest: readonly [number, number] = [3, 10];
const names = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];
const underway = new Map<string, Promise<string>>();

/**
 * The interpreter with a language's workflow engine. It is installed at the first use, from PyPI, with versions that were
 * tested together.
 * @param say called before something that takes a minute
 * @throws ScailfinError if there is no Python, no pip or no network
 */
export async function enginePython(
  kind: PythonEngine,
  { dir, enginePython: ready }: EngineSettings,
  say: (text: string) => void,
): Promise<string> {
  const given = ready?.[kind];
  if (given !== undefined) return given;
  const wanted = templateText(`engines/requirements-${kind}.txt`);
  const hash = createHash('sha256')
    .update(templateText('engines/requirements-build.txt'))
    .update(wanted)
    .digest('hex')
    .slice(0, 16);
  const venv = join(dir, 'venvs', `${kind}-${hash}`);
  const making = underway.get(venv) ?? made(kind, venv, wanted, say).finally(() => underway.delete(venv));
  underway.set(venv, making);
  return making;
}

async function made(kind: PythonEngine, venv: string, wanted: string, say: (text: string) => void): Promise<string> {
  const python = join(venv, 'bin', 'python3');
  const complete = join(venv, 'complete');
  if (existsSync(complete)) return python;
  say(`installing the workflow engine for ${kind}, once on this headnode (this takes a minute or two)`);
  const scratch = join(venv, 'tmp');
  const lists = ['build.txt', 'requirements.txt'].map(name => join(venv, name)) as [string, string];
  // the installer of an edge that was killed goes on without it
  const pid = await running(venv, ...lists);
  if (pid !== undefined) await end(pid, [venv, ...lists]);
  await rm(venv, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const hint = `see that pip works there, or name a Python that has it as enginePython.${kind} in the edge's settings`;
  try {
    const install = alone(scratch);
    await install(await newEnough(kind), '-m', 'venv', venv);
    // the build tools come first, verified like the rest: otherwise pip would fetch the newest ones without a check
    for (const [list, text] of [
      [lists[0], templateText('engines/requirements-build.txt')],
      [lists[1], wanted],
    ] as const) {
      await writeFile(list, text);
      await install(python, '-m', 'pip', 'install', ...PIP, '-r', list);
    }
    await rm(scratch, { recursive: true, force: true });
    await writeFile(complete, '');
    return python;
  } catch (error) {
    await rm(venv, { recursive: true, force: true });
    if (error instanceof ScailfinError) throw error;
    throw new ScailfinError(`the workflow engine for ${kind} can't be installed on the headnode: ${lastWords(error)}`, {
      hint,
      cause: error,
    });
  }
}

/**
 * Runs an installer in a session of its own, so that it is found by its last argument and ended with its children; who stops the pool
 * does that, too (`pool-stop.sh`). If it is killed, what it had in its scratch directory goes with that.
 */
function alone(scratch: string): (program: string, ...args: readonly string[]) => Promise<void> {
  return async (program, ...args) => {
    const child = spawn(program, args, {
      ...{ env: { ...process.env, TMPDIR: scratch }, detached: true, timeout: INSTALL_MS },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        said[stream] = `${said[stream]}${text}`.slice(-MOST_SAID);
      });
    const [status] = await once(child, 'close');
    if (status !== 0) throw Object.assign(new Error(`${program} ended with ${status}`), said);
  };
}

/** pip prints the error at the end; venv prints on standard output which system package is missing. */
function lastWords(error: unknown): string {
  const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string };
  const lines = `${stdout}\n${stderr}`.trim().split('\n').filter(Boolean);
  const telling = lines.filter(line => /^error/i.test(line)).at(-1) ?? lines.at(-1);
  return telling ?? messageOf(error);
}

async function newEnough(kind: PythonEngine): Promise<string> {
  const found: string[] = [];
  for (const name of names) {
    const version = await run(name, ['-c', 'import sys; print(*sys.version_info[:2])']).catch(() => undefined);
    if (!version) continue;
    const [major = 0, minor = 0] = version.stdout.trim().split(' ').map(Number);
    found.push(`${major}.${minor}`);
    if (major === oldest[0] && minor >= oldest[1]) return name;
  }
  const has = found.length === 0 ? 'has no Python' : `has only Python ${found.join(', ')}`;
  throw new ScailfinError(`${kind} workflows need Python ${oldest.join('.')} or later, but the headnode ${has}`, {
    hint: `install one, or name it as enginePython.${kind} in the edge's settings`,
  });
}
