import { mkdir, readdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { messageOf } from '../../errors.js';
import { cvmfsOf } from '../cvmfs.js';
import { Hashes } from '../jobs/hashes.js';
import type { StepService } from '../jobs/step.js';
import { Door } from './http/door.js';
import type { Route } from './http/router.js';
import { serve } from './http/serve.js';
import { Launcher, type LauncherOptions } from './launch/launcher.js';
import { fileRoutes } from './page/files.js';
import { type AskPool, PoolWatch } from './page/pool.js';
import { Tickets } from './page/tickets.js';
import { Disk } from './people/disk.js';
import { endRuns } from './people/ending.js';
import { People } from './people/people.js';
import { ownerHere, ownerId } from './people/person.js';
import { stepsOf } from './people/steps.js';
import { absentRoutes } from './routes/absent.js';
import { accountRoutes } from './routes/account.js';
import { diffRoutes } from './routes/diff.js';
import { launchRoutes } from './routes/launch.js';
import { discard, lifeRoutes } from './routes/life.js';
import { pageRoutes } from './routes/page.js';
import type { Parts } from './routes/parts.js';
import { peopleRoutes } from './routes/people.js';
import { proofRoutes } from './routes/proof.js';
import { retentionRoutes } from './routes/retention.js';
import { secretRoutes } from './routes/secrets.js';
import { sessionRoutes } from './routes/sessions.js';
import { shareRoutes } from './routes/share.js';
import { statusRoutes } from './routes/status.js';
import { workflowRoutes } from './routes/workflows.js';
import { workspaceRoutes } from './routes/workspace.js';
import { RunBook } from './runs/book.js';
import { Cache } from './runs/cache.js';
import type { RunRecord } from './runs/record.js';
import { Runner, type WorkflowEngines } from './runs/runner.js';
import { SecretStores } from './secret-store.js';
import { SessionGate } from './sessions/gate.js';
import { SessionBook } from './sessions/record.js';
import { Sessions, type SessionsOptions } from './sessions/sessions.js';

export interface EdgeOptions {
  /** Absolute; the edge's directory. */
  readonly dir: string;
  readonly cluster: string;
  /** Of scailfin. */
  readonly version: string;
  /** Secret. */
  readonly token: string;
  readonly steps: StepService;
  readonly engines: WorkflowEngines;
  readonly askPool: AskPool;
  /** How many workflows run at a time; default 30, as in REANA. */
  readonly limit?: number | undefined;
  /** How specifications are fetched from URLs. */
  readonly launch?: LauncherOptions | undefined;
  readonly sessions?: SessionsOptions | undefined;
  /** Default: loopback. */
  readonly host?: string | undefined;
  /** 0 means any free port. */
  readonly port: number;
  readonly log: (line: string) => void;
}

/** In ms: the body of a request may take hours, but its header may not, and an idle connection is closed. */
const limits = {
  requestTimeout: 0,
  headersTimeout: 20_000,
  keepAliveTimeout: 30_000,
  connectionsCheckingInterval: 5000,
};

/** REANA's API (0.9) over a step service, with all records in one directory. */
export class Edge {
  private constructor(
    private readonly server: Server,
    private readonly parts: Parts & { readonly book: RunBook },
  ) {}

  /** Listens, then continues the runs of an earlier edge. */
  static async open(options: EdgeOptions): Promise<Edge> {
    const { dir, log, token } = options;
    const parts = await prepare(options);
    const { people, tickets, book, steps } = parts;
    let ready: () => void = () => {};
    const isReady = new Promise<void>(resolve => {
      ready = resolve;
    });
    const server = createServer(limits, (request, response) => {
      void isReady.then(() => answer(request, response));
    });
    const door = new Door(server);
    const gate = new SessionGate({ sessions: parts.sessions, people, book, door });
    const answer = serve(allRoutes(parts, token), { people, tickets, door, book, steps, gate }, log);
    server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => {});
      void isReady.then(() => gate.upgrade(request, socket, head));
    });
    people.onCut(id => door.cut(id));
    // an upload may take hours, but may not be silent for this long
    server.setTimeout(5 * 60_000);
    // a second edge on the same port ends here, before it changes a run
    await listen(server, options.port, options.host ?? '127.0.0.1').catch(error => {
      endParts(parts);
      throw error;
    });
    await clear(join(dir, 'incoming'));
    const deleted = book.all().filter(run => run.status === 'deleted');
    for (const run of deleted) void discard(parts, run).catch(error => log(messageOf(error)));
    await parts.sessions.open();
    // an earlier edge may have been killed while it ended somebody's runs
    for (const id of new Set(book.all().map(run => run.owner))) await endRuns(parts, id, book.all());
    await parts.runner.open();
    ready();
    return new Edge(server, parts);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** The records of runs stay as they are; the steps continue in the pool. */
  async close(): Promise<void> {
    endParts(this.parts);
    const closed = new Promise(resolve => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
    await this.parts.book.settled();
  }
}

/** Ends what goes on by itself. */
function endParts({ runner, pool, sessions }: Parts): void {
  runner.close();
  pool.close();
  sessions.close();
}

async function prepare(options: EdgeOptions): Promise<Parts & { readonly book: RunBook }> {
  const { dir, cluster, version, steps, engines, limit = 30, token } = options;
  const [workspaces, incoming] = [join(dir, 'workspaces'), join(dir, 'incoming')];
  for (const each of [workspaces, incoming]) await mkdir(each, { recursive: true, mode: 0o700 });
  const book = new RunBook(join(dir, 'runs'));
  await book.open();
  const people = await People.open(join(dir, 'people.json'), ownerHere(), token);
  const secrets = new SecretStores(join(dir, 'secrets'), join(dir, 'people'));
  await secrets.of(ownerId);
  const workspace = (run: RunRecord): string => join(workspaces, run.workspace);
  const disk = new Disk(workspaces, ({ id }) => {
    const files = book.all().flatMap(run => (run.owner === id && run.status !== 'deleted' ? [workspace(run)] : []));
    return [...new Set(files)];
  });
  const cache = new Cache({
    ...{ book, workspace, incoming, hashes: await Hashes.open(join(dir, 'cache.hashes')) },
    room: run => disk.left(people.byId(run.owner)),
    changed: run => disk.changed(run),
    say: options.log,
  });
  const secretsOf = async (run: RunRecord) => (await secrets.of(run.owner)).forSteps();
  const runner = new Runner({
    book,
    cache,
    engines,
    limit,
    workspace,
    say: options.log,
    steps,
    stepsFor: run => stepsOf(steps, people, run),
    mayRun: run => people.mayRun(run.owner),
    secrets: secretsOf,
  });
  const sessions = new Sessions({
    ...options.sessions,
    book: await SessionBook.open(join(dir, 'sessions.json')),
    steps,
    stepsFor: run => stepsOf(steps, people, run),
    around: async run => {
      const { environment, dir: files } = await secretsOf(run);
      const own = { ...environment, REANA_WORKSPACE: workspace(run) };
      return { workspace: workspace(run), environment: own, secrets: files, cvmfs: cvmfsOf(run.specification) };
    },
    incoming,
    changed: run => book.touch(run),
    say: options.log,
  });
  const pool = await PoolWatch.open(options.askPool, join(dir, 'pool.jsonl'), () => runner.isBusy);
  const shared = { cluster, version, began: Date.now(), book, people, runner, steps, engines, secrets };
  const launcher = new Launcher(incoming, options.launch);
  return { ...shared, pool, tickets: new Tickets(), workspaces, incoming, workspace, disk, launcher, sessions };
}

/** @param token the owner's; secret */
export const allRoutes = (parts: Parts, token: string): Route[] => [
  ...accountRoutes(parts),
  ...workflowRoutes(parts),
  ...launchRoutes(parts),
  ...lifeRoutes(parts),
  ...sessionRoutes(parts),
  ...statusRoutes(parts),
  ...workspaceRoutes(parts),
  ...diffRoutes(parts),
  ...retentionRoutes(),
  ...secretRoutes(parts),
  ...shareRoutes(parts),
  ...peopleRoutes(parts),
  ...pageRoutes(parts),
  ...fileRoutes(),
  ...absentRoutes(),
  ...proofRoutes(token),
];

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function clear(dir: string): Promise<void> {
  for (const name of await readdir(dir)) await rm(join(dir, name), { recursive: true, force: true });
}
