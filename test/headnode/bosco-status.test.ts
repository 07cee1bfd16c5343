import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'scailfin-status-'));
  mkdirSync(join(dir, 'bin'));
  mkdirSync(join(dir, 'tmp'));
  writeFileSync(join(dir, 'blah.config'), 'scailfin_tag=sf-x\nscailfin_silence=60\nscailfin_cluster=\n');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const program = (name: string, body: string): void =>
  writeFileSync(join(dir, 'bin', name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });

/** The JobStatus that blahpd gets for job 17; the error if the query failed. */
function statusIn(system: 'slurm' | 'sge'): string {
  // what an earlier query said is kept for some seconds
  rmSync(join(dir, 'tmp/queue'), { force: true });
  const env = {
    ...{ PATH: `${join(dir, 'bin')}:/usr/bin:/bin`, BLAHPD_CONFIG_LOCATION: join(dir, 'blah.config') },
    GAHP_TEMP: join(dir, 'tmp'),
  };
  const args = [`templates/bosco/${system}_status.sh`, `${system}/20261128/17`];
  const { stdout } = spawnSync('bash', args, { env, encoding: 'utf8' });
  return /JobStatus=(\d)/.exec(stdout)?.[1] ?? stdout;
}

/** As if the job had been missing for a minute more. */
function later(): void {
  const mark = join(dir, 'tmp/missing/17');
  writeFileSync(mark, String(Number(readFileSync(mark, 'utf8')) - 60));
}

const [QUEUED, RUNNING, ENDED] = ['1', '2', '4'];

describe('a glide-in of BOSCO that Slurm does not show', () => {
  const silent = 'case "$*" in *--jobs*) echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1 ;; esac';

  it('keeps its state until its time is over, so that no other one is submitted for it', () => {
    program('squeue', silent);
    expect(statusIn('slurm')).toBe(QUEUED);
    program('squeue', 'echo "17 RUNNING"');
    expect(statusIn('slurm')).toBe(RUNNING);
    program('squeue', silent);
    expect(statusIn('slurm')).toBe(RUNNING);
    later();
    expect(statusIn('slurm')).toBe(ENDED);
  });

  it('has ended when Slurm says so', () => {
    program('squeue', 'case "$*" in *--jobs*) echo CANCELLED ;; esac');
    expect(statusIn('slurm')).toBe(ENDED);
  });

  it('is asked for in its cluster, and runs elsewhere if it is revoked there', () => {
    writeFileSync(join(dir, 'blah.config'), 'scailfin_tag=sf-x\nscailfin_cluster=c5\n');
    program('squeue', '[ "$SLURM_CLUSTERS" = c5 ] && echo "17 PENDING"');
    expect(statusIn('slurm')).toBe(QUEUED);
    program('squeue', 'echo "17 REVOKED"');
    expect(statusIn('slurm')).toBe(QUEUED);
  });
});

describe('a glide-in of BOSCO that Grid Engine does not show', () => {
  it('keeps its state until the accounting has it, or its time is over', () => {
    program('qstat', 'echo "     17 0.5 sf-x alice r 11/28/2026 10:00:00 all.q@c1 8"');
    program('qacct', 'echo "error: job id 17 not found" >&2; exit 1');
    expect(statusIn('sge')).toBe(RUNNING);
    program('qstat', '');
    expect(statusIn('sge')).toBe(RUNNING);
    program('qacct', 'echo "jobnumber 17"');
    expect(statusIn('sge')).toBe(ENDED);
    program('qacct', 'exit 1');
    later();
    expect(statusIn('sge')).toBe(ENDED);
  });
});
