import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Host, RunOptions } from '../../src/hosts/host.js';
import type { BatchJobStatus, Output } from '../../src/schedulers/job.js';
import { schedulerFor, schedulerNames } from '../../src/schedulers/registry.js';
import { listJobs } from '../../src/schedulers/runner.js';
import { slurm } from '../../src/schedulers/slurm/index.js';
import { outputOf, recorded, recordings } from '../recordings/recordings.js';
import { job, query } from './jobs.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'scailfin-missing-'));
  mkdirSync(join(dir, 'bin'));
  mkdirSync(join(dir, 'site'));
  for (const name of ['slurm', 'pbs'] as const)
    for (const one of schedulerFor(name).survey.programs) program(one, 'exit 1');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A login node on which these programs are; commands really run. */
const host = {
  name: 'login',
  run: async ([program = '', ...args]: readonly string[], { stdin }: RunOptions = {}): Promise<Output> => {
    const env = { PATH: `${join(dir, 'bin')}:/usr/bin:/bin` };
    const { stdout, stderr, status } = spawnSync(program, args, { env, encoding: 'utf8', input: String(stdin ?? '') });
    return { stdout, stderr, exitCode: status };
  },
} as unknown as Host;

function program(name: string, body: string): void {
  writeFileSync(join(dir, 'bin', name), `#!/bin/sh\necho "$(basename "$0") $*" >>"${dir}/calls"\n${body}\n`, {
    mode: 0o755,
  });
}

const calls = (): string[] => readFileSync(join(dir, 'calls'), 'utf8').split('\n').filter(Boolean);
const ask = (ids: readonly string[], more: object = {}) => query({ ids, dir: join(dir, 'site'), ...more });
const list = (ids: readonly string[], more: object = {}, name: 'slurm' | 'pbs' | 'fork' = 'slurm') =>
  listJobs(host, schedulerFor(name), ask(ids, more));
const brief = (jobs: readonly BatchJobStatus[]): string[] => jobs.map(s => `${s.id} ${s.state} ${s.word}`);

/** What a Slurm answers without accounting, and whose queue shows nothing. */
function emptySlurm(): void {
  program(
    'squeue',
    'case "$*" in *--jobs*) echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1 ;; esac',
  );
  program('sacct', 'echo "Slurm accounting storage is disabled" >&2; exit 1');
}

const mark = (id: string): string => join(dir, 'site/missing', id);
/** As if the job had been missing for so many seconds more. */
const age = (id: string, seconds: number): void =>
  writeFileSync(mark(id), String(Number(readFileSync(mark(id), 'utf8')) - seconds));

describe('a job that the queue does not show', () => {
  it('is unknown, until it has been missing for as long as Slurm may take', async () => {
    emptySlurm();
    expect(brief(await list(['17']))).toEqual(['17 unknown missing']);
    age('17', 60);
    const [still] = await list(['17']);
    expect(still?.missing?.seconds).toBeGreaterThanOrEqual(60);
    expect(still?.reason).toMatch(/^Slurm has not shown it for 1:0\d; it counts as over after 2:00$/);
    age('17', 60);
    expect(brief(await list(['17']))).toEqual(['17 finished forgotten']);
  });

  it('that is shown again begins anew when it is missing the next time', async () => {
    emptySlurm();
    await list(['17']);
    age('17', 110);
    program('squeue', 'echo "17|17|RUNNING|10:00|n1|None|sf-test"');
    expect(brief(await list(['17']))).toEqual(['17 running RUNNING']);
    expect(existsSync(mark('17'))).toBe(false);
    emptySlurm();
    expect((await list(['17']))[0]?.missing?.seconds).toBeLessThan(60);
  });

  it('ends by what Slurm says when it is asked for the id', async () => {
    emptySlurm();
    program('squeue', 'case "$*" in *--jobs=17*) echo "17|17|CANCELLED|INVALID||None|sf-test" ;; esac');
    expect(brief(await list(['17']))).toEqual(['17 cancelled CANCELLED']);
  });

  it('stays over once Slurm has said so, although it forgets the job', async () => {
    emptySlurm();
    program('squeue', 'echo "17|17|COMPLETED|INVALID||None|sf-test"');
    expect(brief(await list(['17']))).toEqual(['17 finished COMPLETED']);
    emptySlurm();
    expect(brief(await list(['17']))).toEqual(['17 finished forgotten']);
    // unless it comes back
    program('squeue', 'echo "17|17|RUNNING|10:00|n1|None|sf-test"');
    await list(['17']);
    emptySlurm();
    expect(brief(await list(['17']))).toEqual(['17 unknown missing']);
  });

  it('may be known to the accounting a moment later', async () => {
    emptySlurm();
    program('sacct', `[ -e "${dir}/asked" ] && echo "17|COMPLETED|0:0|n1"; : >"${dir}/asked"`);
    expect(brief(await list(['17']))).toEqual(['17 finished COMPLETED']);
  });

  it('is another one with that number, if its name or user is another', async () => {
    emptySlurm();
    program('squeue', 'case "$*" in *--jobs=17*--federation*) echo "17|17|COMPLETED|INVALID||None|other" ;; esac');
    const [found] = await list(['17']);
    expect(found?.state).toBe('unknown');
  });

  it('costs one more round trip only until it is over', async () => {
    emptySlurm();
    await list(['17']);
    age('17', 300);
    rmSync(join(dir, 'calls'));
    await list(['17']);
    expect(calls()).toHaveLength(2);
  });

  it('a site may say another time, and an unwritable directory leaves it unknown', async () => {
    emptySlurm();
    await list(['17'], { silence: 600 });
    age('17', 300);
    expect(brief(await list(['17'], { silence: 600 }))).toEqual(['17 unknown missing']);
    expect(brief(await list(['17'], { silence: 300 }))).toEqual(['17 finished forgotten']);
    expect(brief(await list(['18'], { dir: join(dir, 'gone') }))).toEqual(['18 unknown missing']);
    expect(readdirSync(dir)).not.toContain('gone');
  });

  it('a plain process that is not in /proc is over at once', async () => {
    const jobs = await list(['17'], {}, 'fork');
    expect(brief(jobs)).toEqual(['17 finished forgotten']);
  });
});

describe('a job in another cluster of Slurm', () => {
  const c5 = `case "$*" in *--clusters=c5*) echo "17|17|PENDING|1:00:00||Priority|sf-test" ;; esac`;

  it('keeps its cluster, and is listed and cancelled there', async () => {
    const id = slurm.parseSubmit({ stdout: '17;c5\n', stderr: '', exitCode: 0 });
    expect(id).toBe('17;c5');
    program('squeue', c5);
    program('sacct', '');
    expect(brief(await list([id]))).toEqual(['17;c5 queued PENDING']);
    expect(calls().every(call => call.includes('--clusters=c5'))).toBe(true);
    expect(slurm.cancel([id, '18_2;c5'], ask([id])).argv).toEqual(['scancel', '--clusters=c5', '17', '18_2']);
  });

  it('is found by its name, where a profile or its directives name the cluster', async () => {
    program('squeue', c5);
    expect(brief(await list([], { clusters: ['c5'] }))).toEqual(['17;c5 queued PENDING']);
    expect(slurm.clustersIn?.(['-C haswell', '--clusters=c5,c6', '-M c7'])).toEqual(['c5', 'c6', 'c7']);
    expect(slurm.submit(job({ cluster: 'c5' })).argv).toEqual(['sbatch', '--parsable', '--clusters=c5']);
  });

  it('several clusters are asked one by one, and each has its own numbers', async () => {
    program('squeue', `${c5}\ncase "$*" in *--clusters*) ;; *) echo "17|17|RUNNING|10:00|n1|None|sf-test" ;; esac`);
    program('sacct', '');
    expect(brief(await list(['17', '17;c5']))).toEqual(['17 running RUNNING', '17;c5 queued PENDING']);
    program('scancel', '');
    const { argv } = slurm.cancel(['17', '17;c5'], ask([]));
    await host.run(argv);
    expect(calls().slice(-2)).toEqual(['scancel 17', 'scancel --clusters=c5 17']);
  });

  it('that is revoked in one cluster of a federation runs in another', async () => {
    emptySlurm();
    const fed = 'case "$*" in *--federation*) echo "17|17|RUNNING|10:00|n1|None|sf-test" ;;';
    program('squeue', `${fed} *) echo "17|17|REVOKED|INVALID||None|sf-test" ;; esac`);
    expect(brief(await list(['17;c5']))).toEqual(['17;c5 running RUNNING']);
    program('squeue', 'echo "17|17|REVOKED|INVALID||None|sf-test"');
    expect(brief(await list(['17;c5']))).toEqual(['17;c5 unknown missing']);
  });
});

describe('PBS without a job history', () => {
  beforeEach(() => {
    program('qselect', '');
    program(
      'qstat',
      'for id; do case $id in -*) ;; *) echo "qstat: Unknown Job Id $id.pbs01" >&2 ;; esac; done; exit 153',
    );
  });

  it('does not know an id: that ends no job that it has not shown', async () => {
    expect(brief(await list(['17'], {}, 'pbs'))).toEqual(['17 unknown missing']);
  });

  it('does not know an id whose cancellation it accepted: the job is over', async () => {
    expect(brief(await list(['17'], { cancelled: ['17'] }, 'pbs'))).toEqual(['17 finished forgotten']);
    program('qstat', 'echo "Connection refused" >&2; exit 111');
    expect(brief(await list(['17'], { cancelled: ['17'] }, 'pbs'))).toEqual(['17 unknown missing']);
  });
});

describe('asked for an id', () => {
  it.each([
    ['slurm', 'slurm', 'err.status.unknown-id.squeue-h'],
    ['torque', 'torque', 'err.status.unknown-id.qstat-x'],
    ['pbs', 'openpbs', 'err.status.unknown-id.qstat-x-histon'],
    ['lsf', 'openlava', 'err.status.unknown-id.bjobs-w'],
    ['sge', 'gridengine', 'err.status.unknown-id.qstat-j'],
  ] as const)('%s denies it, as recorded', (name, file, recording) => {
    const { inquiry } = schedulerFor(name);
    const out = outputOf(recorded(recordings(file), recording));
    const ids = ['99999', '9999'];
    expect(inquiry?.parse([out], ids, query())).toEqual({
      jobs: [],
      denied: name === 'slurm' ? ids : expect.arrayContaining(['99999']),
    });
    expect(inquiry?.parse([{ ...out, exitCode: null, stderr: '' }], ids, query())).toEqual({ jobs: [], denied: [] });
  });

  it.each(schedulerNames)('%s: the time has a source', name => {
    const { absence } = schedulerFor(name);
    expect(absence.source).toMatch(/\(\d\w?\)|manual/);
    expect(absence.seconds).toBeLessThanOrEqual(300);
  });
});
