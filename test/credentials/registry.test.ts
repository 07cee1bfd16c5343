import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { registryLogin, registryName } from '../../src/credentials/registry.js';
import { AuthError } from '../../src/errors.js';

describe('a login at a registry', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'scailfin-registry-'));
  });
  afterEach(() => vi.unstubAllEnvs());
  afterAll(() => rm(dir, { recursive: true, force: true }));
  const auth = (login: string) => ({ auth: Buffer.from(login).toString('base64') });
  const login = async (registry: string, config: unknown) => {
    await writeFile(join(dir, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config));
    return registryLogin(registry, dir);
  };

  it('is found by the names that programs give a registry', async () => {
    expect(await login('ghcr.io', { auths: { 'ghcr.io': auth('me:a:b') } })).toBe('me:a:b');
    expect(await login('docker.io', { auths: { 'https://index.docker.io/v1/': auth('me:x') } })).toBe('me:x');
    expect(await login('r.org:5000', { auths: { 'https://r.org:5000/v2/': auth('me:x') } })).toBe('me:x');
    expect(['https://ghcr.io/me', 'index.docker.io', 'r.org:5000'].map(registryName)).toEqual([
      'ghcr.io',
      'docker.io',
      'r.org:5000',
    ]);
    for (const odd of ['', '../x', 'a b', '-x', 'a:b', 'a\nb'])
      expect(() => registryName(odd)).toThrow('is not a registry');
  });

  it('comes from a credential helper, which is asked on its input', async () => {
    const script = `#!/bin/sh\n[ "$*" = get ] && [ "$(cat)" = ghcr.io ] && echo '{"Username":"me","Secret":"kx-helped"}'\n`;
    await writeFile(join(dir, 'docker-credential-lab'), script);
    await chmod(join(dir, 'docker-credential-lab'), 0o755);
    vi.stubEnv('PATH', `${dir}:${process.env.PATH}`);
    expect(await login('ghcr.io', { credHelpers: { 'ghcr.io': 'lab' } })).toBe('me:kx-helped');
    expect(await login('ghcr.io', { auths: { 'ghcr.io': {} }, credsStore: 'lab' })).toBe('me:kx-helped');
    await expect(login('ghcr.io', { credHelpers: { 'ghcr.io': '../evil' } })).rejects.toThrow('gave no login');
    await expect(login('r.org', { credHelpers: { 'r.org': 'lab' } })).rejects.toThrow('gave no login for r.org');
  });

  it('is missing, or is none: the error says what to type, and shows nothing of the file', async () => {
    await expect(login('ghcr.io', {})).rejects.toMatchObject({ hint: 'log in on this machine: docker login ghcr.io' });
    await expect(registryLogin('ghcr.io', join(dir, 'none'))).rejects.toThrow('there is no ');
    for (const broken of [
      '{"auths": {"ghcr.io": "kx-broken"',
      { auths: 'kx-x' },
      { auths: { 'ghcr.io': auth('kx-x') } },
    ]) {
      const error = await login('ghcr.io', broken).catch((error: Error) => error);
      expect(error).toBeInstanceOf(AuthError);
      expect(String(error)).not.toContain('kx-');
    }
  });
});
