import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = fileURLToPath(new URL('../..', import.meta.url));

/** All that the program is made of. */
const PARTS = ['bin', 'src', 'sites', 'templates', 'package.json', 'tsconfig.json', 'esbuild.js', 'esbuild.options.js'];

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The project without its tests in a temporary folder, to be changed as somebody who adds something to it would. */
export class ProjectCopy {
  readonly dir = mkdtempSync(join(tmpdir(), 'scailfin-toy-'));
  /** Holds what the program is asked to write, and no settings of the user's. */
  readonly home = join(this.dir, 'home');

  constructor() {
    for (const part of PARTS) cpSync(join(project, part), join(this.dir, part), { recursive: true });
    symlinkSync(join(project, 'node_modules'), join(this.dir, 'node_modules'));
    mkdirSync(this.home);
  }

  /** A new file. */
  write(path: string, text: string): void {
    const file = join(this.dir, path);
    if (existsSync(file)) throw new Error(`${path} is there already`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  /** Puts `text` in the place of `old` in a file, in which `old` must stand once. */
  replace(path: string, old: string, text: string): void {
    const file = join(this.dir, path);
    const parts = readFileSync(file, 'utf8').split(old);
    if (parts.length !== 2) throw new Error(`${JSON.stringify(old)} is ${parts.length - 1} times in ${path}`);
    writeFileSync(file, parts.join(text));
  }

  /** The files that are not as they are in the project: new, changed or removed. Sorted. */
  touched(): string[] {
    const paths = new Set(PARTS.flatMap(part => [...filesBelow(this.dir, part), ...filesBelow(project, part)]));
    const text = (dir: string, path: string): string | undefined =>
      existsSync(join(dir, path)) ? readFileSync(join(dir, path), 'latin1') : undefined;
    return [...paths].filter(path => text(this.dir, path) !== text(project, path)).sort();
  }

  /** Checks the types and compiles. @throws Error with the compiler's words */
  build(): void {
    for (const argv of [
      [join('node_modules', 'typescript', 'bin', 'tsc'), '--noEmit'],
      ['esbuild.js', 'esbuild.options.js'],
    ]) {
      const out = this.#spawn(argv);
      if (out.status !== 0) throw new Error(`the copy does not build:\n${out.stdout}${out.stderr}`);
    }
  }

  /** Runs the copy's `scailfin`, once it is built. */
  scailfin(...args: string[]): Ran {
    return this.#spawn([join('bin', 'scailfin.js'), ...args]);
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  #spawn(args: string[]): Ran {
    const { HOME: _, ...inherited } = process.env;
    const own = { HOME: this.home, TMPDIR: this.home, NO_COLOR: '1' };
    const env = Object.fromEntries(Object.entries(inherited).filter(([name]) => !name.startsWith('XDG_')));
    const out = spawnSync(process.execPath, args, {
      cwd: this.dir,
      env: { ...env, ...own },
      encoding: 'utf8',
      timeout: 120_000,
    });
    return { status: out.status, stdout: out.stdout, stderr: out.stderr };
  }
}

/** Paths from `dir`, of `part` itself where it is a file. */
function filesBelow(dir: string, part: string): string[] {
  const place = join(dir, part);
  if (!existsSync(place)) return [];
  if (/\.js(on)?$/.test(part)) return [part];
  return readdirSync(place, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && !entry.parentPath.includes('__pycache__'))
    .map(entry => join(entry.parentPath, entry.name).slice(dir.length).replace(/^\//, ''));
}

/**
 * The files that a section of CONTRIBUTING.md tells one to touch: in each line that begins with "- `PATH`", PATH with
 * NAME for the name of what is added. Those below test/ are not in a copy, and are left out.
 *
 * @param heading the section's, without its marks: `A new scheduler`
 * @throws Error when there is no such section, or no file in it
 */
export function listedFiles(heading: string, name: string): string[] {
  const text = readFileSync(join(project, 'CONTRIBUTING.md'), 'utf8');
  const section = text.split(/^## /m).find(part => part.startsWith(`${heading}\n`));
  const paths = [...(section ?? '').matchAll(/^- `([^`]+)`/gm)].map(m => (m[1] as string).replaceAll('NAME', name));
  if (paths.length === 0) throw new Error(`CONTRIBUTING.md lists no files below "## ${heading}"`);
  return paths.filter(path => !path.startsWith('test/')).sort();
}
