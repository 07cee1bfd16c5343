import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

/** Gives each test an empty directory, which is the state directory as well. */
export function temporaryState(): () => string {
  let folder = '';
  let before: string | undefined;
  beforeEach(() => {
    before = process.env.XDG_STATE_HOME;
    folder = mkdtempSync(join(tmpdir(), 'scailfin-unit-'));
    process.env.XDG_STATE_HOME = folder;
  });
  afterEach(() => {
    if (before === undefined) delete process.env.XDG_STATE_HOME;
    else process.env.XDG_STATE_HOME = before;
    rmSync(folder, { recursive: true, force: true });
  });
  return () => folder;
}
