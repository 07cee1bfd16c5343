import type { ChildProcess } from 'node:child_process';
import type { Wire, WireEvents } from '../../src/reana/jobs/wire.js';

/** The input and output of a session's program, in the place of templates/session/channel.sh: a line with a length, and a batch. */
export class Talk {
  #events: WireEvents | undefined;
  #hasBegun = false;
  #held = Buffer.alloc(0);

  constructor(private readonly child: ChildProcess) {
    child.stdin?.on('error', () => {});
    child.stdout?.on('data', (data: Buffer) => {
      this.#held = Buffer.concat([this.#held, data]);
      this.#tell();
    });
  }

  wire(events: WireEvents): Wire {
    this.#events = events;
    // as from files, nothing is heard before the wire is there
    setImmediate(() => this.#tell());
    return {
      send: batch =>
        new Promise((resolve, reject) => {
          this.child.stdin?.write(batch, error => (error ? reject(error) : resolve()));
        }),
      close: () => {
        this.#events = undefined;
      },
    };
  }

  #tell(): void {
    for (;;) {
      const line = this.#held.indexOf('\n');
      const end = line + 1 + Number(this.#held.subarray(0, Math.max(0, line)));
      if (!this.#events || line < 0 || this.#held.length < end) return;
      const batch = this.#held.subarray(line + 1, end);
      this.#held = this.#held.subarray(end);
      if (!this.#hasBegun) this.#events.onBegin();
      this.#hasBegun = true;
      this.#events.onBatch(batch);
    }
  }
}
