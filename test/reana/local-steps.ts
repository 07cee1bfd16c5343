import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StepRequest } from '../../src/reana/jobs/step.js';
import type { Wire, WireEvents } from '../../src/reana/jobs/wire.js';
import { FakeSteps } from './steps.js';
import { Talk } from './talk.js';

interface OnRecord {
  readonly id: string;
  readonly pid: number;
  readonly request: StepRequest;
}

/**
 * Stands in for the pool: runs each step's command with bash, at once, on this machine and without a container. As the
 * real one it remembers its steps when it is killed, and they go on. A real pool differs in that steps wait, and that
 * their files are elsewhere while they run.
 */
export class LocalSteps extends FakeSteps {
  readonly #pids = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  readonly #talks = new Map<string, Talk>();
  /** Where steps find their programs. */
  path = '/usr/bin:/bin';
  /** More of their environment. */
  around: Readonly<Record<string, string>> = {};
  /** The most that ran at the same time. */
  widest = 0;

  /** @param dir for its records; also `started`, which gets the name of each step that is started */
  constructor(private readonly dir: string) {
    super(() => undefined);
    mkdirSync(dir, { recursive: true });
    for (const name of readdirSync(dir).filter(n => n.endsWith('.json'))) {
      const { id, pid, request } = JSON.parse(readFileSync(join(dir, name), 'utf8')) as OnRecord;
      void super.submit(request, id);
      this.#pids.set(id, pid);
    }
    this.#timer = setInterval(() => this.#look(), 20);
    this.#timer.unref();
    this.#look();
  }

  override async submit(request: StepRequest, id?: string) {
    const before = this.requests.length;
    const step = await super.submit(request, id);
    if (this.requests.length === before) return step;
    const child = spawn(
      'bash',
      ['-c', 'bash -c "$1"; echo $? > "$2.new"; mv "$2.new" "$2"', '', request.command, this.#exit(step.id)],
      {
        ...{ cwd: request.workspace, stdio: request.isSession ? ['pipe', 'pipe', 'ignore'] : 'ignore', detached: true },
        env: { PATH: this.path, ...this.around, ...request.environment },
      },
    ).on('error', () => {});
    const { pid = 0 } = child;
    if (request.isSession) this.#talks.set(step.id, new Talk(child));
    const file = join(this.dir, `${step.id}.json`);
    writeFileSync(`${file}.new`, JSON.stringify({ id: step.id, pid, request } satisfies OnRecord));
    renameSync(`${file}.new`, file);
    // last: whoever reads it may kill us, and the step must be on record by then
    appendFileSync(join(this.dir, 'started'), `${request.name}\n`);
    this.#pids.set(step.id, pid);
    this.widest = Math.max(this.widest, this.#pids.size);
    return step;
  }

  override async stop(id: string): Promise<void> {
    const pid = this.#pids.get(id);
    this.#pids.delete(id);
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    await super.stop(id);
  }

  override wire(id: string, events: WireEvents): Wire {
    const talk = this.#talks.get(id);
    return talk?.wire(events) ?? super.wire(id, events);
  }

  override async close(): Promise<void> {
    clearInterval(this.#timer);
  }

  #exit(id: string): string {
    return join(this.dir, `${id}.exit`);
  }

  #look(): void {
    for (const id of this.#pids.keys()) {
      if (!existsSync(this.#exit(id))) continue;
      this.#pids.delete(id);
      this.end(id, { exitCode: Number(readFileSync(this.#exit(id), 'utf8')) });
    }
  }
}
