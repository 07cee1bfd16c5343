import { describe, expect, it } from 'vitest';
import { SchedulerError, UsageError } from '../../src/errors.js';
import { htcondor } from '../../src/schedulers/htcondor.js';
import { schedulerFor } from '../../src/schedulers/registry.js';
import type { Output } from '../../src/schedulers/scheduler.js';
import { outputOf, recorded, recordings } from '../recordings/recordings.js';
import { job, query } from './jobs.js';

// recorded from the adapter's own submit descriptions and commands; `site.*` among the others
const all = recordings('htcondor').filter(r => r.case.startsWith('site.'));
const the = (name: string): Output => outputOf(recorded(all, `site.${name}`));
const nothing: Output = { stdout: '', stderr: '', exitCode: 0 };
const parse = (...outputs: Output[]) => htcondor.parseList(outputs, query());

const thrown = (work: () => unknown): SchedulerError => {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(SchedulerError);
    return error as SchedulerError;
  }
  throw new Error('nothing was thrown');
};
const lines = (changes: Parameters<typeof job>[0] = {}): string[] =>
  htcondor.submit(job(changes)).script.trimEnd().split('\n');

describe('what is submitted', () => {
  it('is a submit description by stdin', () => {
    const sent = htcondor.submit(job());
    expect(sent.argv.slice(0, 2)).toEqual(['sh', '-c']);
    expect(sent.argv[2]).toMatch(/^exec condor_submit -terse$/m);
    expect(sent.stdin).toBe(sent.script);
    expect(schedulerFor('htcondor')).toBe(htcondor);
  });

  it('a profile may say that the nodes share files whatever they call it: then nobody looks', () => {
    const directives = ['requirements = TARGET.FileSystemDomain =!= undefined'];
    const sent = htcondor.submit(job({ directives }));
    expect(sent.argv).toEqual(['condor_submit', '-terse']);
    expect(sent.script).toContain(`\n${directives[0]}\nqueue 2\n`);
  });

  it('says all that a glide-in needs, and nothing twice', () => {
    const asked = lines({ count: 7, account: 'group_physics.alice', gpusPerNode: 2 });
    expect(asked).toEqual([
      'universe = vanilla',
      'batch_name = sf-test',
      'transfer_executable = False',
      'should_transfer_files = NO',
      'executable = /usr/bin/env',
      'arguments = "/scratch/alice/scailfin/test/site/glidein.sh /scratch/alice/scailfin/test/site"',
      'initialdir = /scratch/alice/scailfin/test/site',
      'output = /scratch/alice/scailfin/test/site/logs/$(ClusterId)_$(ProcId).out',
      'error = /scratch/alice/scailfin/test/site/logs/$(ClusterId)_$(ProcId).out',
      "environment = \"SCAILFIN_JOB=$(ClusterId)_$(ProcId) SCAILFIN_CORES=4 SCAILFIN_MEMORY=2048 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME='$ENV(HOME)' USER='$ENV(USER)' LOGNAME='$ENV(USER)'\"",
      'request_cpus = 4',
      'request_memory = 2048M',
      'request_gpus = 2',
      'accounting_group = group_physics.alice',
      'max_retries = 0',
      'periodic_remove = (JobStatus == 2 && time() - JobCurrentStartDate > 3600) || (JobStatus == 1 && NumJobStarts > 0)',
      'leave_in_queue = False',
      'notification = Never',
      '+WantRemoteIO = False',
      '+ScailfinTag = "sf-test"',
      '+ScailfinWalltime = 3600',
      'queue 7',
    ]);
  });

  it('what is not asked for, the slot decides', () => {
    const asked = lines({ coresPerNode: undefined, memoryPerNode: undefined, count: 1 });
    expect(asked.join('\n')).not.toMatch(/request_|accounting_group/);
    expect(asked.join('\n')).toContain('SCAILFIN_CORES=$$(Cpus) SCAILFIN_MEMORY=$$(Memory) ');
    expect(asked.at(-1)).toBe('queue 1');
  });

  it('the profile adds lines of its own, before the queue statement', () => {
    const directives = ['+JobFlavour = "longlunch"', 'requirements = (OpSysMajorVer >= 9)'];
    expect(lines({ directives }).slice(-3)).toEqual([...directives, 'queue 2']);
  });

  it('arguments are whole, whatever they hold', () => {
    const command = ['/g/glidein.sh', 'a b', "it's", 'say "x"', '$(ClusterId)', ''];
    expect(lines({ command })).toContain(
      `arguments = "/g/glidein.sh 'a b' 'it''s' 'say ""x""' $(DOLLAR)(ClusterId) ''"`,
    );
  });

  it.each([
    ['queues', { queue: 'debug' }],
    ['launcher', { launcher: 'srun' as const }],
    ['directive', { directives: ['queue 100'] }],
    ['directive', { directives: ['include : /tmp/evil |'] }],
    ['directive', { directives: ['+A = "x"\nqueue 5'] }],
    ['directive', { directives: ['executable = $(HOME)/evil'] }],
    ['the account', { account: 'a b' }],
    ['the log directory', { logDir: '/home/alice/my files' }],
    ['the argument', { command: ['a\r', 'b'] }],
    ['the argument', { command: ['/g/glidein.sh', 'a\nqueue 5'] }],
  ])('%s that it has no words for are a usage error', (what, changes) => {
    expect(() => htcondor.submit(job(changes))).toThrow(UsageError);
    expect(() => htcondor.submit(job(changes))).toThrow(what);
  });
});

describe('the answer to a submission', () => {
  it.each(all.filter(r => r.case.startsWith('site.submit.')))('$case is a job id', recording => {
    const id = /(\d+)\./.exec(recording.stdout)?.[1];
    expect(htcondor.parseSubmit(outputOf(recording))).toBe(id);
    const banner = `*** Welcome to 7.0 ***\n${recording.stdout}`;
    expect(htcondor.parseSubmit({ ...outputOf(recording), stdout: banner })).toBe(id);
  });

  it.each([
    ['err.submit.no-executable', "No 'executable' parameter was provided", 'profile'],
    ['err.submit.bad-initialdir', 'No such directory: /nonexistent', undefined],
    ['err.submit.bad-value', 'Parse error in expression: RequestCpus = 2 frob', 'profile'],
    ['err.submit.bad-requirements', '(Arch == "X86_64")', 'profile'],
    ['err.submit.empty', 'no queue statement', 'profile'],
    ['down.submit', "Can't find address of local schedd", 'try again'],
  ])("%s is refused in HTCondor's own words", (name, words, hint) => {
    const error = thrown(() => htcondor.parseSubmit(the(name)));
    expect(error.message).toContain(`HTCondor's condor_submit refused: `);
    expect(error.message).toContain(words);
    if (hint) expect(error.hint).toContain(hint);
  });

  it('no answer is none', () => {
    expect(thrown(() => htcondor.parseSubmit(nothing)).message).toContain('status 0');
    thrown(() => htcondor.parseSubmit({ ...the('submit.terse'), exitCode: null }));
  });
});

describe('the queue and its history', () => {
  it('are asked in one round trip, by tag and owner; history only for known ids, and not to its beginning', () => {
    const [queue, none] = htcondor.list(query());
    expect(queue?.argv.slice(0, 3)).toEqual(['condor_q', '-allusers', '-json']);
    expect(queue?.argv.at(-1)).toBe('ScailfinTag =?= "sf-test" && Owner =?= "alice"');
    expect(none).toBeUndefined();
    const history = htcondor.list(query({ ids: ['3', '4'] }))[1]?.argv ?? [];
    expect(history[0]).toBe('condor_history');
    expect(history.slice(-4)).toEqual(['-scanlimit', '20000', '3', '4']);
    // what was recorded is what is asked
    const words = recorded(all, 'site.list.running').cmd;
    for (const word of queue?.argv ?? []) expect(words).toContain(word);
  });

  it('a name with quotes stays one string', () => {
    expect(htcondor.list(query({ user: 'a"||true||"' }))[0]?.argv.at(-1)).toContain('Owner =?= "a\\"||true||\\""');
  });

  it('idle, running with node and time left, held with its reason, suspended', () => {
    expect(parse(the('list.idle'))).toEqual(
      [0, 1, 2].map(n => ({ id: `3_${n}`, jobId: '3', state: 'queued', word: 'IDLE' })),
    );
    expect(parse(the('list.running'))[0]).toEqual({
      ...{ id: '3_0', jobId: '3', state: 'running', word: 'RUNNING', node: 'condor01', secondsLeft: 3595 },
    });
    const held = parse(the('list.walltime-over')).filter(s => s.state === 'held');
    expect(held.map(s => s.id)).toEqual(['7_0', '8_0']);
    expect(held[0]?.reason).toContain('Failed to execute');
    expect(held[1]?.reason).toContain('as standard output: No such file or directory');
    expect(parse(the('list.held')).find(s => s.id === '11_0')).toMatchObject({
      state: 'held',
      reason: 'via condor_hold (by user alice)',
    });
    expect(parse(the('list.suspended')).find(s => s.id === '17_0')).toMatchObject({ state: 'held', word: 'SUSPENDED' });
  });

  it('what is over has its exit status, and who ended it', () => {
    const found = new Map(parse(the('list.walltime-over'), the('history.all')).map(s => [s.id, s]));
    expect([...found.values()].map(s => `${s.id} ${s.state} ${s.exitCode ?? '-'}`).sort()).toEqual([
      '10_0 cancelled -',
      '10_1 cancelled -',
      '11_0 cancelled -',
      '12_0 cancelled -',
      '3_0 finished 0',
      '3_1 failed 1',
      '3_2 failed 2',
      '5_0 queued -',
      '6_0 failed 137',
      '7_0 held -',
      '8_0 held -',
      '9_0 failed -',
    ]);
    expect(found.get('3_2')).toMatchObject({ word: 'COMPLETED', node: 'condor01' });
    expect(found.get('9_0')?.reason).toContain('PeriodicRemove');
    expect(found.get('10_0')?.reason).toBe('via condor_rm (by user alice)');
  });

  it('a job that left the queue between the two answers is over', () => {
    const found = parse(the('list.running'), the('history.all')).filter(s => s.jobId === '3');
    expect(found.map(s => s.state).sort()).toEqual(['failed', 'failed', 'finished']);
  });

  it('history may be missing, and other ids are not in it', () => {
    expect(parse(the('list.running'), { ...nothing, exitCode: 1 })).toHaveLength(3);
    expect(parse(nothing, the('history.none'))).toEqual([]);
    expect(parse(nothing, the('history.some'))).toHaveLength(3);
  });

  it('nothing there is an answer; banners are none', () => {
    expect(parse(the('list.none'))).toEqual([]);
    expect(parse(the('list.after-all'))).toEqual([]);
    const out = the('list.running');
    expect(parse({ ...out, stdout: `Welcome [to 1]\n${out.stdout}` })).toHaveLength(3);
  });

  // documented, but too short to be recorded: job ClassAd attribute JobStatus
  it.each([
    [3, 'completing', 'REMOVED'],
    [4, 'completing', 'COMPLETED'],
    [6, 'completing', 'TRANSFERRING_OUTPUT'],
    [9, 'unknown', 'JobStatus 9'],
  ])('JobStatus %i in the queue is %s', (status, state, word) => {
    const stdout = JSON.stringify([{ ClusterId: 3, ProcId: 0, JobStatus: status }]);
    expect(parse({ ...nothing, stdout })).toEqual([{ id: '3_0', jobId: '3', state, word }]);
  });

  it('the schedd down, a cut answer, a killed command: nobody is gone', () => {
    const error = thrown(() => parse(the('down.list'), the('down.history')));
    expect(error.message).toBe("HTCondor's condor_q refused: Can't find address for schedd condor01");
    expect(error.hint).toContain('try again');
    thrown(() => parse({ ...the('down.list'), exitCode: 0 }));
    const whole = the('list.running');
    thrown(() => parse({ ...whole, stdout: whole.stdout.slice(0, -20) }));
    thrown(() => parse({ ...whole, exitCode: null }));
    thrown(() => htcondor.parseList([], query()));
    expect(thrown(() => parse(the('err.list.bad-constraint'))).message).toContain('Parse error in constraint');
  });
});

describe('cancelling', () => {
  it('takes whole jobs and single ones', () => {
    expect(htcondor.cancel(['17', '18_2'], query()).argv).toEqual(['condor_rm', '17', '18.2']);
  });

  it.each([
    ...['cluster', 'one-proc', 'again', 'unknown', 'unknown-proc', 'some-unknown', 'gone', 'held'],
    // HTCondor says the same of others' jobs as of those that are gone; they stay in the list
    'other-user',
  ])('cancel.%s: what is gone counts as success', name => {
    expect(() => htcondor.parseCancel(the(`cancel.${name}`))).not.toThrow();
  });

  it('the schedd down, and no answer, are failures', () => {
    expect(thrown(() => htcondor.parseCancel(the('down.cancel'))).message).toContain("Can't find address for schedd");
    thrown(() => htcondor.parseCancel({ ...nothing, exitCode: null }));
    thrown(() => htcondor.parseCancel({ ...nothing, stderr: 'Permission denied\n', exitCode: 1 }));
  });
});
