import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

/** Gives each test an empty configuration directory of its own; the function tells where its scailfin directory is. */
export function temporaryConfig(): () => string {
  let folder = '';
  let before: string | undefined;
  beforeEach(() => {
    before = process.env.XDG_CONFIG_HOME;
    folder = mkdtempSync(join(tmpdir(), 'scailfin-sites-'));
    process.env.XDG_CONFIG_HOME = folder;
  });
  afterEach(() => {
    if (before === undefined) delete process.env.XDG_CONFIG_HOME;
    else process.env.XDG_CONFIG_HOME = before;
    rmSync(folder, { recursive: true, force: true });
  });
  return () => join(folder, 'scailfin');
}
