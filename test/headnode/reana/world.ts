import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Headnode } from '../../../src/headnode/component.js';
import type { Kubernetes } from '../../../src/headnode/kubernetes.js';
import type { Pace } from '../../../src/headnode/reana/pace.js';
import { reana } from '../../../src/headnode/reana/reana.js';
import { namespaceOf, type ReanaPlan, releaseOf } from '../../../src/headnode/reana/reana-plan.js';
import type { Output, RunOptions } from '../../../src/hosts/host.js';
import { LocalHost } from '../../../src/hosts/local.js';
import type { Fates } from '../../kubernetes/fates.js';
import { ControlPlane } from '../../kubernetes/plane.js';
import { planOf } from './plans.js';
import { ReanaServer } from './server.js';

/** REANA's real chart, for who has it, takes its place. */
const standIn = fileURLToPath(new URL('../../kubernetes/chart', import.meta.url));
const doubles = fileURLToPath(new URL('../doubles/reana', import.meta.url));

/** As fast as a test wants it; nothing is borne with. */
export const FAST: Pace = { pollMs: 300, patience: 0, settleMs: 200, silenceMs: 2_000 };

/** What REANA's server says before it crashes. */
export const LAST_WORDS = 'ModuleNotFoundError: No module named uwsgi';

/**
 * A real Kubernetes, but for its containers: what REANA's pods would run is a folder of stand-ins, and REANA's page and API
 * a server on this machine.
 */
export class World {
  /** Each cluster's own: those of the last one may not be free yet. */
  private nodePort = 30_500;

  private constructor(
    readonly plane: ControlPlane,
    readonly server: ReanaServer,
    readonly serverPort: number,
    readonly dir: string,
    private readonly state: string,
  ) {}

  static async start(fates: Fates = {}): Promise<World> {
    const dir = mkdtempSync(join(tmpdir(), 'scailfin-reana-'));
    const [pod, state] = [join(dir, 'pod'), join(dir, 'state')];
    for (const folder of [pod, join(pod, 'scripts'), state]) mkdirSync(folder);
    for (const name of ['psql', 'flask', 'python3']) copyFileSync(join(doubles, name), join(pod, name));
    copyFileSync(join(doubles, 'create-database.sh'), join(pod, 'scripts/create-database.sh'));
    const server = new ReanaServer(() => readOr(join(state, 'token')));
    const port = await server.start(dir);
    const inside = { dir: pod, env: { PATH: `${pod}:/usr/bin:/bin`, STATE: state } };
    const said = join(dir, 'said');
    // as a container runtime writes it
    writeFileSync(said, `2026-01-01T00:00:00.000000000Z stderr F ${LAST_WORDS}\n`);
    const logs = { 'rest-api': { file: said, previous: said } };
    const pods = { exec: { db: inside, 'rest-api': inside }, logs, forward: port };
    return new World(await ControlPlane.start({ fates, pods }), server, port, dir, state);
  }

  /** What becomes of pods from now on. */
  fate(fates: Fates): Promise<void> {
    return this.plane.fate(fates);
  }

  async stop(): Promise<void> {
    this.server.stop();
    await this.plane.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** What the pods keep: a file of the stand-ins', or nothing. */
  kept(name: string): string {
    return readOr(join(this.state, name));
  }

  keep(name: string, text: string): void {
    writeFileSync(join(this.state, name), text);
  }

  /** The next test finds no cluster's, and pods that have kept nothing. */
  async clear(): Promise<void> {
    const ours = ['--selector', 'app.kubernetes.io/managed-by=scailfin'];
    await this.plane.kubectl(['delete', 'namespaces', ...ours, '--wait=false']);
    rmSync(this.state, { recursive: true });
    mkdirSync(this.state);
  }

  cluster(name: string, change: Partial<ReanaPlan> = {}, kubernetes: Partial<Kubernetes> = {}): Cluster {
    return new Cluster(this, name, change, { own: { build: ['false'], nodePort: this.nodePort++ }, ...kubernetes });
  }
}

const readOr = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8').trim() : '');

/** Keeps the command lines that it runs: all of this machine's users can read those. */
class OpenHost extends LocalHost {
  readonly commands: string[] = [];

  override run(argv: readonly string[], options: RunOptions = {}): Promise<Output> {
    this.commands.push(argv.join(' '));
    return super.run(argv, options);
  }
}

/** One REANA in the world. */
export class Cluster {
  readonly at: Headnode;
  readonly host = new OpenHost();
  readonly plan: ReanaPlan;
  readonly component = reana(FAST);
  readonly told: string[] = [];

  constructor(
    private readonly world: World,
    name: string,
    change: Partial<ReanaPlan>,
    kubernetes: Partial<Kubernetes>,
  ) {
    const { plane } = world;
    const dir = join(world.dir, name);
    this.at = { host: this.host, dir, cluster: name, onProgress: detail => this.told.push(detail) };
    const there = { ...plane.tools, kubeconfig: plane.kubeconfig, context: plane.context, port: world.serverPort };
    const from = process.env.SCAILFIN_TEST_REANA_CHART ?? standIn;
    const chart = { from, sha256: undefined };
    this.plan = planOf({ chart, kubernetes: { ...there, ...kubernetes }, ...change });
  }

  get namespace(): string {
    return namespaceOf(this.at.cluster);
  }

  get release(): string {
    return releaseOf(this.at.cluster);
  }

  /** A file of its on the headnode. */
  file(name: string): string {
    return join(this.at.dir, 'reana', name);
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.world.plane.kubectl([...args, '--namespace', this.namespace]);
  }
}
