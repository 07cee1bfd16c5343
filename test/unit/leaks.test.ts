import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { top } from '../setup/programs.js';

const canary = 'kx-canary-4Wd8';

describe('the watch over the tests’ secrets', () => {
  it('sees a command line with one', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'scailfin-leaks-'));
    const found = join(dir, 'found');
    const watcher = spawn(join(top, 'node_modules/.bin/tsx'), ['test/setup/leaks.ts', found, canary], { cwd: top });
    const careless = spawn('bash', ['-c', 'read -r line', 'scailfin', canary]);
    try {
      const text = () => readFileSync(found, { encoding: 'utf8', flag: 'a+' });
      await expect.poll(text, { timeout: 60_000 }).toContain(`in the command line of bash (process ${careless.pid})`);
      expect(text()).not.toContain(canary);
    } finally {
      careless.kill();
      watcher.kill();
      rmSync(dir, { recursive: true });
    }
  });
});
