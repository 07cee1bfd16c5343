import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostName, Lab } from '../lab/lab.js';
import { type Action, meeting, type Trace } from './point.js';

export interface Question extends Action {
  readonly what: 'before' | 'after' | 'fault';
}

/** The other side of what `observe.ts` does: this process waits there for the command, and lets it go on. */
export class Meeting {
  readonly #dir: string;
  #answered = 0;

  /** @param host where the command runs; its files are seen through its first process */
  constructor(lab: Lab, host: HostName) {
    this.#dir = join('/proc', String(lab.pidOf(host)), 'root', meeting);
    rmSync(this.#dir, { recursive: true, force: true });
    mkdirSync(this.#dir);
    chmodSync(this.#dir, 0o777);
  }

  /** Acts on each question until the command has ended. */
  async attend(ended: Promise<unknown>, act: (question: Question) => Promise<void>): Promise<void> {
    let isOver = false;
    void ended.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      const next = join(this.#dir, `ask.${this.#answered + 1}`);
      if (!existsSync(next)) {
        await sleep(15);
        continue;
      }
      await act(JSON.parse(readFileSync(`${next}~`, 'utf8')));
      this.#answered += 1;
      writeFileSync(join(this.#dir, `go.${this.#answered}`), '');
    }
  }

  trace(): Trace[] {
    const file = join(this.#dir, 'trace');
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
    return lines.map(line => JSON.parse(line));
  }
}
