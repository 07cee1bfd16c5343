import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobQuery } from '../../src/schedulers/job.js';
import { type SchedulerName, schedulerFor, siteSchedulers } from '../../src/schedulers/registry.js';
import { quote } from '../../src/shell.js';
import { htcondor } from './htcondor.js';
import { lsf } from './lsf.js';
import type { Own, Programs, Queue } from './parts.js';
import { pbs } from './pbs.js';
import { sge } from './sge.js';
import { slurm } from './slurm.js';
import { torque } from './torque.js';

/** How many jobs a batch system tells of. */
export interface Size {
  readonly own: number;
  /** What the adapter's command should leave out, and what it can't: see each system. */
  readonly others: number;
  /** The own ones are the tasks of one array, else each is a job. */
  readonly array: boolean;
}

/** A batch system full of jobs: its programs answer the adapter's commands in forms that were recorded. */
export interface Crowd {
  readonly query: JobQuery;
  /** Ids of the own jobs, as the adapter should tell them. */
  readonly own: readonly string[];
  readonly programs: Programs;
}

/** Not plain processes (fork): these have no queue with others in it. */
const queues = { slurm, torque, pbs, lsf, sge, htcondor } satisfies { readonly [system in SchedulerName]?: Queue };
export type Crowded = keyof typeof queues;
export const crowded = Object.keys(queues) as Crowded[];
const FIRST = 7_000_000;

export function crowd(system: Crowded, size: Size): Crowd {
  const numbers = Array.from({ length: size.own }, (_, n) => n);
  // HTCondor counts from 0, and all its jobs are in a cluster
  const [base, only] = system === 'htcondor' ? [0, '_0'] : [1, ''];
  const own = numbers.map((n): Own => (size.array ? { job: `${FIRST}`, task: n + base } : { job: `${FIRST + n}` }));
  const ids = [...new Set(own.map(one => one.job))];
  const query = { tag: 'sf-crowd', user: 'alice', ids, dir: '/scratch/alice/.scailfin/crowd/site' };
  const others = Array.from({ length: size.others }, (_, n) => `${1_000_000 + n}`);
  return {
    query,
    own: own.map(({ job, task }) => (task === undefined ? job + only : `${job}_${task}`)),
    programs: queues[system](query, own, others),
  };
}

/** Puts programs into `DIR/bin`, which write their names to `DIR/calls`. @returns where they are */
export function install(programs: Programs, dir: string): string {
  const bin = join(dir, 'bin');
  mkdirSync(bin, { recursive: true });
  // a system is only used if all of its programs are there
  const all = siteSchedulers.flatMap(system => schedulerFor(system).survey.programs);
  for (const name of all) writeFileSync(join(bin, name), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  for (const [name, answers] of Object.entries(programs)) {
    const cases = Object.entries(answers).map(([first, { stdout, stderr, exit }], n) => {
      const file = join(dir, `${name}.${n}`);
      writeFileSync(file, stdout);
      return `${first}) printf %s ${quote(stderr)} >&2; cat ${quote(file)}; exit ${exit} ;;`;
    });
    const note = `echo ${name} >>${quote(join(dir, 'calls'))}`;
    writeFileSync(join(bin, name), `#!/bin/sh\n${note}\ncase $1 in\n${cases.join('\n')}\nesac\n`, { mode: 0o755 });
  }
  return bin;
}
