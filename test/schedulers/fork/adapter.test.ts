import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SchedulerError } from '../../../src/errors.js';
import type { Host, Output, RunOptions } from '../../../src/hosts/host.js';
import { LocalHost } from '../../../src/hosts/local.js';
import { machineText, thisMachine } from '../../../src/hosts/machine.js';
import { fork } from '../../../src/schedulers/fork/index.js';
import { type BatchJob, type BatchJobStatus, isOver, type JobQuery } from '../../../src/schedulers/job.js';
import { cancelJobs, listJobs } from '../../../src/schedulers/runner.js';
import { submitOnce } from '../../../src/schedulers/submission.js';
import { job, query } from '../jobs.js';

const host = new LocalHost();
let dir = '';
let tag = '';
let serial = 0;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'scailfin-fork-'));
  mkdirSync(join(dir, 'logs'));
  mkdirSync(join(dir, 'submit'));
  tag = `sf-t${process.pid}-${++serial}`;
});

// whatever a test did or failed to do, nothing of it stays
afterEach(() => {
  for (const pid of pids()) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it ended by itself
    }
  }
  rmSync(dir, { recursive: true, force: true });
});

/** Processes with the test's tag, by looking ourselves. */
function pids(): number[] {
  return readdirSync('/proc')
    .filter(p => /^\d+$/.test(p))
    .filter(p => {
      try {
        return readFileSync(`/proc/${p}/environ`, 'utf8').split('\0').includes(`SCAILFIN_TAG=${tag}`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** A glide-in that is a shell script. */
function glidein(script: string, changes: Partial<BatchJob> = {}): BatchJob {
  const file = join(dir, `glidein${++serial}.sh`);
  writeFileSync(file, `#!/bin/bash\n${script}\n`, { mode: 0o755 });
  return job({ tag, dir, logDir: join(dir, 'logs'), count: 1, command: [file], ...changes });
}

const ask = (ids: readonly string[] = [], changes: Partial<JobQuery> = {}): JobQuery =>
  query({ tag, dir, ids, ...changes });
const list = (ids: readonly string[] = []): Promise<BatchJobStatus[]> => listJobs(host, fork, ask(ids));
const submit = (what: BatchJob, label = 'b1', on: Host = host, ids: string[] = []): Promise<string[]> =>
  submitOnce(on, fork, what, label, ask(ids));

/** Looks until the answer suits; fails with the last one. */
async function until(
  ids: string[],
  suits: (jobs: BatchJobStatus[]) => boolean,
  seconds = 15,
): Promise<BatchJobStatus[]> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const jobs = await list(ids);
    if (suits(jobs)) return jobs;
    if (Date.now() > end) throw new Error(`still ${JSON.stringify(jobs)}`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}
const allOver = (jobs: BatchJobStatus[]): boolean => jobs.length > 0 && jobs.every(s => isOver(s.state));
const byId = (jobs: BatchJobStatus[]): BatchJobStatus[] => [...jobs].sort((a, b) => a.id.localeCompare(b.id));

describe.skipIf(!existsSync('/proc/self/environ'))('glide-ins as processes', () => {
  it('run, each under an id of its own, and outlive the shell that began them', async () => {
    const [id] = await submit(glidein('sleep 60', { count: 2, walltime: 600 }));
    const jobs = byId(await list([id as string]));
    expect(jobs.map(s => [s.id, s.jobId, s.state])).toEqual([
      [`${id}_1`, id, 'running'],
      [`${id}_2`, id, 'running'],
    ]);
    for (const s of jobs) {
      expect(s.secondsLeft).toBeGreaterThan(590);
      expect(s.secondsLeft).toBeLessThanOrEqual(600);
      expect(s.node).toBe(execFileSync('hostname', { encoding: 'utf8' }).trim());
    }
  });

  it('get what was asked for, and their arguments as they are', async () => {
    const odd = ['a b', "it's", '$HOME `id` $(id)', 'x;y|z&', '*', '', 'new\nline', 'é "ü"'];
    const what = glidein(`printf '%s|' "$SCAILFIN_JOB" "$SCAILFIN_CORES" "$SCAILFIN_MEMORY" "$@" >'${dir}/seen'`);
    const [id] = await submit({
      ...what,
      coresPerNode: 3,
      memoryPerNode: undefined,
      command: [...what.command, ...odd],
    });
    await until([id as string], allOver);
    expect(readFileSync(join(dir, 'seen'), 'utf8').split('|')).toEqual([
      `${id}_1`,
      '3',
      '',
      ...odd.join('|').split('|'),
      '',
    ]);
  });

  it('tell their exit status, and write their output where it was asked for', async () => {
    const [good] = await submit(glidein('echo fine; exit 0'), 'b1');
    const [bad] = await submit(glidein('echo dreadful >&2; exit 3'), 'b2');
    const jobs = await until([good, bad] as string[], all => all.length === 2 && allOver(all));
    expect(jobs.find(s => s.jobId === good)).toMatchObject({ state: 'finished', word: 'exited', exitCode: 0 });
    expect(jobs.find(s => s.jobId === bad)).toMatchObject({ state: 'failed', word: 'exited', exitCode: 3 });
    expect(readFileSync(join(dir, 'logs', `${good}_1.out`), 'utf8')).toBe('fine\n');
    expect(readFileSync(join(dir, 'logs', `${bad}_1.out`), 'utf8')).toBe('dreadful\n');
  });

  it('end at their walltime', async () => {
    const [id] = await submit(glidein('sleep 60', { walltime: 1 }));
    const [over] = await until([id as string], allOver);
    // timeout(1) says 124
    expect(over).toMatchObject({ state: 'failed', exitCode: 124 });
    expect(pids()).toEqual([]);
  });

  it('a program that is not there has failed, with the reason in its output', async () => {
    const [id] = await submit({ ...glidein('true'), command: ['/nonexistent/glidein.sh'] });
    const [over] = await until([id as string], allOver);
    expect(over).toMatchObject({ state: 'failed', exitCode: 127 });
    expect(readFileSync(join(dir, 'logs', `${id}_1.out`), 'utf8')).toContain('/nonexistent/glidein.sh');
  });

  it('one of two is cancelled, the other runs on', async () => {
    const [id] = await submit(glidein('sleep 60', { count: 2 }));
    await cancelJobs(host, fork, [`${id}_1`], ask([id as string]));
    const jobs = byId(await list([id as string]));
    expect(jobs.map(s => [s.id, s.state])).toEqual([
      [`${id}_1`, 'cancelled'],
      [`${id}_2`, 'running'],
    ]);
    await cancelJobs(host, fork, [id as string], ask([id as string]));
    expect((await list([id as string])).every(s => s.state === 'cancelled')).toBe(true);
    expect(pids()).toEqual([]);
  });

  it('of eleven, number 1 is not number 11', async () => {
    const [id] = await submit(glidein('sleep 60', { count: 11 }));
    await cancelJobs(host, fork, [`${id}_1`], ask([id as string]));
    const jobs = await list([id as string]);
    expect(jobs.filter(s => s.state === 'running')).toHaveLength(10);
    expect(jobs.find(s => s.id === `${id}_1`)?.state).toBe('cancelled');
  });

  it('one that ends in order when told to has the time for it', async () => {
    const [id] = await submit(
      glidein(`trap 'sleep 1; echo tidy >"${dir}/tidy"; exit 0' TERM; echo up; sleep 60 & wait`),
    );
    await until([id as string], () => readFileSync(join(dir, 'logs', `${id}_1.out`), 'utf8') !== '');
    await cancelJobs(host, fork, [id as string], ask([id as string]));
    expect(readFileSync(join(dir, 'tidy'), 'utf8')).toBe('tidy\n');
    expect((await list([id as string])).map(s => s.state)).toEqual(['cancelled']);
  });

  it('those that ignore TERM, and their children, are killed', async () => {
    const stubborn = `trap '' TERM; (trap '' TERM; setsid sleep 61) & echo up; while :; do sleep 1; done`;
    const [id] = await submit(glidein(stubborn));
    await until([id as string], () => readFileSync(join(dir, 'logs', `${id}_1.out`), 'utf8') !== '');
    expect(pids().length).toBeGreaterThan(2);
    await cancelJobs(host, fork, [id as string], ask([id as string]));
    expect(pids()).toEqual([]);
    expect((await list([id as string])).map(s => s.state)).toEqual(['cancelled']);
  });

  it('cancelling what is over, or never was, is fine and changes nothing', async () => {
    const [id] = await submit(glidein('exit 4'));
    await until([id as string], allOver);
    await cancelJobs(host, fork, [id as string, '12345'], ask([id as string]));
    expect((await list([id as string])).map(s => [s.state, s.exitCode])).toEqual([['failed', 4]]);
  });

  it('another cluster on the same machine is left alone', async () => {
    const [id] = await submit(glidein('sleep 60'));
    await cancelJobs(host, fork, [id as string], {
      ...ask([id as string]),
      tag: `${tag}x`,
      dir: join(dir, 'elsewhere'),
    });
    expect((await list([id as string])).map(s => s.state)).toEqual(['running']);
    expect(await listJobs(host, fork, { ...ask(), tag: `${tag}x`, dir: join(dir, 'elsewhere') })).toEqual([]);
  });

  it('are found by their tag when their directory was deleted under them', async () => {
    const [id] = await submit(glidein('sleep 60', { count: 2 }));
    await until([id as string], jobs => jobs.length === 2 && jobs.every(s => s.state === 'running'));
    rmSync(join(dir, 'jobs'), { recursive: true });
    const jobs = byId(await list());
    expect(jobs.map(s => [s.id, s.jobId, s.state])).toEqual([
      [`${id}_1`, id, 'running'],
      [`${id}_2`, id, 'running'],
    ]);
    await cancelJobs(host, fork, [id as string], ask());
    expect(pids()).toEqual([]);
    expect(await list()).toEqual([]);
  });

  it('one that was killed from outside has vanished, which is a failure with a reason', async () => {
    const [id] = await submit(glidein('sleep 60'));
    for (const pid of pids()) process.kill(pid, 'SIGKILL');
    const [gone] = await until([id as string], allOver);
    expect(gone).toMatchObject({ state: 'failed', word: 'vanished' });
    expect(gone?.reason).toContain('without an exit status');
  });

  it('a directory that cannot be written refuses, and starts nothing', async () => {
    writeFileSync(join(dir, 'jobs'), 'a file');
    await expect(submit(glidein('sleep 60'))).rejects.toThrow(SchedulerError);
    expect(pids()).toEqual([]);
  });
});

/** This machine, but what `distort` makes of the first submission's answer. */
function flaky(distort: (out: Output) => Output | Error): Host {
  let first = true;
  const run = async (argv: readonly string[], options?: RunOptions): Promise<Output> => {
    const out = await host.run(argv, options);
    if (!first || !argv.includes('fork-submit')) return out;
    first = false;
    const answer = distort(out);
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { name: 'flaky', run } as unknown as Host;
}

describe.skipIf(!existsSync('/proc/self/environ'))('submitting once', () => {
  it('the same label again is the same job', async () => {
    const what = glidein('sleep 60');
    const first = await submit(what);
    expect(await submit(what)).toEqual(first);
    expect(await list(first)).toHaveLength(1);
    const second = await submit(what, 'b2');
    expect(second).not.toEqual(first);
    expect(await list([...first, ...second])).toHaveLength(2);
  });

  it('two at once with the same label are one job', async () => {
    const what = glidein('sleep 60');
    const ids = await Promise.all([submit(what), submit(what), submit(what)]);
    expect(new Set(ids.flat()).size).toBe(1);
    expect(await list(ids.flat())).toHaveLength(1);
  });

  it('a connection that breaks with the answer loses no job', async () => {
    const what = glidein('sleep 60');
    await expect(
      submit(
        what,
        'b1',
        flaky(() => new Error('the connection broke')),
      ),
    ).rejects.toThrow('connection broke');
    const ids = await submit(what);
    expect(ids).toHaveLength(1);
    expect((await list(ids)).map(s => s.jobId)).toEqual(ids);
  });

  it('a time-out of the batch system that took the job all the same: it is adopted', async () => {
    const late = flaky(() => ({ stdout: '', stderr: 'Socket timed out on send/recv operation\n', exitCode: 1 }));
    const ids = await submit(glidein('sleep 60'), 'b1', late);
    expect(ids).toHaveLength(1);
    expect((await list(ids)).map(s => [s.jobId, s.state])).toEqual([[ids[0], 'running']]);
  });

  it('a job that is known already is not adopted in its place', async () => {
    const known = await submit(glidein('sleep 60'), 'b1');
    const refusing = flaky(() => ({ stdout: '', stderr: 'no such queue\n', exitCode: 1 }));
    const nowhere = { ...glidein('sleep 60'), logDir: '/nonexistent' };
    await expect(submit(nowhere, 'b2', refusing, known)).rejects.toThrow('no such queue');
  });

  it('a refusal stays a refusal, in its own words, without a second try', async () => {
    writeFileSync(join(dir, 'jobs'), 'a file');
    const what = glidein('sleep 60');
    const words = await submit(what).then(
      () => '',
      (error: Error) => error.message,
    );
    expect(words).toContain('jobs');
    rmSync(join(dir, 'jobs'));
    await expect(submit(what)).rejects.toThrow(words);
    expect(pids()).toEqual([]);
  });

  it('a job of another machine, which shares its files, is unknown; one of a machine that was restarted is over', async () => {
    const [id = ''] = await submit(glidein('sleep 60'));
    const file = join(dir, 'jobs', id, 'machine');
    expect(readFileSync(file, 'utf8').trim()).toBe(machineText(thisMachine()));
    for (const pid of pids()) process.kill(pid, 'SIGKILL');
    await until([id], allOver);
    writeFileSync(file, 'login1 11111111-2222-3333-4444-555555555555\n');
    await expect(list([id])).rejects.toThrow(/the glide-ins run on login1, if they run; this is /);
    writeFileSync(file, `${thisMachine().name} 11111111-2222-3333-4444-555555555555\n`);
    expect(await list([id])).toMatchObject([{ state: 'failed', reason: 'the machine was restarted' }]);
  });

  it('a cluster that is being taken down takes no more', async () => {
    writeFileSync(join(dir, 'closed'), '');
    await expect(submit(glidein('sleep 60'))).rejects.toThrow('being taken down');
    expect(pids()).toEqual([]);
  });
});
