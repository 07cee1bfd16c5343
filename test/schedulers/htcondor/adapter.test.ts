import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.js';
import { htcondor } from '../../../src/schedulers/htcondor/index.js';
import type { Output } from '../../../src/schedulers/job.js';
import { schedulerFor } from '../../../src/schedulers/registry.js';
import { outputOf, recorded, recordings } from '../../recordings/recordings.js';
import { job, query } from '../jobs.js';
import { thrown } from '../thrown.js';

// recorded from the adapter's own submit descriptions and commands, among others
const all = recordings('htcondor').filter(r => !/^(slots|jobs)\./.test(r.case));
const the = (name: string): Output => outputOf(recorded(all, name));
const nothing: Output = { stdout: '', stderr: '', exitCode: 0 };
const parse = (...outputs: Output[]) => htcondor.parseList(outputs, query());

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
    expect(sent.script).toContain(
      '\nrequirements = (NumJobStarts == 0) && (TARGET.FileSystemDomain =!= undefined)\nqueue 2\n',
    );
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
      'requirements = (NumJobStarts == 0)',
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
    const directives = ['+JobFlavour = "longlunch"', 'Requirements = OpSysMajorVer >= 9', 'rank = Mips'];
    expect(lines({ directives }).slice(-4)).toEqual([
      'requirements = (NumJobStarts == 0) && (OpSysMajorVer >= 9)',
      '+JobFlavour = "longlunch"',
      'rank = Mips',
      'queue 2',
    ]);
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
  it.each(all.filter(r => r.case.startsWith('submit.')))('$case is a job id', recording => {
    const id = /(?:cluster )?(\d+)\./.exec(recording.stdout)?.[1];
    expect(htcondor.parseSubmit(outputOf(recording))).toBe(id);
    const banner = `*** Welcome to 7.0 ***\n${recording.stdout}`;
    expect(htcondor.parseSubmit({ ...outputOf(recording), stdout: banner })).toBe(id);
  });

  it.each([
    ['err.submit.no-executable', "No 'executable' parameter was provided", 'profile'],
    ['err.submit.bad-initialdir', 'No such directory: /nonexistent', undefined],
    ['err.submit.bad-value', 'Parse error in expression: RequestCpus = 2 frob', 'profile'],
    ['err.submit.bad-requirements', '(Arch == "X86_64")', 'profile'],
    ['err.submit.no-equals', 'on Line 15 of submit file', 'profile'],
    ['err.submit.empty', 'no queue statement', 'profile'],
    ['err.submit.over-limit', 'Number of submitted jobs would exceed MAX_JOBS_PER_OWNER', '--nodes'],
    ['err.submit.unknown-group', 'unknown accounting group astrology', '--account'],
    [
      'err.submit.other-domain',
      "no node of this pool has this machine's FILESYSTEM_DOMAIN, login.site",
      'requirements =',
    ],
    ['down.submit', 'Failed to connect to local queue manager; CEDAR:6001:', 'try again'],
  ])("%s is refused in HTCondor's own words", (name, words, hint) => {
    const error = thrown(() => htcondor.parseSubmit(the(name)));
    expect(error.message).toContain(`HTCondor's condor_submit refused: `);
    expect(error.message).toContain(words);
    if (hint) expect(error.hint).toContain(hint);
  });

  it('no answer is none', () => {
    expect(thrown(() => htcondor.parseSubmit(nothing)).message).toContain('status 0');
    thrown(() => htcondor.parseSubmit({ ...the('submit.array'), exitCode: null }));
  });
});

describe('the queue and its history', () => {
  it('are asked in one round trip, by tag and owner; history only for known ids, and not to its beginning', () => {
    const [queue, none] = htcondor.list(query());
    expect(queue?.argv.slice(0, 3)).toEqual(['condor_q', '-allusers', '-json']);
    expect(queue?.argv.at(-1)).toBe('ScailfinTag =?= "sf-test" && Owner =?= "alice"');
    expect(none).toBeUndefined();
    const history = htcondor.list(query({ ids: ['2', '9999'] }))[1]?.argv ?? [];
    expect(history[0]).toBe('condor_history');
    // what was recorded is what is asked
    const words = recorded(all, 'status.running.adapter').cmd;
    for (const word of queue?.argv ?? []) expect(words).toContain(word);
    expect(recorded(all, 'status.some-unknown.history').cmd).toBe(history.join(' '));
  });

  it('a name with quotes stays one string', () => {
    expect(htcondor.list(query({ user: 'a"||true||"' }))[0]?.argv.at(-1)).toContain('Owner =?= "a\\"||true||\\""');
  });

  it('idle with what the negotiator said, running with node and time left, held with its reason, suspended', () => {
    const found = new Map(parse(the('status.mixed.adapter')).map(s => [s.id, s]));
    expect([...found.keys()]).toEqual(['1_0', '2_3', '3_0', '5_0', '8_0', '9_0']);
    expect(found.get('1_0')).toEqual({
      ...{ id: '1_0', jobId: '1', state: 'queued', word: 'IDLE', reason: 'no match found' },
    });
    expect(found.get('2_3')).toEqual({
      ...{ id: '2_3', jobId: '2', state: 'running', word: 'RUNNING' },
      ...{ node: expect.stringMatching(/^c[12]$/) as string, secondsLeft: expect.any(Number) as number },
    });
    expect(found.get('2_3')?.secondsLeft).toBeGreaterThan(3570);
    expect(found.get('2_3')?.secondsLeft).toBeLessThan(3595);
    expect(found.get('5_0')).toMatchObject({ state: 'held', word: 'HELD' });
    expect(found.get('5_0')?.reason).toContain('as standard output: No such file or directory');
    expect(found.get('8_0')).toMatchObject({ state: 'held', reason: 'via condor_hold (by user alice)' });
    expect(found.get('9_0')).toMatchObject({ state: 'held', word: 'SUSPENDED' });
    const said = parse(the('status.held.adapter')).find(s => s.id === '3_0');
    expect(said?.reason).toBe('waits for, you know: data (by user alice)');
  });

  it('what is over has its exit status, and who ended it', () => {
    const found = new Map(parse(the('status.mixed.adapter'), the('status.mixed.history')).map(s => [s.id, s]));
    expect([...found.values()].map(s => `${s.id} ${s.state} ${s.exitCode ?? '-'}`).sort()).toEqual([
      '1_0 queued -',
      '2_0 finished 0',
      '2_1 failed 3',
      '2_2 failed 137',
      '2_3 running -',
      '3_0 running -',
      '5_0 held -',
      '6_0 failed 127',
      '7_0 failed -',
      '8_0 held -',
      '9_0 held -',
    ]);
    expect(found.get('2_1')).toMatchObject({ word: 'COMPLETED', node: expect.stringMatching(/^c[12]$/) });
    expect(found.get('2_2')?.reason).toBe('killed by signal 9');
    expect(found.get('7_0')?.reason).toBe('The job attribute PeriodicRemove expression evaluated to TRUE');
    const cancelled = parse(nothing, the('status.cancelled.history'));
    expect(new Set(cancelled.map(s => s.state))).toEqual(new Set(['cancelled']));
    expect(cancelled[0]?.reason).toBe('via condor_rm (by user alice)');
    expect(parse(nothing, the('status.evicted.history'))[0]).toMatchObject({ id: '9_0', state: 'failed' });
  });

  it('a job that left the queue between the two answers is over', () => {
    const found = parse(the('status.running.adapter'), the('status.mixed.history')).filter(s => s.jobId === '2');
    expect(found.map(s => s.state).sort()).toEqual(['failed', 'failed', 'finished', 'running']);
  });

  it('one that was cancelled is there until its node has let go', () => {
    const found = parse(the('status.cancelled-just-now.adapter')).find(s => s.id === '12_0');
    expect(found).toMatchObject({ state: 'completing', word: 'REMOVED' });
  });

  it('after an outage jobs run on', () => {
    expect(parse(the('status.schedd-again.adapter')).map(s => s.state)).toEqual(['running']);
  });

  it('history may be missing, and other ids are not in it', () => {
    const alone = parse(the('status.running.adapter'));
    expect(parse(the('status.running.adapter'), { ...nothing, exitCode: 1 })).toEqual(alone);
    expect(parse(nothing, the('status.none.history'))).toEqual([]);
    expect(parse(nothing, the('status.some-unknown.history'))).toHaveLength(3);
  });

  it('nothing there is an answer; banners are none', () => {
    expect(parse(the('status.none.adapter'))).toEqual([]);
    expect(parse(the('status.after-all.adapter'))).toEqual([]);
    const out = the('status.running.adapter');
    expect(parse({ ...out, stdout: `[Welcome]\n${out.stdout}` })).toEqual(parse(out));
  });

  // documented, but too short to be recorded: job ClassAd attribute JobStatus
  it.each([
    [6, 'completing', 'TRANSFERRING_OUTPUT'],
    [9, 'unknown', 'JobStatus 9'],
  ])('JobStatus %i in the queue is %s', (status, state, word) => {
    const stdout = `[\n${JSON.stringify({ ClusterId: 3, ProcId: 0, JobStatus: status })}\n]\n`;
    expect(parse({ ...nothing, stdout })).toEqual([{ id: '3_0', jobId: '3', state, word }]);
  });

  it('a job that ended is over, also where the site leaves it in the queue', () => {
    const stdout = `[\n${JSON.stringify({ ClusterId: 3, ProcId: 0, JobStatus: 4, ExitCode: 3, RemoteHost: 's@c1' })}\n]\n`;
    expect(parse({ ...nothing, stdout })).toEqual([
      { id: '3_0', jobId: '3', state: 'failed', word: 'COMPLETED', node: 'c1', exitCode: 3 },
    ]);
  });

  it('the schedd down, a cut answer, a killed command: nobody is gone', () => {
    const error = thrown(() => parse(the('down.list'), the('down.history')));
    expect(error.message).toBe(
      "HTCondor's condor_q refused: Failed to fetch ads from: <10.77.1.1:9618> : login; CEDAR:6001:Failed to connect to <10.77.1.1:9618>",
    );
    expect(error.hint).toContain('try again');
    thrown(() => parse({ ...the('down.list'), exitCode: 0 }));
    const whole = the('status.running.adapter');
    thrown(() => parse({ ...whole, stdout: whole.stdout.slice(0, -20) }));
    thrown(() => parse({ ...whole, exitCode: null }));
    thrown(() => htcondor.parseList([], query()));
    expect(thrown(() => parse(the('err.status.bad-constraint'))).message).toContain('Parse error in constraint');
  });
});

describe('cancelling', () => {
  it('takes whole jobs and single ones', () => {
    expect(htcondor.cancel(['17', '18_2'], query()).argv).toEqual(['condor_rm', '17', '18.2']);
  });

  it.each([
    ...['cancel.cluster', 'cancel.one-proc', 'cancel.some-unknown', 'cancel.held', 'err.cancel.again'],
    ...['err.cancel.unknown-id', 'err.cancel.unknown-proc', 'err.cancel.nothing-there'],
    // HTCondor says the same of others' jobs as of those that are gone; they stay in the list
    'err.cancel.other-user',
  ])('%s: what is gone counts as success', name => {
    expect(() => htcondor.parseCancel(the(name))).not.toThrow();
  });

  it('the schedd down, and no answer, are failures', () => {
    expect(thrown(() => htcondor.parseCancel(the('down.cancel'))).message).toContain('Failed to connect to schedd');
    thrown(() => htcondor.parseCancel({ ...nothing, exitCode: null }));
    thrown(() => htcondor.parseCancel({ ...nothing, stderr: 'Permission denied\n', exitCode: 1 }));
  });
});
