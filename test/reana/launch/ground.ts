import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Asking } from '../../../src/reana/edge/launch/download.js';
import type { LauncherOptions } from '../../../src/reana/edge/launch/launcher.js';
import { type Limits, usualLimits } from '../../../src/reana/edge/launch/limits.js';
import { type Address, Reach } from '../../../src/reana/edge/launch/reach.js';
import { program } from '../../lab/programs.js';
import { TestEdge } from '../edge/edges.js';
import { Certificate, WebServer } from './webserver.js';

/** A file of a repository: its content, or a link's target. */
export type Files = Readonly<Record<string, string | { readonly link: string }>>;

/** What a launch answered. */
export interface Answer {
  readonly status: number;
  readonly message: string;
  readonly workflow_id?: string;
  readonly workflow_name?: string;
}

/** A specification that prints what it finds in its workspace. */
export const specification = (inputs: object = {}, more: object = {}): string =>
  JSON.stringify({
    inputs: { parameters: { greeting: 'Hello' }, ...inputs },
    workflow: {
      type: 'serial',
      specification: {
        steps: [
          {
            name: 'look',
            environment: 'docker.io/library/python:3.12',
            commands: ['echo "$greeting" > out; ls >> out'],
          },
        ],
      },
    },
    outputs: { files: ['out'] },
    ...more,
  });

/** An edge, a web server with repositories, and the names under which the edge finds it. */
export class Ground {
  readonly addresses: Record<string, readonly string[]> = { 'git.example.org': ['127.0.0.1'] };
  /** Names that were looked up. */
  readonly lookedUp: string[] = [];
  edge!: TestEdge;
  web!: WebServer;

  private constructor(
    readonly dir: string,
    readonly certificate: Certificate,
  ) {}

  /** @param options for the launcher; the server's own name is always allowed */
  static async open(options: Partial<LauncherOptions> = {}): Promise<Ground> {
    const dir = await mkdtemp(join(tmpdir(), 'scailfin-launch-'));
    const ground = new Ground(dir, await Certificate.make());
    ground.web = await WebServer.start(ground.certificate, dir);
    await ground.openEdge(options);
    return ground;
  }

  async openEdge(options: Partial<LauncherOptions>): Promise<void> {
    await this.edge?.close();
    const hosts = [`git.example.org:${this.web.port}`, ...(options.hosts ?? [])];
    const resolve = (host: string): Promise<Address[]> => this.#resolve(host);
    this.edge = await TestEdge.open({ launch: { ca: this.certificate.ca, resolve, ...options, hosts } });
  }

  /** How a launch asks servers, for parts of it that are tried by themselves. */
  asking(limits: Partial<Limits> = {}): Asking {
    const { ca } = this.certificate;
    const reach = new Reach([`git.example.org:${this.web.port}`], host => this.#resolve(host));
    const signal = AbortSignal.timeout(60_000);
    return { reach, signal, limits: { ...usualLimits, ...limits }, ca: { file: ca, text: readFileSync(ca, 'utf8') } };
  }

  async #resolve(host: string): Promise<Address[]> {
    this.lookedUp.push(host);
    return (this.addresses[host] ?? []).map(address => ({ address, family: address.includes(':') ? 6 : 4 }));
  }

  async close(): Promise<void> {
    this.web?.close();
    await this.edge?.close();
    await this.certificate.remove();
    await rm(this.dir, { recursive: true, force: true });
  }

  /** The URL of a path of the server. */
  at(path: string): string {
    return `https://git.example.org:${this.web.port}${path}`;
  }

  async launch(body: object, who: { fetch: TestEdge['fetch'] } = this.edge): Promise<Answer> {
    const headers = { 'Content-Type': 'application/json' };
    const response = await who.fetch('/api/launch', { method: 'POST', body: JSON.stringify(body), headers });
    return { status: response.status, ...((await response.json()) as { message: string }) };
  }

  /** Makes a repository of one commit. @returns its URL */
  async repository(name: string, files: Files): Promise<string> {
    const work = join(this.dir, 'work', name);
    await mkdir(work, { recursive: true });
    await this.git(work, 'init', '-q', '-b', 'main');
    await this.commit(name, files);
    await this.git(this.dir, 'clone', '-q', '--bare', work, `${name}.git`);
    await this.git(join(this.dir, `${name}.git`), 'config', 'uploadpack.allowAnySHA1InWant', 'true');
    return this.at(`/git/${name}.git`);
  }

  async commit(name: string, files: Files): Promise<void> {
    const work = join(this.dir, 'work', name);
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(work, path)), { recursive: true });
      if (typeof content === 'string')
        await writeFile(join(work, path), content, { mode: path.endsWith('.sh') ? 0o755 : 0o644 });
      else await symlink(content.link, join(work, path));
    }
    await this.git(work, 'add', '-A');
    await this.git(work, 'commit', '-q', '-m', 'files');
  }

  /** @returns what it prints */
  async git(cwd: string, ...args: string[]): Promise<string> {
    const me = ['-c', 'user.name=me', '-c', 'user.email=me@example.org', '-c', 'protocol.file.allow=always'];
    return (await program(['git', '-C', cwd, ...me, ...args])).trim();
  }

  /** Names of files in a run's workspace. */
  async files(run: string): Promise<string[]> {
    const { items } = await this.edge.json('GET', `/api/workflows/${run}/workspace`);
    return items.map(({ name }: { name: string }) => name).sort();
  }

  async read(run: string, file: string): Promise<string> {
    return (await this.edge.fetch(`/api/workflows/${run}/workspace/${file}`)).text();
  }

  async runs(): Promise<number> {
    const { items } = await this.edge.json('GET', '/api/workflows');
    return items.filter(({ status }: { status: string }) => status !== 'deleted').length;
  }

  /** What a launch left on its way. */
  left(): Promise<string[]> {
    return readdir(join(this.edge.dir, 'incoming'));
  }
}
