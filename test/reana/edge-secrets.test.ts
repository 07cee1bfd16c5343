import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { SecretStore } from '../../src/reana/edge/secret-store.js';

const dir = await mkdtemp(join(tmpdir(), 'scailfin-secrets-'));
afterAll(() => rm(dir, { recursive: true, force: true }));

it('gives a run what is left, if a secret is deleted while the run begins', async () => {
  const store = new SecretStore(dir);
  await store.open();
  await store.add({ KEPT: { type: 'env', value: Buffer.from('kept').toString('base64') } }, false);
  // what is listed, and not there any more when it is read
  for (let n = 0; n < 20; n++) await symlink('/nonexistent', join(dir, 'env', `GONE${n}`));
  expect(await store.forSteps()).toEqual({ environment: { KEPT: 'kept' }, dir: undefined });
});
