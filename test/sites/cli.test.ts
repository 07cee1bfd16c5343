import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { register as registerConfig } from '../../src/cli/config.js';
import { register as registerSites } from '../../src/cli/sites.js';
import { packageRoot } from '../../src/paths.js';
import { temporaryConfig } from './temp.js';

temporaryConfig();
const file = join(packageRoot, 'sites', 'local.yaml');

async function run(...argv: string[]): Promise<string> {
  const printed: string[] = [];
  const out = {
    json: false,
    print: (...words: readonly unknown[]) => void printed.push(words.join('')),
    printJson: (value: unknown) => void printed.push(JSON.stringify(value, null, 2)),
  };
  const program = new Command('scailfin').exitOverride();
  registerSites(program, out);
  registerConfig(program, out);
  await program.parseAsync(argv, { from: 'user' });
  return printed.join('\n');
}

describe('scailfin sites and config', () => {
  it('list, show and validate', async () => {
    expect(await run('sites', 'list')).toMatch(/^bluewaters +retired +torque +built-in +Blue Waters/m);
    expect(JSON.parse(await run('sites', 'list', '--json'))).toHaveLength(16);
    expect(await run('sites', 'show', 'stampede')).toMatch(/^ {2}skx \* +2d +256 +60 +48 cores, 192 GiB/m);
    expect(JSON.parse(await run('sites', 'show', 'local', '--json'))).toMatchObject({ name: 'local', file });
    expect(await run('sites', 'validate', file)).toBe(`${file}: no mistakes found in site local`);
  });

  it('add', async () => {
    expect(await run('sites', 'add', file)).toMatch(/^added local as .*sites\/local\.yaml$/);
    await expect(run('sites', 'add', file)).rejects.toThrow('exists already');
    expect(JSON.parse(await run('sites', 'add', file, '--force', '--json'))).toMatchObject({ name: 'local' });
  });

  it('set, get and unset', async () => {
    expect(await run('config', 'get')).toMatch(/^nothing is set/);
    expect(await run('config', 'set', 'sites.bridges.account', 'abc')).toBe('');
    expect(await run('config', 'get', 'sites.bridges.account')).toBe('abc');
    expect(await run('config', 'get')).toBe('sites:\n  bridges:\n    account: abc');
    expect(await run('config', 'get', 'sites', '--json')).toBe(
      JSON.stringify({ bridges: { account: 'abc' } }, null, 2),
    );
    await run('config', 'set', 'sites.bridges.binds', "['$SCRATCH', '/cvmfs:ro']");
    expect(JSON.parse(await run('config', 'get', 'sites.bridges.binds', '--json'))).toEqual(['$SCRATCH', '/cvmfs:ro']);
    await run('config', 'set', 'sites.bridges.binds', '$SCRATCH');
    expect(JSON.parse(await run('config', 'get', 'sites.bridges.binds', '--json'))).toEqual(['$SCRATCH']);
    await expect(run('config', 'set', 'sites.bridges.binds', 'data')).rejects.toThrow('must be an absolute path');
    await run('config', 'unset', 'sites.bridges.binds');
    await run('config', 'unset', 'sites.bridges.account');
    await expect(run('config', 'get', 'sites.bridges.account')).rejects.toThrow('is not set');
  });
});
