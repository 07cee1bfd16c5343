import http, { type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { StepService } from '../../jobs/step.js';
import type { Wire } from '../../jobs/wire.js';
import { isObject } from '../http/call.js';
import { Mux } from './mux.js';
import type { SessionRecord } from './record.js';
import { Saves } from './saves.js';

/** What Jupyter answers to a question of ours, at most. Bytes. */
const mostAnswer = 2 ** 20;
const patienceMs = 20_000;

/** The connection to a session that is in the pool: its wire, and Jupyter behind it. */
export class LiveSession {
  readonly #wire: Wire;
  readonly #mux: Mux;
  readonly #saves: Saves;
  #isReady = false;
  /** When a person last did something; milliseconds since 1970. */
  used = Date.now();

  constructor(
    readonly record: SessionRecord,
    steps: StepService,
    /** A directory of the edge for what comes on its way. */
    incoming: string,
    onReady: () => void,
  ) {
    this.#saves = new Saves(join(incoming, `session-${record.id}`), (archive, deleted) =>
      steps.save(record.id, archive, deleted),
    );
    this.#wire = steps.wire(record.id, {
      onBegin: () => {
        this.#isReady = false;
        this.#saves.drop();
        this.#mux.reset();
      },
      onBatch: batch => {
        try {
          this.#mux.take(batch);
        } catch {
          // what is no frame can't be followed any further
          this.close();
        }
      },
    });
    this.#mux = new Mux(
      this.#wire,
      words => {
        if (words.saved !== undefined) this.#saves.whole(words.saved);
        if (words.hello === true && words.ready !== true) this.#mux.say({ start: this.#start() });
        if (words.ready === true && !this.#isReady) {
          this.#isReady = true;
          this.used = Date.now();
          onReady();
        }
      },
      data => this.#saves.add(data),
    );
    // an earlier edge may have spoken to it; if nobody is there yet, this goes nowhere
    this.#mux.say({ reset: true });
  }

  /** Jupyter listens. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** @returns a connection to Jupyter */
  connect(): Duplex {
    return this.#mux.connect();
  }

  /** Asks the program beside Jupyter to end both; the session's step then ends with its files. */
  end(): void {
    this.#mux.say({ close: true });
  }

  close(): void {
    this.#saves.drop();
    this.#mux.reset();
    this.#wire.close();
  }

  touch(): void {
    this.used = Date.now();
  }

  /** Whether a kernel computes. @throws Error if Jupyter does not say */
  async isBusy(): Promise<boolean> {
    const kernels = await this.#ask('api/kernels');
    return Array.isArray(kernels) && kernels.some(kernel => isObject(kernel) && kernel.execution_state === 'busy');
  }

  #start(): { readonly base: string; readonly token: string } {
    return { base: `/${this.record.run}/`, token: this.record.token };
  }

  #ask(path: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const request = http.get(
        {
          path: `/${this.record.run}/${path}`,
          headers: { Host: 'localhost', Authorization: `token ${this.record.token}` },
          createConnection: () => this.connect(),
        },
        response =>
          void textOf(response)
            .then(text => resolve(JSON.parse(text)))
            .catch(reject),
      );
      request.on('error', reject);
      const late = setTimeout(() => request.destroy(new Error('Jupyter does not answer')), patienceMs);
      request.once('close', () => clearTimeout(late));
    });
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of response.setEncoding('utf8')) {
    text += part;
    if (text.length > mostAnswer) throw new Error('Jupyter answered too much');
  }
  return text;
}
