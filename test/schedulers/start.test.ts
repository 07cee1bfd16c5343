// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the shell's syntax
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BatchJob, Launcher } from '../../src/schedulers/job.js';
import { type SchedulerName, schedulerFor } from '../../src/schedulers/registry.js';
import { job } from './jobs.js';

/** A job of two nodes. */
const several = (changes: Partial<BatchJob> = {}): BatchJob =>
  job({
    nodes: 2,
    nodesEnvironment: 'spread-4',
    command: ['/bin/bash', '/shared/node.sh', '/shared', 'b1'],
    ...changes,
  });

const scriptOf = (type: SchedulerName, changes: Partial<BatchJob> = {}): string =>
  schedulerFor(type).submit(several(changes)).script;

/** The directives, without their mark. */
const directives = (script: string): string[] =>
  [...script.matchAll(/^#(?:SBATCH|PBS|BSUB|\$) (.*)$/gm)].map(m => m[1] as string);

/** The line that starts the glide-ins. */
const startOf = (script: string): string => /^exec (.*) \\$/m.exec(script)?.[1] ?? '';

describe('a job of several nodes asks for', () => {
  it('tasks on nodes in Slurm, and continues without a node that fails', () => {
    const asked = directives(scriptOf('slurm'));
    for (const line of [
      '--nodes=2',
      '--ntasks=2',
      '--ntasks-per-node=1',
      '--no-kill',
      '--cpus-per-task=4',
      '--mem=2048M',
    ])
      expect(asked).toContain(line);
  });

  it('nodes in Torque, where memory is that of the whole job', () => {
    const asked = directives(scriptOf('torque'));
    expect(asked).toContain('-l nodes=2:ppn=4');
    expect(asked).toContain('-l mem=4096mb');
  });

  it('chunks on different hosts in PBS, with one process in each', () => {
    const asked = directives(scriptOf('pbs'));
    expect(asked).toContain('-l select=2:ncpus=4:mem=2048mb:mpiprocs=1');
    expect(asked).toContain('-l place=scatter');
  });

  it('slots in LSF, so many on each host', () => {
    const asked = directives(scriptOf('lsf'));
    expect(asked).toContain('-n 8');
    expect(asked.join('\n')).toContain('span[ptile=4]');
  });

  it('slots of a parallel environment in Grid Engine, where memory is that of a slot', () => {
    const asked = directives(scriptOf('sge', { parallelEnvironment: 'smp' }));
    expect(asked).toContain('-pe spread-4 8');
    expect(asked).toContain('-l h_vmem=512M');
  });
});

describe('the glide-ins of a job of several nodes are started by', () => {
  const srun =
    'srun --nodes=2 --ntasks=2 --ntasks-per-node=1 --cpus-per-task="${SCAILFIN_CORES:-1}" --kill-on-bad-exit=0 --wait=0 --no-kill';
  it.each<[SchedulerName, Launcher, string]>([
    ['slurm', 'none', srun],
    ['slurm', 'srun', srun],
    ['slurm', 'ibrun', 'ibrun'],
    ['slurm', 'mpiexec', 'mpiexec -n 2'],
    ['torque', 'none', 'pbsdsh -u'],
    ['torque', 'aprun', 'aprun -b -n 2 -N 1 -d "${SCAILFIN_CORES:-1}" --'],
    ['pbs', 'none', 'pbsdsh --'],
    ['pbs', 'mpiexec', 'mpiexec -n 2'],
    ['lsf', 'none', 'blaunch -z "${hosts# }"'],
  ])('%s, launcher %s: %s', (type, launcher, words) => {
    expect(startOf(scriptOf(type, { launcher }))).toBe(words);
  });

  it('nobody else, if the job has one node', () => {
    for (const type of ['slurm', 'torque', 'pbs', 'lsf'] as const)
      expect(startOf(scriptOf(type, { nodes: 1 }))).toBe('');
  });
});

/** Runs a job script where programs of the batch system only print their name and arguments. */
function run(script: string, programs: readonly string[], env: Record<string, string>): string[] {
  const dir = mkdtempSync(join(tmpdir(), 'scailfin-start-'));
  try {
    mkdirSync(join(dir, 'bin'));
    for (const name of programs) {
      writeFileSync(join(dir, 'bin', name), `#!/bin/sh\necho "${name}$(printf ' <%s>' "$@")"\n`);
      chmodSync(join(dir, 'bin', name), 0o755);
    }
    writeFileSync(join(dir, 'node.sh'), 'echo "here$(printf \' <%s>\' "$@")"\n');
    writeFileSync(join(dir, 'hosts'), 'c1 4 all.q@c1 UNDEFINED\nc2 3 all.q@c2 UNDEFINED\nc2 1 fast.q@c2 UNDEFINED\n');
    const { stdout, stderr, status } = spawnSync('bash', [], {
      input: script.replaceAll('/shared', dir),
      env: { PATH: `${dir}/bin:/usr/bin:/bin`, PE_HOSTFILE: join(dir, 'hosts'), ...env },
      encoding: 'utf8',
    });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    const named = stdout.replaceAll(dir, '/shared').replaceAll(/<\d{10}\.\d+>/g, '<RUN>');
    return named.split('\n').filter(Boolean).sort();
  } finally {
    rmSync(dir, { recursive: true });
  }
}

describe('a job script of several nodes, run by the shell,', () => {
  const place = { dir: '/shared', logDir: '/shared/logs' };
  const node = '</bin/bash> </shared/node.sh> </shared> <b1>';

  it('gives pbsdsh all that a node must know, because pbsdsh passes no variables on', () => {
    expect(run(scriptOf('torque', place), ['pbsdsh'], { PBS_JOBID: '59[2].server', PBS_NUM_PPN: '4' })).toEqual([
      `pbsdsh <-u> ${node} <59_2> <2> <4> <2048> <RUN>`,
    ]);
    const asked = { ...place, memoryPerNode: undefined, coresPerNode: undefined };
    expect(run(scriptOf('pbs', asked), ['pbsdsh'], { PBS_JOBID: '59.server' })).toEqual([
      `pbsdsh <--> ${node} <59> <2> <-> <-> <RUN>`,
    ]);
  });

  it('names each host once to blaunch', () => {
    const env = { LSB_JOBID: '7', LSB_JOBINDEX: '1', LSB_MCPU_HOSTS: 'c1 4 c2 4', LSB_DJOB_NUMPROC: '8' };
    expect(run(scriptOf('lsf', place), ['blaunch'], env)).toEqual([
      `blaunch <-z> <c1 c2> ${node} <7_1> <2> <4> <2048> <RUN>`,
    ]);
  });

  it('starts one glide-in here and one by qrsh on each other host of Grid Engine, with the slots of all its queues', () => {
    const env = { JOB_ID: '7', SGE_TASK_ID: '1', NSLOTS: '8' };
    expect(run(scriptOf('sge', place), ['qrsh'], env)).toEqual([
      'here </shared> <b1> <7_1> <2> <4> <2048> <RUN>',
      `qrsh <-inherit> <-nostdin> <c2> ${node} <7_1> <2> <4> <2048> <RUN>`,
    ]);
  });
});
