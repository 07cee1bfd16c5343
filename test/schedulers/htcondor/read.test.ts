import { describe, expect, it } from 'vitest';
import { read } from '../../../src/schedulers/htcondor/read.js';
import { outputOf, type Recording, recorded, recordings } from '../../recordings/recordings.js';
import { answersAnything } from '../hostile.js';

const all = recordings('htcondor');
const understood = (r: Recording) => read(r.cmd, outputOf(r));
const the = (name: string) => understood(recorded(all, name));
const covered = new Set<string>();
const family = (pattern: RegExp): Recording[] => {
  const found = all.filter(r => pattern.test(r.case));
  expect(found.length, `cases like ${pattern}`).toBeGreaterThan(0);
  for (const r of found) covered.add(r.case);
  return found;
};
/** `3_0 running, 2_1 failed 3`. */
const told = (name: string): string => {
  covered.add(name);
  const { jobs, error } = the(name);
  const list = jobs.map(j => [j.id, j.state, j.exit].filter(x => x !== undefined).join(' ')).join(', ');
  return error ? `error: ${error}` : list;
};
const kinds = (rs: Recording[]) => new Set(rs.map(r => understood(r).kind));

const MIXED = '1_0 queued, 2_3 running, 3_0 running, 5_0 held, 8_0 held, 9_0 held';

describe('every recorded command of HTCondor is understood', () => {
  it('submissions tell the cluster', () => {
    const some = family(/^(err\.|down\.)?submit\b/).filter(r => !r.cmd.startsWith('sh ') && !r.cmd.startsWith('_'));
    expect(kinds(some)).toEqual(new Set(['submit']));
    for (const r of some) expect([r.case, understood(r).error !== undefined]).toEqual([r.case, r.exit !== 0]);
    expect(['array', 'array-human', 'human', 'with-warning'].map(name => told(`submit.${name}`))).toEqual(
      ['2', '4', '3', '11'], //
    );
    expect(told('err.submit.unknown-group')).toMatch(/^error: Failed to commit.*; unknown accounting group astrology$/);
    expect(told('err.submit.over-limit')).toContain('would exceed MAX_JOBS_PER_OWNER');
    expect(told('err.submit.empty')).toContain('no queue statement');
    expect(told('err.submit.no-file')).toContain('nosuch.sub');
    expect(told('down.submit')).toBe(
      'error: Failed to connect to local queue manager; CEDAR:6001:Failed to connect to <10.77.1.1:9618>',
    );
  });

  it('the queue, in all its forms', () => {
    expect(told('status.mixed.adapter')).toBe(MIXED);
    expect(the('status.mixed.adapter').jobs[4]?.reason).toBe('via condor_hold (by user alice)');
    const others = '2_3 running, 3_0 running, 4_0 running, 4_2 running, 5_0 held, 8_0 held, 9_0 held';
    expect(told('status.mixed.condor_q-nobatch')).toBe(`1_0 queued, ${others}`);
    expect(told('status.mixed.condor_q-af')).toBe(`1_0 queued, ${others}, 10_0 running`);
    expect(told('status.mixed.condor_q-af-ids')).toBe(MIXED);
    expect(told('status.mixed.condor_q-hold')).toBe('5_0 held, 8_0 held');
    for (const form of ['condor_q-hold', 'condor_q-af', 'condor_q-long', 'condor_q-xml']) {
      const reason = the(`status.mixed.${form}`).jobs.find(j => j.id === '8_0')?.reason;
      expect([form, reason]).toEqual([form, 'via condor_hold (by user alice)']);
    }
    expect(told('status.mixed.condor_q-long')).toBe('8_0 held, 9_0 held');
    expect(told('status.mixed.condor_q-xml')).toBe('8_0 held, 9_0 held');
    expect(told('status.mixed.condor_q-json-user')).toBe('10_0 running');
    expect(told('status.mixed.condor_q-totals')).toBe('');
    // a batch of several clusters tells its ends, and one that is partly over no more than that
    expect(told('status.mixed.condor_q')).toBe('1_0, 9_0, 4_0 running, 4_2 running');
    expect(told('status.running.condor_q')).toBe('1_0, 11_0, 4_0 running, 4_1 running, 4_2 running');
    expect(told('status.array-running.condor_q')).toBe('4_0 running, 4_1 running, 4_2 running');
    expect(told('status.running.condor_q-run').split(', ')).toHaveLength(12);
    expect(new Set(the('status.running.condor_q-run').jobs.map(j => j.state))).toEqual(new Set(['running']));
    expect(told('status.running.adapter')).toMatch(/^1_0 queued, 2_0 running, .* 5_0 held, .* 11_0 running$/);
    // released, but a glide-in runs only once
    expect(told('status.held.adapter')).toMatch(/3_0 held, 5_0 held, 8_0 queued, 9_0 running$/);
  });

  it('by name, in whatever dress, with sentences and batch names of several words', () => {
    for (const form of ['labels', 'headings', 'tabs', 'commas']) {
      expect([form, told(`status.odd.condor_q-af-${form}`)]).toEqual([form, '1_0 running, 1_1 held, 1_2 running']);
      expect(the(`status.odd.condor_q-af-${form}`).jobs[1]?.reason).toBe('via condor_hold (by user alice)');
    }
    expect(told('status.odd.condor_q-af-quoted')).toBe('1_0 running, 1_1 held, 1_2 running');
    expect(told('status.odd.condor_q')).toBe('1_0, 1_1, 1_2');
    expect(told('status.odd.condor_q-analyze')).toBe('');
  });

  it('on its way out', () => {
    expect(told('status.cancelled-just-now.adapter')).toBe('2_3 running, 12_0 completing');
    expect(told('status.cancelled-just-now.condor_q-nobatch')).toBe('2_3 running, 12_0 completing');
    expect(told('status.transferring.condor_q-json')).toBe('13_0 completing');
    expect(told('status.transferring.condor_q-nobatch')).toBe('13_0 completing');
    expect(the('status.transferring.condor_q-nobatch').jobs[0]?.word).toBe('TRANSFERRING_OUTPUT');
    expect(told('status.schedd-again.adapter')).toBe('21_0 running');
  });

  it('the history', () => {
    const sorted = (name: string) => told(name).split(', ').sort().join(', ');
    const array = '2_0 finished 0, 2_1 failed 3, 2_2 failed 137';
    expect(sorted('status.mixed.history')).toBe(`${array}, 6_0 failed 127, 7_0 failed`);
    expect(sorted('status.mixed.history-long')).toBe(array);
    expect(sorted('status.some-unknown.history')).toBe(array);
    // without its reason, a removal is a cancellation, and without the exit status all is well
    expect(sorted('status.mixed.history-af')).toBe(
      `11_0 cancelled, ${array}, 4_1 cancelled, 6_0 failed 127, 7_0 cancelled`,
    );
    expect(sorted('status.mixed.history-table')).toBe(
      '11_0 cancelled, 2_0 finished, 2_1 finished, 2_2 finished, 4_1 cancelled, 6_0 finished, 7_0 cancelled',
    );
    expect(told('status.evicted.history')).toBe('9_0 failed');
    expect(the('status.evicted.history').jobs[0]?.reason).toContain('PeriodicRemove');
    expect(new Set(the('status.cancelled.history').jobs.map(j => j.state))).toEqual(new Set(['cancelled']));
    expect(sorted('status.cancelled.history').split(', ')).toHaveLength(7);
    expect(sorted('down.history')).toBe(`${array}, 2_3 cancelled`);
  });

  it('nobody there', () => {
    for (const r of [...family(/^status\.(none|unknown-id|after-all)\./), ...family(/^jobs\.(none|some)$/)]) {
      expect([r.case, understood(r)]).toEqual([r.case, { kind: 'list', jobs: [] }]);
    }
  });

  it('cancelling', () => {
    const some = family(/^(err\.|down\.)?cancel\b/);
    expect(kinds(some)).toEqual(new Set(['cancel']));
    expect(some.map(r => `${r.case.replace('cancel.', '')}: ${told(r.case)}`)).toEqual([
      'constraint: ',
      'one-proc: 4_1 completing',
      "err.other-user: error: Couldn't find/remove all jobs in cluster 10",
      'cluster: 4 completing',
      'held: ',
      "err.again: error: Couldn't find/remove all jobs in cluster 3",
      "err.unknown-id: error: Couldn't find/remove all jobs in cluster 9999",
      'err.unknown-proc: error: Job 9999.3 not found',
      'some-unknown: ',
      'err.malformed: error: Couldn\'t find/remove all jobs of user "1_2"',
      'own-user: ',
      "err.nothing-there: error: Couldn't find/remove all jobs",
      "down.cancel: error: DCSchedd::actOnJobs:6001:Failed to connect to schedd; Couldn't find/remove all jobs in cluster 21",
    ]);
  });

  it('holding', () => {
    const some = family(/^(err\.|down\.)?hold\b/);
    expect(kinds(some)).toEqual(new Set(['hold']));
    expect(some.filter(r => r.exit === 0).map(r => `${r.case}: ${told(r.case)}`)).toEqual([
      'hold.hold: 8 held',
      'hold.suspend: 9_0 held',
      'hold.release: 8_0',
      'hold.continue: 9',
      'hold.with-reason: 3 held',
    ]);
    expect(told('err.hold.unknown-id')).toBe("error: Couldn't find/hold all jobs in cluster 9999");
    expect(told('down.hold')).toContain('Failed to connect to schedd');
  });

  it('nodes and versions', () => {
    const nodes = family(/^(nodes|slots)\.|^down\.condor_status$/);
    expect(kinds(nodes)).toEqual(new Set(['nodes']));
    for (const r of nodes) expect([r.case, understood(r).jobs]).toEqual([r.case, []]);
    for (const r of nodes) expect([r.case, understood(r).error !== undefined]).toEqual([r.case, r.exit !== 0]);
    expect(understood(family(/^version\./)[0] as Recording)).toEqual({ kind: 'version', jobs: [] });
  });

  it('what could not be asked is unknown', () => {
    for (const r of family(/^(down\.list|jobs\.down|err\.status\..*)$/)) {
      expect([r.case, understood(r).kind, understood(r).jobs]).toEqual([r.case, 'list', []]);
      expect(understood(r).error).toMatch(/Failed to connect|null|Parse error|unknown host/);
      expect(read(r.cmd, { ...outputOf(r), exitCode: null }).error).toBeDefined();
    }
    expect(
      read(recorded(all, 'down.list').cmd, { ...outputOf(recorded(all, 'down.list')), exitCode: 0 }).error,
    ).toMatch('Failed to connect');
  });

  it('none is forgotten above', () => {
    expect(all.map(r => r.case).filter(name => !covered.has(name))).toEqual([]);
  });
});

it('forms that were not recorded', () => {
  const says = (command: string, stdout: string) => read(command, { stdout, stderr: '', exitCode: 0 });
  expect(
    says('CONDOR_CONFIG=/x timeout 9 /opt/condor/bin/condor_submit -terse < job.sub', '81.0 - 81.6\n').jobs,
  ).toEqual([{ id: '81' }]);
  expect(says('condor_submit a.sub b.sub', '81.0 - 81.6\n82.0 - 82.0\n').jobs).toEqual([{ id: '81' }, { id: '82' }]);
  expect(says('condor_submit -dry-run - job.sub', 'Dry-Run job(s)\n')).toEqual({ kind: 'submit', jobs: [] });
  expect(says('condor_submit job.sub', '')).toMatchObject({ kind: 'submit', jobs: [], error: 'no answer (status 0)' });
  expect(says('condor_q -af:j Owner', '3.1 alice\n').jobs).toEqual([{ id: '3_1' }]);
  // a value for each line can't be told apart
  expect(says('condor_q -af:n ClusterId ProcId', '3\n1\n').error).toBe('cut short or garbled (status 0)');
  expect(says('condor_q -nobatch', ' ID  OWNER\n 3.1  bob  11/22 09:14  0+00:00:13 <q 0  0.1 sleep\n').jobs).toEqual([
    { id: '3_1', state: 'running', word: 'TRANSFERRING_INPUT' },
  ]);
  expect(says('condor_q -nobatch', 'hello\n').error).toBe('not understood (status 0)');
  expect(says('condor_q -json', '[\n{\n  "ClusterId": 3,').error).toBe('cut short or garbled (status 0)');
  expect(says('condor_q -xml', '<classads>\n<c>\n').error).toBe('cut short or garbled (status 0)');
  expect(says('condor_rm 17', 'Cluster 17 has been marked for removal.\n').jobs).toEqual([
    { id: '17', state: 'completing' },
  ]);
  expect(says('condor_q -help', 'Usage: condor_q\n').kind).toBe('other');
  expect(says('condor_status -schedd', 'Name\n').kind).toBe('other');
  expect(says('condor_userprio', 'alice\n')).toEqual({ kind: 'other', jobs: [] });
  expect(says('echo "a; condor_q" | cat', '')).toEqual({ kind: 'other', jobs: [] });
});

answersAnything(read, all);
