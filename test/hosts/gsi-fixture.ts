import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { AuthError } from '../../src/errors.js';
import type { Host } from '../../src/hosts/host.js';
import { openHost } from '../../src/hosts/open.js';
import type { GsiServerOptions } from './gsi/server.js';
import { Grid, type GsiSshd, startGsiSshd } from './gsi-sshd.js';

export interface Login {
  readonly proxy?: string;
  readonly host?: string;
  readonly gsi?: { readonly delegate: boolean };
  readonly env?: NodeJS.ProcessEnv;
}

/** A grid with a proxy for the tests of one file, and servers that end with the test that started them. */
export class GsiFixture {
  grid!: Grid;
  proxy!: string;
  readonly running: { stop(): Promise<void> }[] = [];

  constructor() {
    beforeAll(() => {
      this.grid = new Grid();
      this.proxy = this.grid.proxy('proxy');
    });
    afterEach(async () => {
      for (const server of this.running.splice(0)) await server.stop();
    });
    afterAll(() => this.grid?.remove());
  }

  async serve(options: Partial<GsiServerOptions> = {}): Promise<GsiSshd> {
    const server = await startGsiSshd(this.grid, options);
    this.running.push(server);
    return server;
  }

  open(server: GsiSshd, login: Login = {}): Promise<Host> {
    return openHost(
      { kind: 'ssh', host: login.host ?? 'box', ...(login.gsi ? { gsi: login.gsi } : {}) },
      { env: { ...server.env, X509_USER_PROXY: login.proxy ?? this.proxy, ...login.env }, connectTimeoutMs: 8_000 },
    );
  }

  /** The login fails, and its error holds no secret. */
  async failure(server: GsiSshd, login?: Login): Promise<AuthError> {
    const error = await this.open(server, login).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(AuthError);
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain('PRIVATE KEY');
    return error as AuthError;
  }
}
