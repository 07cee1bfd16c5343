import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundled } from '../../lab/bundled.js';
import { token } from './edges.js';

const program = fileURLToPath(new URL('killable.ts', import.meta.url));

/** An edge in a process of its own, to be killed and measured. */
export class ChildEdge {
  #child: ChildProcess | undefined;
  url = '';

  constructor(readonly dir: string) {}

  async start(): Promise<void> {
    const child = spawn(process.execPath, [await bundled(program), this.dir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    this.url = `http://127.0.0.1:${Number(line.toString())}`;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** The most memory it ever had, MiB. */
  get peak(): number {
    const status = readFileSync(`/proc/${this.#child?.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }

  target(path: string): string {
    return `${this.url}${path}${path.includes('?') ? '&' : '?'}access_token=${token}`;
  }

  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what tests are about
  async ask(method: string, path: string, body?: unknown): Promise<any> {
    const init = { method, body: body === undefined ? null : JSON.stringify(body) };
    return (await fetch(this.target(path), init)).json();
  }
}
