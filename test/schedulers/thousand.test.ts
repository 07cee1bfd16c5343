import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Connections } from '../../src/cluster/connections.js';
import { type Context, jobQuery, knownIds, recordOf, type Site } from '../../src/cluster/context.js';
import { Journal } from '../../src/cluster/journal.js';
import { planCluster, planSite } from '../../src/cluster/spec.js';
import type { GlideinSettings } from '../../src/cluster/steps/glideinfiles.js';
import { submitGlideins } from '../../src/cluster/steps/glideins.js';
import type { Output, RunOptions } from '../../src/hosts/host.js';
import { LocalHost } from '../../src/hosts/local.js';
import { type SchedulerName, schedulerFor } from '../../src/schedulers/registry.js';
import { listJobs } from '../../src/schedulers/runner.js';
import { parseProfile } from '../../src/sites/profile.js';
import { type Crowded, crowd, crowded, install, type Size } from '../crowd/crowd.js';
import { temporaryState } from '../unit/temp.js';

const glideins = 1000;
temporaryState();

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'scailfin-thousand-'));
  mkdirSync(join(dir, 'crowd/site/submit'), { recursive: true });
  mkdirSync(join(dir, 'crowd/site/logs'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** This machine with a batch system's programs; what would cross the network to it is counted. */
class Login extends LocalHost {
  constructor(readonly bin: string) {
    super();
  }

  override run(argv: readonly string[], options?: RunOptions): Promise<Output> {
    return super.run(['env', `PATH=${this.bin}:${process.env.PATH}`, ...argv], options);
  }
}

/** One that only says what the batch system said to each of many submissions. */
class Quick extends LocalHost {
  #next = 0;
  submissions = 0;

  constructor(readonly answer: (n: number) => string) {
    super();
  }

  override async run(_: readonly string[], { stdin }: RunOptions = {}): Promise<Output> {
    this.submissions += 1;
    const answer = this.answer(this.#next++);
    // the first one goes with the files that it needs (src/hosts/batch.ts)
    const mark = /^printf '%s%s\\n' (\S+)/m.exec(String(stdin ?? ''))?.[1];
    const stdout = mark === undefined ? answer : ['', answer].map(said => `${mark}0\n${said}\n${mark}\n\n`).join('');
    return { stdout, stderr: '', exitCode: 0 };
  }
}

function begin(system: SchedulerName, arrays: boolean, host: LocalHost): { context: Context; site: Site } {
  const yaml = `name: crowd\ntitle: A busy site\nscheduler: {type: ${system}, arrays: ${arrays}}\n`;
  const profile = parseProfile(`${yaml}${system === 'fork' ? '' : 'login: {hosts: [login.test]}\n'}`, 'crowd.yaml');
  const spec = planSite({ nodes: glideins, cores: 1 }, profile, { sites: {} });
  const journal = Journal.open('crowd');
  journal.append({ type: 'created', id: 'c1', spec: planCluster({}, profile, { sites: {} }) });
  journal.append({ type: 'site', site: spec });
  const context = { journal, connections: new Connections(undefined), sink: () => {} };
  const probe = { base: dir, user: 'alice' } as Site['probe'];
  return { context, site: { spec, host, scheduler: schedulerFor(system), probe } };
}

const settings: GlideinSettings = {
  ...{ cluster: 'crowd', address: '192.0.2.1', port: 9618, trustDomain: 'crowd' },
  ...{ payload: '/payload', payloadGlibc: '2.36', payloadArch: 'x86_64', isRelayed: false },
};

/** Which of the batch system's programs ran, in order. */
function called(): string[] {
  const file = join(dir, 'calls');
  const names = readFileSync(file, 'utf8').trim().split('\n');
  rmSync(file);
  return names;
}

/** The programs that submit, where two of these ask the system about itself first, and those that ask for its jobs. */
const commands: { readonly [system in Crowded]: { readonly submit: string[]; readonly list: string[] } } = {
  slurm: { submit: ['sbatch'], list: ['squeue', 'sacct'] },
  torque: { submit: ['qsub'], list: ['qselect', 'qstat'] },
  pbs: { submit: ['qsub'], list: ['qselect', 'qstat', 'qstat'] },
  lsf: { submit: ['bsub', 'bsub'], list: ['bjobs', 'bhist'] },
  sge: { submit: ['qsub'], list: ['qstat', 'qacct', 'qstat'] },
  htcondor: {
    submit: ['condor_config_val', 'condor_status', 'condor_status', 'condor_submit'],
    list: ['condor_q', 'condor_history'],
  },
};

/** These ask for their own jobs alone, and get no others to tell apart. */
const choosy: readonly Crowded[] = ['slurm', 'lsf', 'htcondor'];
const sizeOf = (system: Crowded, array: boolean): Size => ({
  ...{ own: glideins, array },
  others: choosy.includes(system) ? 0 : 20_000,
});

const pool = { makeToken: async () => 'token', noteEnded: async () => {} };

describe.each(crowded)('1,000 glide-ins on a busy site with %s', system => {
  it('are one submission and, among 20,000 jobs, one query', async () => {
    const { own, programs } = crowd(system, sizeOf(system, true));
    const host = new Login(install(programs, dir));
    const { context, site } = begin(system, true, host);

    expect(await submitGlideins(context, site, settings, pool, glideins)).toBe(glideins);
    expect(called()).toEqual(commands[system].submit);
    // the submission, and with it the glide-in's files
    expect(host.roundTrips).toBe(1);

    const known = knownIds(recordOf(context).sites[0]);
    expect(known).toHaveLength(1);
    const found = await listJobs(host, site.scheduler, jobQuery('crowd', site.probe, known, site.spec));
    expect(called()).toEqual(commands[system].list);
    expect(host.roundTrips).toBe(2);
    expect(found.map(s => s.id).sort()).toEqual([...own].sort());
    expect(new Set(found.map(s => s.state))).toEqual(new Set(['running']));
  });

  it('are one query too where each is a job of its own', async () => {
    const { own, programs, query } = crowd(system, sizeOf(system, false));
    const host = new Login(install(programs, dir));
    const found = await listJobs(host, schedulerFor(system), query);
    expect(called()).toEqual(commands[system].list);
    expect(host.roundTrips).toBe(1);
    expect(found.map(s => s.id).sort()).toEqual([...own].sort());
    expect(new Set(found.map(s => s.state))).toEqual(new Set(['running']));
  });
});

describe('1,000 glide-ins where arrays are forbidden', () => {
  it('are as many submissions, each on record', async () => {
    const quick = new Quick(n => `${7_000_000 + n}.torque01\n`);
    const { context, site } = begin('torque', false, quick);
    expect(await submitGlideins(context, site, settings, pool, glideins)).toBe(glideins);
    expect(quick.submissions).toBe(glideins);
    expect(knownIds(recordOf(context).sites[0])).toEqual(crowd('torque', sizeOf('torque', false)).query.ids);
  });
});

describe('1,000 glide-ins as plain processes', () => {
  it('are one command', async () => {
    const quick = new Quick(() => '17953344191234\n');
    const { context, site } = begin('fork', true, quick);
    expect(await submitGlideins(context, site, settings, pool, glideins)).toBe(glideins);
    expect(quick.submissions).toBe(1);
    expect(site.scheduler.list(jobQuery('crowd', site.probe, ['17953344191234'], site.spec))).toHaveLength(1);
  });
});
