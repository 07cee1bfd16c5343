import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Hashes } from '../../../src/reana/jobs/hashes.js';
import { type Item, manifestText, pack, smallOf, survey } from '../../../src/reana/jobs/manifest.js';
import { stepEnvironment } from '../../../src/steps/environment.js';
import { parseReport, type Report } from '../../../src/steps/report.js';
import { wrapperScript } from '../../../src/steps/wrapper.js';
import type { HostName, Lab } from '../../lab/lab.js';

const run = promisify(execFile);

export interface StepOptions {
  readonly command: string;
  readonly image?: string;
  readonly cvmfs?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** SCAILFIN_… as the glide-in sets them; the cache is the host's /tmp/cache unless said. */
  readonly site?: Readonly<Record<string, string>>;
  readonly host?: HostName;
  readonly timeoutMs?: number;
  /** More lines of step.env. */
  readonly more?: string;
  readonly probe?: string;
  /** The scratch directory's parent on the node. */
  readonly under?: string;
}

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly report: Report;
  /** What came back, unpacked on this machine. */
  readonly changed: readonly Item[];
  /** The directory of those. */
  readonly returned: string;
  /** What is left in the scratch directory. */
  readonly left: readonly string[];
}

/** A run's files on this machine, in the place of a headnode; steps on hosts of a lab. */
export class Workspace {
  static #steps = 0;

  private constructor(
    readonly lab: Lab,
    private readonly top: string,
    readonly dir: string,
    private readonly hashes: Hashes,
  ) {}

  /** @param dir where steps shall see it */
  static async make(lab: Lab, prefix = tmpdir()): Promise<Workspace> {
    const top = await mkdtemp(join(prefix, 'scailfin-test-'));
    const dir = join(top, 'runs/workspace');
    await run('mkdir', ['-p', dir]);
    return new Workspace(lab, top, dir, await Hashes.open(join(top, 'hashes')));
  }

  async write(path: string, content: string | Buffer, mode = 0o644): Promise<void> {
    await run('mkdir', ['-p', '--', join(this.dir, path, '..')]);
    await writeFile(join(this.dir, path), content, { mode });
  }

  async sh(script: string): Promise<string> {
    return (await run('sh', ['-ec', script], { cwd: this.dir, maxBuffer: 1 << 28 })).stdout;
  }

  /** Brings a step's files to a node, as HTCondor would. @returns its scratch directory there */
  async send(options: StepOptions): Promise<string> {
    const { lab, top, dir } = this;
    const host = options.host ?? 'c1';
    const id = `step-${++Workspace.#steps}`;
    const items = await survey(dir, this.hashes);
    await pack(dir, smallOf(items), join(top, 'small.tar'));
    const request = {
      workspace: dir,
      name: id,
      image: options.image ?? '',
      command: options.command,
      cvmfs: options.cvmfs,
    };
    const env = await stepEnvironment(id, { ...request, environment: options.environment ?? {} });
    await writeFile(join(top, 'step.env'), `${env}${options.more ?? ''}\n`);
    await writeFile(join(top, 'manifest'), manifestText(items, options.probe));
    await writeFile(join(top, 'step.sh'), wrapperScript(), { mode: 0o755 });
    const all = await run('tar', ['-C', top, '-cf', '-', 'small.tar', 'step.env', 'manifest', 'step.sh'], {
      encoding: 'buffer',
      maxBuffer: 1 << 28,
    });
    const scratch = `${options.under ?? '/tmp'}/${id}`;
    await lab.exec(host, ['sh', '-ec', 'mkdir -p "$1"; cd "$1"; tar -xf -', 'sh', scratch], {
      user: 'alice',
      stdin: all.stdout,
    });
    return scratch;
  }

  environment(scratch: string, options: Pick<StepOptions, 'site'>): Record<string, string> {
    return { _CONDOR_SCRATCH_DIR: scratch, SCAILFIN_CACHE: '/tmp/cache', OMP_NUM_THREADS: '1', ...options.site };
  }

  async step(options: StepOptions): Promise<Ended> {
    const host = options.host ?? 'c1';
    const scratch = await this.send(options);
    // as HTCondor does, with nothing of a login
    const bare = Object.entries(this.environment(scratch, options)).map(([key, value]) => `${key}=${value}`);
    const { stdout, stderr, exitCode } = await this.lab.exec(
      host,
      ['env', '-i', ...bare, 'sh', '-c', 'cd "$1" && exec ./step.sh', 'sh', scratch],
      { user: 'alice', check: false, timeoutMs: options.timeoutMs ?? 120_000 },
    );
    const collected = await this.collect(host, scratch).catch(error => {
      throw new Error(`status ${exitCode}, ${stdout}${stderr}`, { cause: error });
    });
    return { status: exitCode, stdout, stderr, ...collected };
  }

  /** What HTCondor would bring back. */
  async collect(host: HostName, scratch: string): Promise<Omit<Ended, 'status' | 'stdout' | 'stderr'>> {
    const user = { user: 'alice' };
    const report = parseReport((await this.lab.exec(host, ['cat', `${scratch}/report`], user)).stdout);
    const encoded = await this.lab.exec(host, ['base64', `${scratch}/changed.tar`], { ...user, timeoutMs: 120_000 });
    const returned = await mkdtemp(join(this.top, 'returned-'));
    const archive = `${returned}.tar`;
    await writeFile(archive, Buffer.from(encoded.stdout, 'base64'));
    await run('tar', ['-xpf', archive, '-C', returned]);
    const { stdout } = await this.lab.exec(host, ['ls', '-A', scratch], user);
    const changed = await survey(returned, this.hashes);
    return { report, changed, returned, left: stdout.split('\n').filter(Boolean).sort() };
  }

  async read(ended: Pick<Ended, 'returned'>, path: string): Promise<string> {
    return readFile(join(ended.returned, path), 'utf8');
  }

  async remove(): Promise<void> {
    await rm(this.top, { recursive: true, force: true });
  }
}
