import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SiteProfile } from '../../src/sites/schema.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { readProfile } from '../unit/profiles.js';
import { furnishSge, furnishSlurm } from './furnish.js';
import { queueJobs, withDirective } from './jobs.js';

const reason = labUnavailable();
const skipped = reason ? ` (skipped: ${reason})` : '';
let lab: Lab;
afterAll(() => lab?.down());

/** @returns what the batch system has to say on a script that it is only asked about */
async function ask(argv: readonly string[], script: string): Promise<{ exitCode: number | null; said: string }> {
  const { exitCode, stdout, stderr } = await lab.exec('login', argv, { stdin: script, check: false });
  return { exitCode, said: stdout + stderr };
}

/** What `scailfin render` writes, as it was reviewed. */
const reviewed = (name: string): string => readFileSync(new URL(`../render/expected/${name}`, import.meta.url), 'utf8');

/** Each group becomes one Slurm, so that no two sites in it have a partition of the same name. */
const slurmGroups = [
  ['frontera', 'anvil'],
  ['nersc', 'bridges', 'stampede', 'expanse', 'delta', 'frontier', 'lumi', 'juwels'],
].map(names => names.map(readProfile));
const jobsOf = (sites: readonly SiteProfile[]) =>
  sites.flatMap(site => queueJobs(site).map(job => [`${site.name} ${job.queue}`, job, site] as const));
const sbatch = (script: string) => ask(['sbatch', '--test-only'], script);

describe.skipIf(reason !== undefined)(`jobs for the Slurm sites, asked of a Slurm like theirs${skipped}`, () => {
  beforeAll(async () => {
    await lab?.down();
    lab = await Lab.up({ site: 'slurm' });
  });

  describe.each(slurmGroups.map(sites => [sites.map(s => s.name).join(', '), sites] as const))('%s', (_, sites) => {
    beforeAll(() => furnishSlurm(lab, sites));

    // without accounting, accounts and QOS are not looked up
    it.each(jobsOf(sites))('%s: would start', async (_, { script }) => {
      expect(await sbatch(script)).toEqual({
        exitCode: 0,
        said: expect.stringMatching(/^sbatch: Job \d+ to start at /),
      });
    });

    // a QOS has limits of its own, and a profile may know none
    it.each(
      jobsOf(sites).filter(
        ([, { queue }, site]) =>
          site.scheduler.queueOption !== 'qos' &&
          site.queues[queue]?.name === undefined &&
          site.queues[queue]?.walltime,
      ),
    )('%s: would not with a minute more than the profile allows', async (_, { script, walltime }) => {
      const longer = script.replace(/--time=.*/, `--time=${walltime / 60 + 1}`);
      expect(longer).not.toBe(script);
      expect((await sbatch(longer)).said).toContain('Requested time limit is invalid');
    });
  });
});

describe.skipIf(reason !== undefined)(`other jobs, asked of the Slurm of the last group${skipped}`, () => {
  const slurmJobs = jobsOf(slurmGroups.at(-1) ?? []);

  it('the rendered job for NERSC: would start', async () => {
    expect((await sbatch(reviewed('nersc-reana/site/job.slurm'))).said).toMatch(/^sbatch: Job \d+ to start at /);
  });

  it.each([
    ['--no-such-option=1', /unrecognized option/],
    ['--partition=nowhere', /[Ii]nvalid partition/],
    ['-C haswell', /Invalid feature specification/],
    ['--gpus=h100:4', /Requested node configuration is not available/],
    ['--gres=shifter:16', /Invalid generic resource/],
  ])('%s is told apart', async (directive, words) => {
    const script = slurmJobs.find(([name]) => name === 'bridges RM')?.[1].script.replace(/.*--partition.*\n/, '') ?? '';
    expect((await sbatch(script)).exitCode).toBe(0);
    const { exitCode, said } = await sbatch(withDirective(script, '#SBATCH', directive));
    expect(exitCode).not.toBe(0);
    expect(said).toMatch(words);
  });
});

const notredame = readProfile('notredame');
const sgeJobs = queueJobs(notredame).map(job => [job.queue, job] as const);

describe.skipIf(reason !== undefined)(`jobs for Notre Dame, asked of a Grid Engine like theirs${skipped}`, () => {
  beforeAll(async () => {
    await lab?.down();
    lab = await Lab.up({ site: 'sge' });
    await furnishSge(lab, notredame);
  });
  const qsub = (script: string) => ask(['qsub', '-w', 'v'], script);

  it.each(sgeJobs)('queue %s suits them', async (_, { script }) => {
    expect(await qsub(script)).toEqual({ exitCode: 0, said: 'verification: found suitable queue(s)\n' });
  });

  it('the rendered job: suits a queue', async () => {
    expect((await qsub(reviewed('notredame/site/job.sge'))).said).toBe('verification: found suitable queue(s)\n');
  });

  it.each([
    ['-frob', /invalid option argument "-frob"/],
    ['-q nowhere', /unknown queue "nowhere"/],
    ['-l shifter=1', /unknown resource "shifter"/],
    ['-P nobody', /project "nobody"/],
    ['-pe smp 65', /only offers 0 slots[\s\S]*no suitable queues/],
  ])('%s is told apart', async (directive, words) => {
    const long = sgeJobs.find(([queue]) => queue === 'long')?.[1].script ?? '';
    const script = directive.startsWith('-pe') ? long.replace(/.*-pe smp.*\n/, '') : long;
    const { exitCode, said } = await qsub(withDirective(script, '#$', directive));
    expect(exitCode).not.toBe(0);
    expect(said).toMatch(words);
  });
});
