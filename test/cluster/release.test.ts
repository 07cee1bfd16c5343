import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { prepareRootfs } from '../lab/rootfs.js';
import { scailfin, statusOf } from './helpers/cluster.js';

const reason = labUnavailable();

/** A release tarball of the shape htcondor.org publishes, one directory with bin, sbin, lib and libexec, from Debian's files. */
function makeRelease(rootfs: string): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'scailfin-release-'));
  try {
    const release = join(dir, 'condor-23.9.6-x86_64_Debian13-stripped');
    for (const part of ['bin', 'sbin', 'lib', 'libexec']) mkdirSync(join(release, part), { recursive: true });
    const copy = (from: string, to: string, pick: (name: string) => boolean): void => {
      for (const name of readdirSync(join(rootfs, from)).filter(pick)) {
        cpSync(join(rootfs, from, name), join(release, to, name), { dereference: true, recursive: true });
      }
    };
    const condor = (name: string): boolean => name.startsWith('condor_');
    copy('usr/bin', 'bin', condor);
    copy('usr/sbin', 'sbin', condor);
    copy('usr/libexec/condor', 'libexec', () => true);
    for (const lib of ['usr/lib', 'usr/lib/x86_64-linux-gnu', 'usr/lib/condor']) {
      try {
        copy(lib, 'lib', name => /^lib(condor_utils|classad|pcre2-8|uuid|SciTokens|gomp)[^/]*\.so/.test(name));
      } catch {
        // not every place exists
      }
    }
    // the published ones find their libraries relative to themselves
    for (const part of ['bin', 'sbin', 'libexec', 'lib']) {
      for (const name of readdirSync(join(release, part))) {
        const origin = part === 'lib' ? '$ORIGIN' : '$ORIGIN/../lib';
        try {
          execFileSync('patchelf', ['--set-rpath', origin, join(release, part, name)], { stdio: 'ignore' });
        } catch {
          // a script
        }
      }
    }
    execFileSync('tar', ['-C', dir, '-czf', join(dir, 'condor.tar.gz'), 'condor-23.9.6-x86_64_Debian13-stripped']);
    return readFileSync(join(dir, 'condor.tar.gz'));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

describe.skipIf(reason !== undefined)(`HTCondor from a release tarball${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  let sha256: string;
  beforeAll(async () => {
    const release = makeRelease(await prepareRootfs());
    sha256 = createHash('sha256').update(release).digest('hex');
    lab = await Lab.up({});
    await lab.write('laptop', '/home/scail/condor.tar.gz', release, { user: 'scail', mode: 0o644 });
  });
  afterAll(async () => {
    await lab?.down();
  });

  const use = (digest: string) =>
    scailfin(lab, 'laptop', [
      'config',
      'set',
      'htcondor',
      `{source: tarball, from: /home/scail/condor.tar.gz, sha256: ${digest}}`,
    ]);

  it('is refused when its digest is not the one promised, and nothing is left', async () => {
    await use('f'.repeat(64));
    const up = await scailfin(lab, 'laptop', ['up', '--site', 'lab-slurm'], { check: false });
    expect(up.exitCode).toBe(1);
    expect(up.stderr).toContain(`condor.tar.gz has sha256 ${sha256}, not ${'f'.repeat(64)}`);
    expect(await lab.leftovers()).toEqual([]);
  });

  it('makes a pool on a machine without HTCondor, with glide-ins cut from it', async () => {
    await use(sha256);
    await scailfin(lab, 'laptop', ['up', '--site', 'lab-slurm', '--walltime', '20m']);
    expect(await statusOf(lab, 'laptop', 'lab-slurm')).toMatchObject({ state: 'running', headnode: { kind: 'local' } });
    const version = await scailfin(lab, 'laptop', ['exec', '--', 'condor_version']);
    expect(version.stdout).toContain('$CondorVersion: 23.9.6');
    await scailfin(lab, 'laptop', ['down']);
    expect(await lab.leftovers()).toEqual([]);
  });

  it('is found by a module, too', { tags: ['nightly'] }, async () => {
    // stands in for Environment Modules: one function, one module, loaded by the login shell's start-up files as theirs is
    const modules =
      'module() { [ "$1 $2" = "load htcondor/23.9" ] && PATH=/opt/htcondor/bin:/opt/htcondor/sbin:$PATH; }\n';
    await lab.write('laptop', '/etc/profile.d/modules.sh', modules, { user: 'root', mode: 0o644 });
    const unpack = 'mkdir -p /opt/htcondor && tar -xzf /home/scail/condor.tar.gz -C /opt/htcondor --strip-components=1';
    await lab.exec('laptop', ['sh', '-c', unpack], { user: 'root' });
    const set = (module: string) =>
      scailfin(lab, 'laptop', ['config', 'set', 'htcondor', `{source: module, module: ${module}}`]);
    await set('htcondor/99');
    const wrong = await scailfin(lab, 'laptop', ['up', '--site', 'lab-slurm'], { check: false });
    expect(wrong.exitCode).toBe(1);
    expect(wrong.stderr).toContain('could not load module htcondor/99');
    await set('htcondor/23.9');
    await scailfin(lab, 'laptop', ['up', '--site', 'lab-slurm', '--walltime', '20m']);
    expect((await scailfin(lab, 'laptop', ['env'])).stdout).toContain('PATH=/opt/htcondor/bin:/opt/htcondor/sbin');
    expect(await statusOf(lab, 'laptop', 'lab-slurm')).toMatchObject({ state: 'running' });
    await scailfin(lab, 'laptop', ['down']);
    await use(sha256);
    expect(await lab.leftovers()).toEqual([]);
  });

  it('says so when the site’s C library is too old for it', { tags: ['nightly'] }, async () => {
    await lab.exec(
      'login',
      [
        'sh',
        '-c',
        'printf \'#!/bin/sh\\necho "glibc 2.17"\\n\' > /usr/local/bin/getconf; chmod 755 /usr/local/bin/getconf',
      ],
      { user: 'root' },
    );
    const up = await scailfin(lab, 'laptop', ['up', '--site', 'lab-slurm'], { check: false });
    expect(up.exitCode).toBe(1);
    expect(up.stderr).toMatch(/needs GNU C library 2\.\d+ or newer, alice@login has 2\.17[\s\S]*→ .*tarball/);
    await lab.exec('login', ['rm', '/usr/local/bin/getconf'], { user: 'root' });
    expect(await lab.leftovers()).toEqual([]);
  });
});
