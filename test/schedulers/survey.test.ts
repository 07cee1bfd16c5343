import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { SchedulerError } from '../../src/errors.js';
import type { Output } from '../../src/schedulers/job.js';
import { type SchedulerName, schedulerFor, schedulerNames } from '../../src/schedulers/registry.js';
import type { Survey } from '../../src/schedulers/survey.js';
import { outputOf, recorded, recordings } from '../recordings/recordings.js';
import { job } from './jobs.js';

const systems = {
  slurm: recordings('slurm'),
  gridengine: recordings('gridengine'),
  openpbs: recordings('openpbs'),
  torque: recordings('torque'),
  openlava: recordings('openlava'),
};
const said = (system: keyof typeof systems, name: string): Output => outputOf(recorded(systems[system], name));
const answer = (stdout: string, stderr = '', exitCode = 0): Output => ({ stdout, stderr, exitCode });
const surveyFor = (name: SchedulerName): Survey => schedulerFor(name).survey;
const { slurm, sge, pbs, torque, lsf, htcondor } = Object.fromEntries(
  schedulerNames.map(name => [name, surveyFor(name)]),
) as Record<SchedulerName, Survey>;

describe('which system answers', () => {
  const answers: [string, Output][] = [
    ['slurm', said('slurm', 'version.sbatch')],
    ['sge', said('gridengine', 'version.qstat-help')],
    ['pbs', said('openpbs', 'version.qdel')],
    ['torque', said('torque', 'version.qstat')],
    ['lsf', said('openlava', 'version.bsub-V')],
    ['htcondor', answer('$CondorVersion: 23.9.6 2026-07-12 PackageID: 23.9.6+dfsg-2.1+b10 $\n')],
  ];
  const versions = {
    ...{ slurm: '22.05.8', sge: '8.1.9', pbs: '23.06.06', torque: '6.1.3.h5', lsf: '4.0.0', htcondor: '23.9.6' },
  };
  it.each(Object.entries(versions))('%s by its version, and no other by that', (name, version) => {
    const parse = surveyFor(name as keyof typeof versions).version.parse;
    for (const [other, out] of answers) expect(parse(out), other).toBe(other === name ? version : undefined);
  });

  it('a program that is not there, or not set up, is none', () => {
    const missing = answer('', 'sh: 1: sbatch: not found\n', 127);
    for (const survey of [slurm, sge, pbs, torque, lsf, htcondor])
      expect(survey.version.parse(missing)).toBeUndefined();
    expect(torque.version.parse(said('gridengine', 'unsupported.qstat-version'))).toBeUndefined();
    expect(slurm.version.parse(answer('', 'sbatch: fatal: Could not establish a configuration source', 1))).toBe(
      undefined,
    );
  });

  it('heirs of Grid Engine and LSF', () => {
    expect(sge.version.parse(answer('UGE 8.6.18\nusage: qstat [options]\n'))).toBe('8.6.18');
    expect(sge.version.parse(answer('GE 2011.11p1\nusage: qstat [options]\n'))).toBe('2011.11p1');
    expect(lsf.version.parse(answer('', 'IBM Spectrum LSF Standard 10.1.0.12, Jun 10 2021\n'))).toBe('10.1.0.12');
  });
});

describe('queues', () => {
  it('of Slurm, with the state of each', () => {
    const queues = slurm.queues?.parse([said('slurm', 'queues.scontrol-o-partition')]);
    const same = { walltime: 7200, nodes: 1, shared: true };
    expect(queues).toEqual([
      { name: 'normal', default: true, open: true, ...same },
      { name: 'stopped', default: false, open: false, word: 'INACTIVE', ...same },
      { name: 'down', default: false, open: true, word: 'DOWN', ...same },
      { name: 'private', default: false, open: true, nodes: 1, shared: true },
    ]);
  });

  it('of Slurm, with the nodes of which a partition has most', () => {
    const partitions = answer(
      'PartitionName=gpu Default=NO MaxNodes=4 MaxTime=2-00:00:00 OverSubscribe=EXCLUSIVE State=UP TotalNodes=12\n',
    );
    const nodes = answer('gpu|2|128|1000000|gpu:a100:4\ngpu|10|64|512000+|gpu:v100:8(S:0-1),craynetwork:4\n');
    expect(slurm.queues?.parse([partitions, nodes])).toEqual([
      {
        ...{ name: 'gpu', default: false, open: true, shared: false },
        ...{ walltime: 172800, nodes: 4, cores: 64, memory: 512000, gpus: 8 },
      },
    ]);
    expect(slurm.queues?.parse([partitions, answer('gpu|10|64|512000|(null)\n')])[0]).not.toHaveProperty('gpus');
  });

  it('of Grid Engine, with what gives several cores', () => {
    const queues = sge.queues?.parse([
      said('gridengine', 'queues.qconf-sq'),
      answer(`pe_name mpi\nslots 999\nallocation_rule $round_robin\n${said('gridengine', 'queues.qconf-sp').stdout}`),
    ]);
    expect(queues).toEqual([
      {
        ...{ name: 'all.q', default: true, open: true, shared: true },
        ...{ walltime: 7200, cores: 8, parallelEnvironment: 'smp' },
      },
    ]);
    const two = sge.queues?.parse([
      answer('qname a.q\nslots 1,[c1=8]\nh_rt INFINITY\n\nqname b.q\nslots 4\nh_rt 3600\n'),
    ]);
    expect(two?.map(q => [q.name, q.default, q.cores, q.walltime])).toEqual([
      ['a.q', false, 1, undefined],
      ['b.q', false, 4, 3600],
    ]);
  });

  it('of OpenPBS', () => {
    const queues = pbs.queues?.parse([said('openpbs', 'queues.qstat-Qf'), said('openpbs', 'server.qstat-Bf')]);
    expect(queues).toEqual([
      { name: 'workq', default: true, open: true, shared: true, walltime: 7200 },
      { name: 'stopped', default: false, open: true, shared: true, word: 'stopped' },
      { name: 'disabled', default: false, open: false, shared: true, word: 'disabled' },
      { name: 'limited', default: false, open: true, shared: true, jobs: 2 },
      { name: 'private', default: false, open: true, shared: true, word: 'only for bob' },
    ]);
  });

  it('of Torque', () => {
    const queues = torque.queues?.parse([said('torque', 'queues.qstat-Qf'), said('torque', 'server.qstat-Bf')]);
    expect(queues?.map(q => [q.name, q.default, q.open, q.word, q.walltime, q.jobs])).toEqual([
      ['batch', true, true, undefined, 7200, undefined],
      ['stopped', false, true, 'stopped', undefined, undefined],
      ['disabled', false, false, 'disabled', undefined, undefined],
      ['limited', false, true, undefined, undefined, 2],
      ['private', false, true, 'only for bob', undefined, undefined],
    ]);
  });

  it('of OpenLava', () => {
    const queues = lsf.queues?.parse([said('openlava', 'queues.bqueues-l')]);
    expect(queues?.map(q => [q.name, q.default, q.open, q.word, q.walltime])).toEqual([
      ['short', false, true, undefined, 60],
      ['normal', true, true, undefined, 7200],
      ['stopped', false, true, 'Open:Inact_Adm', undefined],
      ['closed', false, false, 'Closed:Active', undefined],
      ['private', false, true, 'only for bob', undefined],
      ['post', false, true, undefined, undefined],
    ]);
  });

  it('a system that is away is an error, not a site without queues', () => {
    const away: [typeof slurm, Output][] = [
      [slurm, answer('', 'slurm_load_partitions: Unable to contact slurm controller (connect failure)\n', 1)],
      [sge, said('gridengine', 'down.qconf--sql')],
      [pbs, said('openpbs', 'down.qstat-Q')],
      [lsf, said('openlava', 'down.mbatchd.bqueues')],
    ];
    for (const [survey, out] of away)
      expect(() => survey.queues?.parse([out, answer('')]), survey.title).toThrow(SchedulerError);
  });
});

describe('what a node has', () => {
  it('of PBS and Torque', () => {
    expect(pbs.node?.parse(said('openpbs', 'nodes.pbsnodes-a'))).toEqual({ cores: 8, memory: 24105 });
    const torqueNodes = said('torque', 'nodes.pbsnodes-a').stdout.replace(
      /status = .*physmem=([^,]*).*/,
      'physmem = $1',
    );
    expect(torque.node?.parse(answer(torqueNodes))).toEqual({ cores: 8, memory: 24105 });
    const three = 'a\n     np = 64\nb\n     np = 16\n     physmem = 1024kb\nc\n     np = 64\n';
    expect(torque.node?.parse(answer(three))).toEqual({ cores: 64 });
    expect(pbs.node?.parse(answer('', 'pbsnodes: not found', 127))).toEqual({});
  });

  it('is cut on the way as it would be there', () => {
    const out = said('torque', 'nodes.pbsnodes-a').stdout;
    const script = torque.node?.command.argv[2]?.replace('pbsnodes -a', 'cat') as string;
    const cut = execFileSync('sh', ['-c', script], { input: out, encoding: 'utf8' });
    expect(cut).toBe('torque01\n     np = 8\n     physmem = 24684084kb\n');
  });

  it('of OpenLava and HTCondor', () => {
    expect(lsf.node?.parse(said('openlava', 'nodes.bhosts-w'))).toEqual({ cores: 8 });
    // as condor 23.9.6 tells it
    expect(htcondor.node?.parse(answer('      2 8 16000\n'))).toEqual({ cores: 8, memory: 16000 });
    expect(htcondor.node?.parse(answer('', 'Error: communication error', 1))).toEqual({});
  });
});

describe('a job that is tried without being submitted', () => {
  it('goes as it would go for real', () => {
    const asked = slurm.testSubmit?.command(job({ queue: 'debug' }));
    expect(asked?.argv).toEqual(['sbatch', '--parsable', '--test-only']);
    expect(asked?.stdin).toContain('#SBATCH --partition=debug');
    expect(sge.testSubmit?.command(job({ coresPerNode: 1 })).argv).toEqual(['qsub', '-terse', '-w', 'v']);
  });

  it('Slurm takes it', () => {
    expect(slurm.testSubmit?.parse(said('slurm', 'submit.test-only'))).toBe(
      'would start at 2026-11-22T04:27:03 in normal',
    );
  });

  it('Slurm refuses it, in its words, with what to do', () => {
    const refuse = (stderr: string) => () => slurm.testSubmit?.parse(answer('', stderr, 1));
    // as Slurm 24.11 says it
    const partition = refuse(
      'sbatch: error: invalid partition specified: x\nallocation failure: Invalid partition name specified\n',
    );
    expect(partition).toThrow(/refused: Invalid partition name specified; invalid partition specified: x/);
    expect(partition).toThrow(expect.objectContaining({ hint: expect.stringContaining('--queue NAME') }));
    const account = refuse('allocation failure: Invalid account or account/partition combination specified\n');
    expect(account).toThrow(expect.objectContaining({ hint: expect.stringContaining('--account NAME') }));
  });

  it('Grid Engine takes and refuses it', () => {
    const parse = sge.testSubmit?.parse;
    expect(parse?.(said('gridengine', 'err.submit.qsub-verify'))).toBe('found suitable queue(s)');
    expect(() => parse?.(said('gridengine', 'err.submit.unknown-queue'))).toThrow(/unknown queue "nosuch.q"/);
    expect(() =>
      parse?.(answer('', 'Unable to run job: job rejected: the requested project "x" does not exist\nExiting.\n', 1)),
    ).toThrow(expect.objectContaining({ hint: expect.stringContaining('--account NAME') }));
    // it ends with 0 in some versions
    expect(() => parse?.(answer('verification: no suitable queues\n'))).toThrow(/no suitable queues/);
  });
});
