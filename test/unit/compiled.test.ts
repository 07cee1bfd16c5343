import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/paths.js';

describe('what a start does not compile again', () => {
  let dir: string;
  const at = (path: string): string => join(dir, path);

  /** The package as it was built, of which a test may change the program; nobody's settings. */
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'scailfin-compiled-'));
    for (const part of ['bin', 'dist/cli', 'package.json'])
      cpSync(join(packageRoot, part), at(part), { recursive: true, preserveTimestamps: true });
    for (const part of ['dist/parts', 'templates', 'sites']) symlinkSync(join(packageRoot, part), at(part));
    mkdirSync(at('home'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const run = (...words: string[]) => {
    const env = { PATH: process.env.PATH, HOME: at('home') };
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { env, encoding: 'utf8' });
    return { status, stdout, stderr };
  };
  const scailfin = (verb: string) => run(at('bin/scailfin.js'), verb);
  const caches = (): string[] => readdirSync(at('dist/cli')).filter(name => name.startsWith('whole.cjs.'));
  const forget = (): void => {
    for (const name of caches()) rmSync(at(`dist/cli/${name}`));
  };
  const noCluster = { status: 2, stdout: '', stderr: expect.stringContaining('error: there is no cluster') };

  it('is made by a build, for the Node.js that builds, and is taken', () => {
    expect(caches()).toEqual([expect.stringContaining(`.${process.version}-${process.arch}-`)]);
    const ask = `const { Script } = require('node:vm');
      require('node:vm').Script = class extends Script {
        constructor(...all) { super(...all); console.log('rejected: ' + this.cachedDataRejected); } };
      require(${JSON.stringify(at('bin/compiled.js'))}).compiled();`;
    expect(run('-e', ask, 'scailfin', 'list').stdout).toBe('rejected: false\n');
  });

  it('is made by the first command that may connect, where it is missing', () => {
    forget();
    const listed = scailfin('list');
    expect(listed.status).toBe(0);
    expect(caches()).toEqual([]);
    expect(scailfin('status')).toEqual(noCluster);
    expect(caches()).toHaveLength(1);
    expect(scailfin('status')).toEqual(noCluster);
    expect(scailfin('list')).toEqual(listed);
  });

  it('is made again where it is damaged', () => {
    const path = at(`dist/cli/${caches()[0]}`);
    writeFileSync(path, readFileSync(path).subarray(0, 100_000));
    expect(scailfin('status')).toEqual(noCluster);
    expect(readFileSync(path).length).toBeGreaterThan(500_000);
  });

  it('is not taken for another program of the same length', () => {
    const program = readFileSync(at('dist/cli/whole.cjs'), 'utf8');
    expect(program).toContain('"there is no cluster"');
    writeFileSync(at('dist/cli/whole.cjs'), program.replaceAll('"there is no cluster"', '"there is no Cluster"'));
    expect(scailfin('status').stderr).toContain('there is no Cluster');
  });

  it('is no more than the program, even after a command that knew secrets', () => {
    forget();
    const secret = 'correct-horse-battery-staple';
    const env = { PATH: process.env.PATH, HOME: at('home'), SECRET: secret };
    spawnSync(process.execPath, [at('bin/scailfin.js'), 'status', secret], { env });
    expect(caches()).toHaveLength(1);
    expect(readFileSync(at(`dist/cli/${caches()[0]}`)).includes(secret)).toBe(false);
  });
});
