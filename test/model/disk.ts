/** What a program says that finds its disk full: `errno(3)`. */
export class DiskFull extends Error {
  constructor(path: string) {
    super(`cannot write ${path}: No space left on device`);
  }
}

/** A file system in memory: of one machine, or shared by the machines of a site. Paths are absolute. */
export class Disk {
  isFull = false;
  readonly #files = new Map<string, string>();
  readonly #directories = new Set<string>(['/']);

  read(path: string): string | undefined {
    return this.#files.get(path);
  }

  has(path: string): boolean {
    return this.#files.has(path) || this.#directories.has(path);
  }

  isDirectory(path: string): boolean {
    return this.#directories.has(path);
  }

  /** Fails if the directory is not there, as a shell's `>` does. */
  write(path: string, text: string): void {
    if (!this.#directories.has(above(path))) throw new Error(`${path}: No such file or directory`);
    if (this.isFull) throw new DiskFull(path);
    this.#files.set(path, text);
  }

  /** `mkdir -p` */
  make(path: string): void {
    if (this.#directories.has(path)) return;
    this.make(above(path));
    if (this.isFull) throw new DiskFull(path);
    this.#directories.add(path);
  }

  /** `rm -rf` */
  remove(path: string): void {
    this.#files.delete(path);
    this.#directories.delete(path);
    const below = `${path}/`;
    for (const set of [this.#files, this.#directories])
      for (const name of set.keys()) if (name.startsWith(below)) set.delete(name);
  }

  move(from: string, to: string): void {
    const text = this.#files.get(from);
    if (text === undefined) throw new Error(`${from}: No such file or directory`);
    this.#files.delete(from);
    this.#files.set(to, text);
  }

  /** The names in a directory, sorted. */
  list(path: string): string[] {
    const below = path === '/' ? path : `${path}/`;
    const names = [...this.#files.keys(), ...this.#directories].flatMap(name =>
      name.startsWith(below) && name !== '/' ? [name.slice(below.length).split('/')[0] as string] : [],
    );
    return [...new Set(names)].sort();
  }

  /** Everything below a directory. */
  below(path: string): string[] {
    return [...this.#files.keys(), ...this.#directories].filter(name => name.startsWith(`${path}/`)).sort();
  }
}

const above = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';
