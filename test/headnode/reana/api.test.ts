import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Headnode } from '../../../src/headnode/component.js';
import { giveSecret, waitForAnswer } from '../../../src/headnode/reana/api.js';
import { LocalHost } from '../../../src/hosts/local.js';
import { ReanaServer } from './server.js';

const dir = mkdtempSync(join(tmpdir(), 'scailfin-api-'));
const server = new ReanaServer(() => 'right');
let port = 0;
beforeAll(async () => {
  port = await server.start(dir);
  await new Promise<void>(resolve => between.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  between.close();
  server.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** What lies between, and sees who hangs up first. */
const hungUp: string[] = [];
const between = createServer({ allowHalfOpen: true }, near => {
  const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let first: string | undefined;
  const ends = (who: string, other: Socket) => () => {
    if (first === undefined) hungUp.push(who);
    first ??= who;
    other.end();
  };
  near
    .on('error', () => {})
    .on('end', ends('scailfin', far))
    .on('close', ends('scailfin', far))
    .pipe(far, { end: false });
  far
    .on('error', () => {})
    .on('end', ends('the server', near))
    .pipe(near, { end: false });
});
const at = { host: new LocalHost(), onProgress: () => {} } as unknown as Headnode;

const gate = (): number => (between.address() as AddressInfo).port;

describe("REANA's API", () => {
  it('takes a secret, and hangs up before scailfin does', async () => {
    const began = performance.now();
    await waitForAnswer(at, gate(), Date.now() + 5000, { pollMs: 100 } as never);
    await giveSecret(at, gate(), 'right', 'pool', 'secret');
    expect(server.secrets.get('pool')).toEqual({ type: 'file', value: Buffer.from('secret').toString('base64') });
    // kubectl takes it for a broken connection if the other side hangs up first, and ends the forwarding of all
    expect(hungUp).toEqual(['the server', 'the server']);
    // and scailfin does not wait for it
    expect(performance.now() - began).toBeLessThan(2000 * 0.9);
  });

  it('is another one if it does not know the token', async () => {
    await expect(giveSecret(at, gate(), 'wrong', 'pool', 'secret')).rejects.toThrow(
      /another REANA answers on port \d+/,
    );
  });
});
