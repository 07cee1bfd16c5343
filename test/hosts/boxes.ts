import { afterEach } from 'vitest';
import type { Host } from '../../src/hosts/host.js';
import { openHost } from '../../src/hosts/open.js';
import type { Transport } from '../../src/hosts/target.js';
import { type Sshd, type SshdOptions, startSshd } from './sshd.js';

/** Servers that each test starts as it wants them, with a host opened by `transport`; both end with the test. */
export class Boxes {
  readonly #opened: { server: Sshd; host?: Host }[] = [];

  constructor(private readonly transport?: Transport) {
    afterEach(async () => {
      for (const { server, host } of this.#opened.splice(0)) {
        await host?.close();
        await server.stop();
      }
    });
  }

  /** A server; who opens a host there closes it. */
  async server(options: SshdOptions = {}): Promise<Sshd> {
    const server = await startSshd(options);
    this.#opened.push({ server });
    return server;
  }

  async box(options: SshdOptions = {}): Promise<{ server: Sshd; host: Host }> {
    const entry: { server: Sshd; host?: Host } = { server: await startSshd(options) };
    this.#opened.push(entry);
    entry.host = await this.open(entry.server);
    return { server: entry.server, host: entry.host };
  }

  open(server: Sshd): Promise<Host> {
    const transport = this.transport;
    return openHost({ kind: 'ssh', host: 'box', ...(transport ? { transport } : {}) }, { env: server.env });
  }
}
