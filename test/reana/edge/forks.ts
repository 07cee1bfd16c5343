import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What the client printed, both streams; colours left out. */
export interface Said {
  readonly exitCode: number;
  readonly out: string;
}

/** What reana-client loads before it does anything, and what takes nearly all of its time. */
const packages = ['bravado.client', 'click', 'jsonschema', 'pkg_resources', 'snakemake', 'tablib', 'werkzeug', 'yaml'];

/** The real reana-client, each time in a process of its own, whose packages are loaded once for all. */
export class Forks {
  readonly #child: ChildProcess;
  readonly #waiting: { resolve(said: Said): void; reject(error: Error): void }[] = [];

  /**
   * @param program reana-client's path
   * @param before a command line in front, which leads to where it is to run
   */
  constructor(program: string, before: readonly string[] = []) {
    const python = join(dirname(program), 'python3');
    const server = fileURLToPath(new URL('forks.py', import.meta.url));
    const [file = '', ...args] = [...before, python, server, program, ...packages];
    // nothing of this environment's REANA
    const env = { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8', PYTHONWARNINGS: 'ignore' };
    const child = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'inherit'], detached: true });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', line => this.#waiting.shift()?.resolve(JSON.parse(line)));
    const fail = (why: string) => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`no answer from reana-client: ${why}`));
    };
    child.stdin.on('error', () => {}); // it ended: all that wait are told
    child.on('error', error => fail(error.message));
    child.on('close', (code, signal) => fail(`its processes' parent ended with ${code ?? signal}`));
  }

  /** Runs the client as a user would who has this directory, and nothing else, as home. One call waits for the other. */
  async run(cwd: string, reana: { readonly [variable: `REANA_${string}`]: string }, args: readonly string[]) {
    const env = { PATH: process.env.PATH ?? '', HOME: cwd, LC_ALL: 'C.UTF-8', PYTHONWARNINGS: 'ignore', ...reana };
    const said = await new Promise<Said>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin?.write(`${JSON.stringify({ args, cwd, env })}\n`);
    });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
    return { ...said, out: said.out.replaceAll(/\u001b\[[0-9;]*m/g, '') };
  }

  /** A call that still runs ends, too. */
  close(): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL');
  }
}
