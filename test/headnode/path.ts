import { chmodSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atFileEnd } from '../setup/ending.js';

/** What a headnode may have or not: tests say which. */
const optional = new Set(['minikube', 'kubectl', 'helm', 'docker', 'podman']);

/** The system's programs but for those, made once for all tests of a file. */
let system: string | undefined;

function systemPrograms(): string {
  if (system) return system;
  const dir = mkdtempSync(join(tmpdir(), 'scailfin-path-'));
  chmodSync(dir, 0o755);
  const seen = new Set(optional);
  for (const place of ['/usr/bin', '/bin', '/usr/sbin', '/sbin']) {
    for (const name of readdirSync(place)) {
      if (seen.has(name)) continue;
      seen.add(name);
      symlinkSync(join(place, name), join(dir, name));
    }
  }
  system = dir;
  atFileEnd(() => {
    rmSync(dir, { recursive: true, force: true });
    system = undefined;
  });
  return dir;
}

/** The PATH of this process, and so of the local host, as a test wants it: the system's programs but for those it names. */
export class OnPath {
  readonly #before = process.env.PATH ?? '';
  readonly #own = mkdtempSync(join(tmpdir(), 'scailfin-path-'));
  #hidden: readonly string[] = [];

  constructor() {
    chmodSync(this.#own, 0o755);
    process.env.PATH = this.value;
  }

  get value(): string {
    return `${this.#own}:${systemPrograms()}`;
  }

  /** Only the system's programs, less those named. */
  only(options: { without?: readonly string[] } = {}): void {
    for (const name of readdirSync(this.#own)) rmSync(join(this.#own, name));
    for (const name of this.#hidden) symlinkSync(join('/usr/bin', name), join(systemPrograms(), name));
    this.#hidden = options.without ?? [];
    for (const name of this.#hidden) rmSync(join(systemPrograms(), name));
  }

  /** Puts a script there. @returns its path */
  put(name: string, text: string): string {
    const file = join(this.#own, name);
    writeFileSync(file, text);
    chmodSync(file, 0o755);
    return file;
  }

  restore(): void {
    this.only();
    process.env.PATH = this.#before;
    rmSync(this.#own, { recursive: true, force: true });
  }
}
