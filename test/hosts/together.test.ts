import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runAll } from '../../src/hosts/batch.js';
import { LocalHost } from '../../src/hosts/local.js';
import { putting, requirePut } from '../../src/hosts/transfer.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scailfin-together-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('several commands in one round trip', () => {
  it('get each their own input, whether they read it or not', async () => {
    const host = new LocalHost();
    const outs = await runAll(host, [
      { argv: ['cat'], stdin: 'one\nå' },
      { argv: ['true'], stdin: 'x'.repeat(200_000) },
      { argv: ['head', '-n', '1'], stdin: 'first\nsecond\n' },
      { argv: ['cat'] },
      { argv: ['cat'], stdin: 'last' },
    ]);
    expect(outs.map(({ stdout }) => stdout.replace(/\n$/, ''))).toEqual(['one\nå', '', 'first', '', 'last']);
    expect(host.roundTrips).toBe(1);
  });

  it('need no long command line, however long they are', async () => {
    const host = new LocalHost();
    const lines: number[] = [];
    const run = host.run.bind(host);
    host.run = (argv, options) => {
      lines.push(argv.join(' ').length);
      return run(argv, options);
    };
    const long = 'å'.repeat(40_000);
    const [, said] = await runAll(host, [{ argv: ['true', long] }, { argv: ['echo', long] }]);
    expect(said?.stdout.trimEnd()).toBe(long);
    expect(Math.max(...lines)).toBeLessThan(100);
  });

  it('go on after a failure, or stop there', async () => {
    const commands = [
      { argv: ['true'] },
      { argv: ['sh', '-c', 'echo why >&2; exit 3'], stdin: 'x' },
      { argv: ['true'] },
    ];
    const all = await runAll(new LocalHost(), commands);
    expect(all.map(({ exitCode }) => exitCode)).toEqual([0, 3, 0]);
    const some = await runAll(new LocalHost(), commands, { stopAtFailure: true });
    expect(some.map(({ exitCode, stderr }) => [exitCode, stderr.trim()])).toEqual([
      [0, ''],
      [3, 'why'],
    ]);
  });

  it('can be files to put, with no content in any argument', async () => {
    const files = [
      { path: join(dir, 'a b', 'token'), content: "secret's\n", mode: 0o600 },
      { path: join(dir, 'run.sh'), content: '#!/bin/sh\n', mode: 0o700 },
    ];
    const command = putting(files);
    expect(command.argv.join(' ')).not.toContain('secret');
    const [put, then] = await runAll(new LocalHost(), [command, { argv: ['cat', join(dir, 'a b', 'token')] }]);
    requirePut({ name: 'here' }, files, put as never);
    expect(then?.stdout).toContain("secret's");
    expect((await stat(join(dir, 'run.sh'))).mode & 0o777).toBe(0o700);
    const bad = [{ path: `${join(dir, 'run.sh')}/under`, content: '', mode: 0o600 }];
    const [failed, never] = await runAll(new LocalHost(), [putting(bad), { argv: ['touch', join(dir, 'never')] }], {
      stopAtFailure: true,
    });
    expect(never).toBeUndefined();
    expect(() => requirePut({ name: 'here' }, bad, failed as never)).toThrow('run.sh/under');
    await expect(readFile(join(dir, 'never'))).rejects.toThrow('ENOENT');
  });
});
