import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/paths.js';
import { wrapperScript } from '../../src/reana/wrapper.js';
import { fork } from '../../src/schedulers/fork.js';
import { launchers } from '../../src/schedulers/scheduler.js';
import { slurm } from '../../src/schedulers/slurm.js';
import { templateText } from '../../src/templates.js';
import { job } from '../schedulers/jobs.js';

const missing = spawnSync('shellcheck', ['--version']).status !== 0;

/** Complaints about a script, at least warnings; `-` reads it from stdin, as hosts do. */
function complaints(script: string, shell: 'bash' | 'sh'): string {
  const out = spawnSync('shellcheck', [`--shell=${shell}`, '--severity=warning', '--format=gcc', '-'], {
    input: script,
    encoding: 'utf8',
  });
  return out.stdout + out.stderr;
}

const names = readdirSync(join(packageRoot, 'templates'), { recursive: true, encoding: 'utf8' })
  .filter(f => f.endsWith('.sh'))
  .sort();

describe.skipIf(missing)(`shellcheck${missing ? ' (it is not installed)' : ''}`, () => {
  it('there are scripts', () => expect(names.length).toBeGreaterThan(10));

  it.each(names)('%s', name => {
    // those run as `sh -c`, or anywhere at all, must do with a plain sh
    const shell = /^(batch|step)\//.test(name) ? 'sh' : 'bash';
    expect(templateText(name)).toMatch(new RegExp(`^(#!/bin/|# shellcheck shell=)${shell}\\b`));
    expect(complaints(templateText(name), shell)).toBe('');
  });

  it.each(launchers)('the Slurm script with launcher %s', launcher => {
    const rest = { queue: 'debug', account: 'm1', gpusPerNode: 1, directives: ['-C a&b'], command: ["/a b'c", '$x'] };
    expect(complaints(slurm.submit(job({ launcher, ...rest })).script, 'bash')).toBe('');
    expect(complaints(slurm.submit(job({ launcher, arrays: false, coresPerNode: undefined })).script, 'bash')).toBe('');
  });

  it('the script of a plain process', () => {
    expect(complaints(fork.submit(job({ command: ["/a b'c", '$x'] })).script, 'bash')).toBe('');
  });

  it('the script that runs a step', () => expect(complaints(wrapperScript(), 'sh')).toBe(''));

  it('would say so', () => expect(complaints('rm $UNSET_$(x\n', 'sh')).not.toBe(''));
});
