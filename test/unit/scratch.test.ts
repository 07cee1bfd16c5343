import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { scratchDir } from '../../src/scratch.js';

it('what a killed command left goes a day later; what another uses now stays', () => {
  const cache = mkdtempSync(join(tmpdir(), 'cache-'));
  vi.stubEnv('XDG_CACHE_HOME', cache);
  try {
    const all = join(cache, 'scailfin/scratch');
    const killed = scratchDir();
    const used = scratchDir();
    mkdirSync(join(killed, 'deep'));
    const before = (Date.now() - 25 * 3600_000) / 1000;
    utimesSync(killed, before, before);
    const own = scratchDir();
    expect(
      readdirSync(all)
        .map(name => join(all, name))
        .sort(),
    ).toEqual([used, own].sort());
    expect(statSync(own).mode & 0o777).toBe(0o700);
    rmSync(own, { recursive: true });
  } finally {
    vi.unstubAllEnvs();
    rmSync(cache, { recursive: true });
  }
});

it('says what to do where there is no place for it', () => {
  vi.stubEnv('XDG_CACHE_HOME', '/dev/null');
  try {
    expect(scratchDir).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/writable.*export XDG_CACHE_HOME=DIR$/) }),
    );
  } finally {
    vi.unstubAllEnvs();
  }
});
