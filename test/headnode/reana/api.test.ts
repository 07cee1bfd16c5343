import { mkdtempSync, rmSync } from 'node:fs';
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
});
afterAll(() => {
  server.stop();
  rmSync(dir, { recursive: true, force: true });
});

const at = { host: new LocalHost(), onProgress: () => {} } as unknown as Headnode;

describe("REANA's API", () => {
  it('answers, and takes a secret', async () => {
    await waitForAnswer(at, port, Date.now() + 5000, { pollMs: 100 } as never);
    await giveSecret(at, port, 'right', 'pool', 'secret');
    expect(server.secrets.get('pool')).toEqual({ type: 'file', value: Buffer.from('secret').toString('base64') });
  });

  it('is that of another one if it does not know the token', async () => {
    await expect(giveSecret(at, port, 'wrong', 'pool', 'secret')).rejects.toThrow(/another REANA answers on port \d+/);
  });
});
