import { type ChildProcess, spawn } from 'node:child_process';
import { commandLine } from '../src/shell.js';

/** The command line that runs `argv` on a pseudo terminal, its input and output being ours: script(1). */
export function onTerminal(argv: readonly string[]): string[] {
  // wide, so that no line is broken
  const command = `stty cols 250; exec ${commandLine(argv)}`;
  return ['script', '--quiet', '--return', '--command', command, '/dev/null'];
}

/** A conversation with a command on a pseudo terminal, as a person has it. */
export class Terminal {
  #shown = '';
  #seen = 0;
  readonly #ended: Promise<number | null>;

  /** @param child a process whose command line came from `onTerminal` */
  constructor(private readonly child: ChildProcess) {
    child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      this.#shown += part;
    });
    child.stderr?.setEncoding('utf8').on('data', (part: string) => {
      this.#shown += part;
    });
    this.#ended = new Promise(resolve => child.once('close', resolve));
  }

  static start(argv: readonly string[], env: NodeJS.ProcessEnv): Terminal {
    const [file, ...args] = onTerminal(argv) as [string, ...string[]];
    return new Terminal(spawn(file, args, { env: { TERM: 'xterm', ...env } }));
  }

  /** All that was on the screen so far, without colours and cursor movements. */
  get shown(): string {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
    return this.#shown.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '').replace(/\r/g, '');
  }

  /** Waits for something that was not there at the last `until`. */
  async until(text: RegExp, timeoutMs = 20_000): Promise<void> {
    for (const end = Date.now() + timeoutMs; Date.now() < end; ) {
      const at = this.shown.slice(this.#seen).search(text);
      if (at >= 0) {
        this.#seen = this.shown.length;
        return;
      }
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    this.child.kill();
    throw new Error(`no ${text} on the terminal:\n${this.shown.slice(this.#seen)}`);
  }

  type(text: string): void {
    this.child.stdin?.write(text);
  }

  /** The exit status. */
  async end(timeoutMs = 60_000): Promise<number | null> {
    let late: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      late = setTimeout(() => {
        this.child.kill();
        reject(new Error(`not done in ${timeoutMs / 1000} s:\n${this.shown}`));
      }, timeoutMs);
    });
    try {
      return await Promise.race([this.#ended, limit]);
    } finally {
      clearTimeout(late);
    }
  }
}
