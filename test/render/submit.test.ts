import { describe, expect, it } from 'vitest';
import { labUnavailable } from '../lab/lab.js';
import { queueJobs } from '../sites/jobs.js';
import { readProfile } from '../unit/profiles.js';
import { inRoot, type Said } from './helpers/inroot.js';
import { kindOf } from './helpers/kinds.js';
import { families, ofChoice, ofFamily } from './helpers/rendered.js';

const reason = labUnavailable();
const skipped = reason ? ` (skipped: ${reason})` : '';

const all = await Promise.all(families.map(family => ofFamily(family)));
const home = (text: string): string => text.replaceAll(/\/@\w+@/g, '/tmp/home');
const submits = new Map(
  all
    .flatMap(files => [...files].filter(([name, text]) => kindOf(name, text) === 'submit'))
    .map(([n, t]) => [n, home(t)]),
);

const edge = '/tmp/home/.scailfin/acme/pool/edge';
const stepFiles = {
  [`${edge}/wrapper/step.sh`]: '#!/bin/sh\n',
  ...Object.fromEntries(
    ['step.env', 'manifest', 'small.tar'].map(name => [
      `${edge}/steps/00000000-0000-4000-8000-000000000000/job/${name}`,
      'x',
    ]),
  ),
};

/** What condor_submit makes of a description, without a schedd: the jobs' ads. */
const dryRun = (description: string, files: Record<string, string> = stepFiles): Promise<Said> =>
  inRoot(
    'chmod -R a+rwX /tmp && cd /tmp/home && USER=alice HOME=/tmp/home _CONDOR_SUBMIT_SKIP_FILECHECK=false setpriv --reuid 2001 --regid 2001 --clear-groups condor_submit -dry-run /tmp/ads /tmp/home/x.submit && cat /tmp/ads',
    { ...files, '/tmp/home/x.submit': description, '/tmp/home/.scailfin/acme/site/logs/none': '' },
  );

describe.skipIf(reason !== undefined)(`submit descriptions, asked of condor_submit${skipped}`, () => {
  it('these are all', () => expect([...submits.keys()].sort()).toEqual(['site/job.htcondor', 'step/submit']));

  it.each([...submits])('%s: it takes all of it', async (_, text) => {
    const { exitCode, stdout, stderr } = await dryRun(text);
    // among warnings are those of commands that it does not know
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain('Requirements=');
  });

  it('a worker of a framework becomes this job, which the schedd keeps', async () => {
    const there = '/tmp/home/.scailfin/mine/pool/workers/workqueue';
    const text = (await ofChoice('local-workqueue')).get('headnode/workers/workqueue/workers.sub') ?? '';
    const files = Object.fromEntries(
      ['step.sh', 'step.env', 'manifest', 'small.tar', '7/job/none'].map(name => [`${there}/${name}`, 'x']),
    );
    const { exitCode, stdout, stderr } = await dryRun(`sum = abc\n${home(text)}queue number from (\n7\n)\n`, files);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    for (const line of [
      `Iwd="${there}/7/job"`,
      `TransferInput="${there}/step.env,${there}/manifest,${there}/small.tar"`,
      ...['RequestCpus=4', 'JobLeaseDuration=60', 'OnExitRemove=false'],
      ...['ScailfinWorker="workqueue"', 'ScailfinWorkerNumber=7', 'ScailfinWorkerSum="abc"'],
    ])
      expect(stdout.split('\n')).toContain(line);
  });

  it('a step becomes this job', async () => {
    const { stdout } = await dryRun(submits.get('step/submit') ?? '');
    for (const line of [
      `Cmd="${edge}/wrapper/step.sh"`,
      'RequestCpus=1',
      'RequestMemory=2048',
      'RequestDisk=1048576',
      'AllowedExecuteDuration=3720',
      'ScailfinStep="00000000-0000-4000-8000-000000000000"',
      'TransferInput="step.env,manifest,small.tar"',
    ])
      expect(stdout.split('\n')).toContain(line);
  });

  it('a glide-in at an HTCondor site becomes these jobs', async () => {
    const { stdout } = await dryRun(submits.get('site/job.htcondor') ?? '');
    const lines = stdout.split('\n');
    expect(lines.filter(line => line.startsWith('ProcId='))).toEqual(['ProcId=0', 'ProcId=1']);
    expect(lines).toContain('ScailfinTag="sf-acme"');
    expect(lines).toContain('RequestMemory=16384');
  });

  const cern = readProfile('cern');
  it.each(queueJobs(cern).map(job => [job.queue, job.script] as const))(
    'a glide-in at CERN of the flavour %s has a ticket',
    async (queue, script) => {
      const text = script.replaceAll('/home/alice/.scailfin/mine', '/tmp/home/.scailfin/acme');
      const { exitCode, stdout, stderr } = await dryRun(text);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      const lines = stdout.split('\n');
      for (const line of [`JobFlavour="${queue}"`, 'SendCredential=true', 'RequestCpus=8'])
        expect(lines).toContain(line);
    },
  );

  it.each(['bridges', 'notredame'])(
    'a glide-in of a pool that grows by itself at %s becomes a grid job',
    async site => {
      const text = (await ofChoice(`${site}-bosco`)).get(`grow/bosco/at_${site}/glidein.sub`) ?? '';
      const { exitCode, stdout, stderr } = await dryRun(`${home(text)}queue 2\n`);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      const lines = stdout.split('\n');
      expect(lines.filter(line => line.startsWith('ProcId='))).toEqual(['ProcId=0', 'ProcId=1']);
      for (const line of [`GridResource="batch at_${site}"`, 'JobUniverse=9', 'Iwd="/"', `ScailfinBosco="${site}"`])
        expect(lines).toContain(line);
    },
  );

  it.each([
    [
      'a command that there is not',
      (text: string) => text.replace('notification', 'notifications'),
      /notifications.*unused/,
    ],
    ['an expression without an end', (text: string) => `+Broken = (1 +\n${text}`, /Broken/],
    ['a program that is not there', (text: string) => text.replace('step.sh', 'stop.sh'), /stop\.sh/],
    ['no queue', (text: string) => text.replace(/^queue[\s\S]*/m, ''), /queue/i],
  ])('would say that there is %s', async (_, broken, words) => {
    const { exitCode, stderr } = await dryRun(broken(submits.get('step/submit') ?? ''));
    expect([exitCode, stderr]).not.toEqual([0, '']);
    expect(stderr).toMatch(words);
  });
});
