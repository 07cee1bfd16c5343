import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Headnode } from '../../src/headnode/component.js';
import type { AttachOptions, FileToPut, Host, Output, RunOptions } from '../../src/hosts/host.js';
import { LocalHost } from '../../src/hosts/local.js';
import { OnPath } from './path.js';

/** Nobody: what minikube runs on is used by ordinary users, and these tests are run by root. */
const uid = 65_534;
const isRoot = process.getuid?.() === 0;

interface Things {
  containers: { name: string; labels: Record<string, string>; ports?: string[]; image?: string }[];
  volumes: { name: string; labels: Record<string, string> }[];
  networks: { name: string; labels: Record<string, string> }[];
  images: { repository: string; tag: string; id: string }[];
}

/** This machine as an ordinary user sees it, with doubles of the programs that can't be had here. */
export class World {
  readonly path = new OnPath();
  readonly root = mkdtempSync(join(tmpdir(), 'scailfin-headnode-'));
  readonly home = join(this.root, 'home');
  readonly dir = join(this.home, '.scailfin/mc');
  readonly progress: string[] = [];
  readonly host: Host = this.as(new LocalHost());

  constructor() {
    for (const place of [this.root, this.state, this.home, dirname(this.dir), this.dir]) {
      mkdirSync(place, { recursive: true });
      chmodSync(place, 0o755);
      if (isRoot) chownSync(place, uid, uid);
    }
    cpSync(join(import.meta.dirname, 'doubles'), join(this.root, 'doubles'), { recursive: true });
    this.kubernetes();
  }

  get state(): string {
    return join(this.root, 'world');
  }

  get at(): Headnode {
    return { host: this.host, dir: this.dir, cluster: 'mc', onProgress: detail => this.progress.push(detail) };
  }

  /** A host of this machine as the user has it. */
  as(host: Host): Host {
    return new AsUser(host, [`HOME=${this.home}`, `PATH=${this.path.value}`]);
  }

  /** The programs that are on the headnode. */
  kubernetes(engines: readonly ('docker' | 'podman')[] = ['docker']): void {
    this.path.only();
    for (const engine of engines) this.#double(engine, 'engine');
    this.#double('minikube', 'minikube');
    this.path.put('kubectl', '#!/bin/sh\n[ "$*" = "version --client" ] && echo "Client Version: v1.31.9"\n');
    this.path.put('helm', '#!/bin/sh\n[ "$*" = "version --short" ] && echo v3.18.4+gd80839c\n');
  }

  #double(name: string, file: string): void {
    const program = join(this.root, 'doubles', `${file}.mjs`);
    this.path.put(name, `#!/bin/sh\nDOUBLE=${this.state} DOUBLE_AS=${name} exec ${process.execPath} ${program} "$@"\n`);
  }

  /** What is to go wrong; nothing of what was before. */
  trouble(what: Record<string, unknown>): void {
    writeFileSync(join(this.state, 'trouble.json'), JSON.stringify(what));
  }

  things(engine = 'docker'): Things {
    const file = join(this.state, `${engine}.json`);
    if (!existsSync(file)) return { containers: [], volumes: [], networks: [], images: [] };
    return JSON.parse(readFileSync(file, 'utf8')) as Things;
  }

  set(engine: string, things: Things): void {
    writeFileSync(join(this.state, `${engine}.json`), JSON.stringify(things));
    if (isRoot) chownSync(join(this.state, `${engine}.json`), uid, uid);
  }

  /** Command lines so far, of a double. */
  calls(program: string): string[] {
    const file = join(this.state, 'calls');
    const calls = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
    return calls
      .map(c => JSON.parse(c) as string[])
      .filter(c => c[0] === program)
      .map(c => c.slice(1).join(' '));
  }

  close(): void {
    this.path.restore();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** A host as an ordinary user has it, where the test itself is root. */
class AsUser implements Host {
  constructor(
    private readonly inner: Host,
    private readonly env: readonly string[],
  ) {}

  get name(): string {
    return this.inner.name;
  }

  get address(): string {
    return this.inner.address;
  }

  get roundTrips(): number {
    return this.inner.roundTrips;
  }

  run(argv: readonly string[], options?: RunOptions): Promise<Output> {
    const become = isRoot ? ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'] : [];
    return this.inner.run([...become, 'env', ...this.env, ...argv], options);
  }

  attach(argv: readonly string[], options: AttachOptions): Promise<number> {
    return this.inner.attach(argv, options);
  }

  async put(files: readonly FileToPut[]): Promise<void> {
    for (const file of files) {
      const script =
        'umask 077; mkdir -p "$(dirname "$1")" && cat >"$1.new" && chmod "$2" "$1.new" && mv "$1.new" "$1"';
      await this.run(['sh', '-c', script, 'put', file.path, file.mode.toString(8)], { stdin: file.content });
    }
  }

  upload(): Promise<void> {
    throw new Error('nothing is uploaded to it');
  }

  download(): Promise<void> {
    throw new Error('nothing is downloaded from it');
  }

  dial(port: number): Promise<Duplex> {
    return this.inner.dial(port);
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
