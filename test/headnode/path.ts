import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a headnode may have or not: tests say which. */
const optional = new Set(['minikube', 'kubectl', 'helm', 'docker', 'podman']);

/** The PATH of this process, and so of the local host, as a test wants it: the system's programs but for those it names. */
export class OnPath {
  readonly #before = process.env.PATH ?? '';
  readonly dir = mkdtempSync(join(tmpdir(), 'scailfin-path-'));
  #hidden: readonly string[] = [];

  constructor() {
    chmodSync(this.dir, 0o755);
    mkdirSync(this.#own);
    mkdirSync(this.#system);
    for (const place of ['/usr/bin', '/bin', '/usr/sbin', '/sbin']) {
      for (const name of readdirSync(place)) {
        if (!optional.has(name) && !existsSync(join(this.#system, name))) this.#link(place, name);
      }
    }
    this.only();
    process.env.PATH = this.value;
  }

  get #own(): string {
    return join(this.dir, 'own');
  }

  get #system(): string {
    return join(this.dir, 'system');
  }

  get value(): string {
    return `${this.#own}:${this.#system}`;
  }

  /** Only the system's programs, less those named. */
  only(options: { without?: readonly string[] } = {}): void {
    rmSync(this.#own, { recursive: true, force: true });
    mkdirSync(this.#own);
    for (const name of this.#hidden) this.#link('/usr/bin', name);
    this.#hidden = options.without ?? [];
    for (const name of this.#hidden) rmSync(join(this.#system, name));
  }

  /** Puts a script there. @returns its path */
  put(name: string, text: string): string {
    const file = join(this.#own, name);
    writeFileSync(file, text);
    chmodSync(file, 0o755);
    return file;
  }

  restore(): void {
    process.env.PATH = this.#before;
    rmSync(this.dir, { recursive: true, force: true });
  }

  #link(place: string, name: string): void {
    symlinkSync(join(place, name), join(this.#system, name));
  }
}
