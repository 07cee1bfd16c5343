import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { ScailfinError } from '../../src/errors.js';
import { Collector } from '../../src/hosts/collect.js';
import type { Host } from '../../src/hosts/host.js';
import { LocalHost } from '../../src/hosts/local.js';
import { openHost } from '../../src/hosts/open.js';
import { type Sshd, startSshd } from '../hosts/sshd.js';
import { attack } from './attack.js';

const MiB = 1024 * 1024;
const held = (): number => {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + Math.max(external, arrayBuffers);
};

/** A login shell that knows the mark of our commands (src/hosts/channel.ts), says it, and then what it likes. */
const liar = (says: string): string => `#!/bin/bash
words=$(printf '%s' "$2" | sed -n "s/.*printf %s%s:%s: \\([0-9a-f]*\\) \\([0-9a-f]*\\) .*/\\1 \\2/p")
read -r one two <<<"$words"
err=$two$one
mark=$one$two
${says}
`;
const endless = 'exec head -c 4000000000 /dev/zero';

describe('a host that says too much', () => {
  let dir = '';
  let servers: Sshd[] = [];
  let hosts: Host[] = [];
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'scailfin-output-'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  afterEach(async () => {
    for (const host of hosts) await host.close();
    for (const server of servers) await server.stop();
    [servers, hosts] = [[], []];
  });

  async function login(shell?: string): Promise<Host> {
    const file = join(dir, 'shell');
    if (shell !== undefined) writeFileSync(file, shell, { mode: 0o755 });
    const server = await startSshd(shell === undefined ? {} : { shell: file });
    servers.push(server);
    const host = await openHost({ kind: 'ssh', host: 'box' }, { env: server.env });
    hosts.push(host);
    return host;
  }

  /** How the work ended, in words, how long it took and what memory was needed meanwhile. */
  async function cost(work: () => Promise<unknown>): Promise<{ error: unknown; ms: number; bytes: number }> {
    const before = held();
    let most = 0;
    const look = setInterval(() => {
      most = Math.max(most, held() - before);
    }, 20);
    const start = performance.now();
    const error = await work().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    clearInterval(look);
    return { error, ms: performance.now() - start, bytes: Math.max(most, held() - before) };
  }

  for (const where of ['this machine', 'a login node'] as const) {
    attack(
      { by: 'a login node', on: 'here', what: `fills the memory by a command without end, on ${where}` },
      async count => {
        const host = where === 'this machine' ? new LocalHost() : await login();
        for (const stream of [1, 2]) {
          const script = `echo $$ >${join(dir, 'pid')}; exec yes scailfin-endless >&${stream}`;
          const { error } = await cost(() => host.run(['sh', '-c', script], { mostBytes: 2 * MiB }));
          expect(error).toBeInstanceOf(ScailfinError);
          const { message, hint } = error as ScailfinError;
          expect(message).toMatch(/^on .+: sh -c .*yes scailfin-endless.* printed more than 2 MiB, and was ended$/);
          expect(message).toContain(host.name);
          expect(hint).toBe('let the command write to a file, and download the file');
          const { stdout } = await new LocalHost().run([
            'sh',
            '-c',
            `! kill -0 $(cat ${join(dir, 'pid')}) 2>/dev/null`,
          ]);
          expect(stdout).toBe('');
          count();
        }
        const { error, bytes } = await cost(() => host.run(['head', '-c', String(3_000 * MiB), '/dev/zero']));
        expect((error as Error).message).toContain('printed more than 64 MiB');
        expect(bytes).toBeLessThan(400 * MiB);
        count();
        // as much as is allowed is whole
        const most = await host.run(['head', '-c', String(2 * MiB), '/dev/zero'], { mostBytes: 2 * MiB });
        expect(most.stdout.length).toBe(2 * MiB);
      },
      120_000,
    );
  }

  attack(
    { by: 'a login node', on: 'here', what: 'fills the memory by single bytes, an object for each' },
    async count => {
      const pieces = 3_000_000;
      const stream = new Readable({ read() {} });
      const collector = new Collector(stream, 'it');
      (globalThis as { gc?: () => void }).gc?.();
      const before = held();
      for (let n = 0; n < pieces; n++) stream.emit('data', Buffer.from([97]));
      (globalThis as { gc?: () => void }).gc?.();
      expect(collector.text.length).toBe(pieces);
      expect(held() - before).toBeLessThan(120 * MiB);
      count();
    },
  );

  attack(
    { by: 'a login node', on: 'here', what: 'says the mark of a command and never its process id' },
    async () => {
      const host = await login(liar(`printf %s "$mark:"; printf %s "$err" >&2; ${endless}`));
      const { error, ms, bytes } = await cost(() => host.run(['true'], { timeoutMs: 3_000 }));
      expect(error).toBeInstanceOf(ScailfinError);
      expect(ms).toBeLessThan(20_000);
      expect(bytes).toBeLessThan(200 * MiB);
    },
    60_000,
  );

  attack(
    { by: 'a login node', on: 'here', what: 'prints start-up noise without end' },
    async () => {
      const host = await login(`#!/bin/bash\n${endless}\n`);
      const { error, ms, bytes } = await cost(() => host.run(['true'], { timeoutMs: 3_000 }));
      expect((error as Error).message).toContain('did not end in 3 s');
      expect(ms).toBeLessThan(20_000);
      expect(bytes).toBeLessThan(200 * MiB);
    },
    60_000,
  );

  const sizes = { 'never tells the size of a file': '', 'gives more of a file than it told': 'echo 10;' };
  for (const [what, first] of Object.entries(sizes)) {
    attack(
      { by: 'a login node', on: 'here', what: `fills memory or disk in a download: ${what}` },
      async () => {
        const host = await login(liar(`printf %s "$mark:$$:"; printf %s "$err" >&2; ${first} ${endless}`));
        const to = join(dir, 'file');
        const { error, ms, bytes } = await cost(() => host.download('/etc/hostname', to));
        expect(error).toBeInstanceOf(ScailfinError);
        expect((error as Error).message).toMatch(/did not send the size|more than the 10 bytes/);
        expect(ms).toBeLessThan(20_000);
        expect(bytes).toBeLessThan(200 * MiB);
        expect(existsSync(to)).toBe(false);
      },
      60_000,
    );
  }
});
