import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RecordedSystem, recorded, recordings } from '../recordings/recordings.js';

// the scripts with which blahpd submits to, asks and cancels at PBS, Torque and LSF, on what these were recorded to say

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'scailfin-jobs-'));
  for (const name of ['bin', 'tmp', 'etc', 'libexec']) mkdirSync(join(dir, name));
  writeFileSync(join(dir, 'etc/blah.config'), 'scailfin_silence=60\n');
  writeFileSync(join(dir, 'etc/environment'), 'export LSF_ENVDIR=/site\n');
  writeFileSync(join(dir, 'job'), '#!/bin/bash\n#BSUB -rn\n#BSUB -R "rusage[mem=100MB]"\n');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const program = (name: string, body: string): void =>
  writeFileSync(join(dir, 'bin', name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });

/** A program that says what the real one was recorded to say. */
function says(name: string, system: RecordedSystem, which: string): void {
  const { stdout, stderr, exit } = recorded(recordings(system), which);
  writeFileSync(join(dir, 'tmp/out'), stdout);
  writeFileSync(join(dir, 'tmp/err'), stderr);
  program(name, `cat "${dir}/tmp/out"; cat "${dir}/tmp/err" >&2; exit ${exit}`);
}

function call(system: 'pbs' | 'lsf', verb: string, ...args: string[]) {
  rmSync(join(dir, 'tmp/queue'), { force: true });
  const script = join(dir, 'libexec', `${system}_${verb}`);
  rmSync(script, { force: true });
  symlinkSync(resolve(`templates/bosco/${system}_jobs.sh`), script);
  rmSync(join(dir, 'libexec/jobs.sh'), { force: true });
  symlinkSync(resolve('templates/bosco/jobs.sh'), join(dir, 'libexec/jobs.sh'));
  const env = {
    ...{ PATH: `${join(dir, 'bin')}:/usr/bin:/bin`, BLAHPD_CONFIG_LOCATION: join(dir, 'etc/blah.config') },
    GAHP_TEMP: join(dir, 'tmp'),
  };
  return spawnSync('bash', [script, ...args], { env, encoding: 'utf8' });
}
/** The JobStatus of a job; the error if the query failed. */
const statusOf = (system: 'pbs' | 'lsf', id: string): string => {
  const { stdout } = call(system, 'status.py', '-w', `${system}/20261129/${id}`);
  return /JobStatus=(\d)/.exec(stdout)?.[1] ?? stdout.trim();
};
/** The number of the job that a recorded command asks for. */
const idIn = (system: RecordedSystem, which: string): string =>
  /\d+/.exec(recorded(recordings(system), which).cmd.replace(/^\S+/, ''))?.[0] as string;

/** As if the job had been missing for a minute more. */
function later(id: string): void {
  const mark = join(dir, 'tmp/missing', id);
  writeFileSync(mark, String(Number(readFileSync(mark, 'utf8')) - 60));
}

const [QUEUED, RUNNING, ENDED] = ['1', '2', '4'];

describe.each(['torque', 'openpbs'] as const)('a glide-in of BOSCO on %s', system => {
  it.each([
    ['status.running.qstat-f', RUNNING],
    ['status.held.qstat-f', QUEUED],
    ['status.queued-stopped-queue.qstat-f', QUEUED],
    ['status.finished-ok.qstat-f', ENDED],
    ['status.finished-exit3.qstat-f', ENDED],
    ['status.cancelled-pending.qstat-f', ENDED],
  ])('%s', (which, expected) => {
    const id = idIn(system, which);
    program('qselect', `echo ${id}.server`);
    says('qstat', system, which);
    expect(statusOf('pbs', id)).toBe(expected);
  });

  it('keeps its state while the server does not know it, until its time is over', () => {
    program('qselect', 'echo 17.server');
    program('qstat', 'printf "Job Id: 17.server\\n    job_state = R\\n"');
    expect(statusOf('pbs', '17')).toBe(RUNNING);
    program('qselect', ':');
    says('qstat', system, 'err.status.unknown-id-server.qstat-f');
    expect(statusOf('pbs', '17')).toBe(RUNNING);
    later('17');
    expect(statusOf('pbs', '17')).toBe(ENDED);
  });

  it('is unknown while the server is away', () => {
    says('qselect', system, system === 'torque' ? 'down.qstat' : 'down.qselect');
    program('qstat', 'exit 1');
    expect(statusOf('pbs', '17')).toMatch(/^1Error: .*(Unable to communicate|Connection refused)/);
    expect(call('pbs', 'ping.sh').stdout).toMatch(/^1 /);
  });

  it('is cancelled, also if it is over, and not if it is of somebody else', () => {
    for (const which of ['cancel.running', system === 'torque' ? 'cancel.finished' : 'cancel.exiting']) {
      says('qdel', system, which);
      expect(call('pbs', 'cancel.sh', 'pbs/20261129/17').stdout, which).toBe(' 0 No\\ error\n');
    }
    says('qdel', system, 'cancel.other-user');
    expect(call('pbs', 'cancel.sh', 'pbs/20261129/17').stdout).toMatch(/^ 159 qdel:\\ Unauthorized\\ Request/);
  });
});

describe('the job of BOSCO', () => {
  it('goes to qsub as it is, and its id is found behind banners', () => {
    program('qsub', 'cat >"$0.got"; echo "Welcome 2026"; echo 17.server.example');
    expect(call('pbs', 'submit.sh', '-c', '/bin/true').stdout).toMatch(/^BLAHP_JOBID_PREFIXpbs\/\d{8}\/17\n$/);
    expect(readFileSync(join(dir, 'bin/qsub.got'), 'utf8')).toBe(readFileSync(join(dir, 'job'), 'utf8'));
    says('qsub', 'torque', 'err.submit.filter-refuses');
    const refused = call('pbs', 'submit.sh');
    expect([refused.status, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toContain('your group has no time left');
  });

  it('goes to bsub, as OpenLava understands it, with what a login there sets', () => {
    const bsub = (version: string) =>
      program(
        'bsub',
        `[ "$1" = -V ] && { echo "${version}"; exit; }
echo "$LSF_ENVDIR" >"$0.got"; cat >>"$0.got"; echo "Job <17> is submitted to queue <normal>."`,
      );
    bsub('IBM Spectrum LSF 10.1');
    expect(call('lsf', 'submit.sh').stdout).toMatch(/^BLAHP_JOBID_PREFIXlsf\/\d{8}\/17\n$/);
    const job = readFileSync(join(dir, 'job'), 'utf8');
    expect(readFileSync(join(dir, 'bin/bsub.got'), 'utf8')).toBe(`/site\n${job}`);
    bsub('OpenLava 4.0.0');
    call('lsf', 'submit.sh');
    expect(readFileSync(join(dir, 'bin/bsub.got'), 'utf8')).toBe('/site\n#!/bin/bash\n#BSUB -R "rusage[mem=100]"\n');
    program('bsub', 'echo "nosuch: No such queue. Job not submitted." >&2; exit 255');
    expect(call('lsf', 'submit.sh')).toMatchObject({ status: 1, stdout: '' });
  });
});

describe('a glide-in of BOSCO on LSF', () => {
  it.each([
    ['status.running.bjobs-a-w', RUNNING],
    ['status.held-psusp.bjobs-a-w', QUEUED],
    ['status.exit137.bjobs-a-w', ENDED],
  ])('%s', (which, expected) => {
    says('bjobs', 'openlava', which);
    expect(statusOf('lsf', idIn('openlava', which))).toBe(expected);
  });

  it('keeps its state while LSF does not show it, or its node is away, until its time is over', () => {
    program('bjobs', 'echo "17 alice RUN normal login c1 sf-x Nov 29 10:00"');
    expect(statusOf('lsf', '17')).toBe(RUNNING);
    program('bjobs', 'echo "17 alice UNKWN normal login c1 sf-x Nov 29 10:00"');
    expect(statusOf('lsf', '17')).toBe(RUNNING);
    says('bjobs', 'openlava', 'err.status.unknown-id.bjobs-w');
    expect(statusOf('lsf', '17')).toBe(RUNNING);
    later('17');
    expect(statusOf('lsf', '17')).toBe(ENDED);
  });

  it('is unknown while LSF does not answer', () => {
    program('bjobs', 'exit 124');
    expect(statusOf('lsf', '17')).toBe('1Error: the batch system did not answer in time');
    says('bjobs', 'openlava', 'down.mbatchd.bjobs');
    expect(statusOf('lsf', '17')).toMatch(/^1Error: .*not responding/);
  });

  it('is cancelled, also if it is over, and not if it is of somebody else', () => {
    for (const which of ['cancel.running', 'cancel.finished']) {
      says('bkill', 'openlava', which);
      expect(call('lsf', 'cancel.sh', 'lsf/20261129/17').stdout, which).toBe(' 0 No\\ error\n');
    }
    program('bkill', 'echo "Job <17>: User permission denied" >&2; exit 255');
    expect(call('lsf', 'cancel.sh', 'lsf/20261129/17').stdout).toMatch(/^ 255 Job/);
  });
});
