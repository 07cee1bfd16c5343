import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Status 0: nobody answers. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Makes HTTP requests where the test itself is not, by one program for all: a Python for each takes longer than its request. */
export class Asker {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();
  #n = 0;

  /** @param argv starts asker.py there */
  constructor([file, ...args]: readonly [string, ...string[]], env: NodeJS.ProcessEnv) {
    const child = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', line => this.#hear(JSON.parse(line)));
    child.stdin.on('error', () => {}); // it ended: all that wait are told
    child.on('error', error => this.#fail(error.message));
    child.on('close', code => this.#fail(`it ended with ${code}`));
  }

  ask(request: { readonly method: string; readonly url: string; readonly body: string | null }): Promise<Answer> {
    const n = ++this.#n;
    return new Promise((resolve, reject) => {
      this.#waiting.set(n, { resolve, reject });
      this.#child.stdin?.write(`${JSON.stringify({ n, ...request })}\n`);
    });
  }

  close(): void {
    this.#child.stdin?.end();
  }

  #hear({ n, error, ...answer }: Answer & { n: number; error?: string }): void {
    const waiting = this.#waiting.get(n);
    this.#waiting.delete(n);
    if (error === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Error(error));
  }

  #fail(why: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(`no answer to a test's request: ${why}`));
    this.#waiting.clear();
  }
}
