import { appendFileSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allRecords, Journal } from '../../src/cluster/journal.js';
import { lockCluster } from '../../src/cluster/lock.js';
import { type Batch, type Entry, fold } from '../../src/cluster/record.js';
import { planCluster, planSite } from '../../src/cluster/spec.js';
import { readProfile } from './profiles.js';
import { temporaryState } from './temp.js';

const state = temporaryState();
const folder = (name = 'bsm'): string => join(state(), 'scailfin', 'clusters', name);
const file = (name = 'bsm'): string => join(folder(name), 'journal.jsonl');

const profile = readProfile('local');
const spec = planCluster({ name: 'bsm' }, profile, { sites: {} });
const site = planSite({}, profile, { sites: {} });
const batch = (label: string, outcome: Batch['outcome'], ...jobIds: string[]): Batch => ({
  label,
  count: 1,
  jobIds,
  outcome,
});

function begin(name = 'bsm'): Journal {
  const journal = Journal.open(name);
  journal.append({ type: 'created', id: 'c1', spec: { ...spec, name } });
  return journal;
}

describe('a journal', () => {
  it('of a cluster that never was is empty, and opening it writes nothing', () => {
    const journal = Journal.open('bsm');
    expect(journal.entries).toEqual([]);
    expect(journal.record).toBeUndefined();
    expect(() => statSync(folder())).toThrow(/ENOENT/);
  });

  it('is on the disk when append returns, for its owner only', () => {
    begin().append({ type: 'state', state: 'running', reason: 'All is well — größer.' });
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(statSync(folder()).mode & 0o777).toBe(0o700);
    const again = Journal.open('bsm');
    expect(again.record).toMatchObject({ name: 'bsm', id: 'c1', state: 'running', reason: 'All is well — größer.' });
    expect(again.record?.updated).toMatch(/^\d{4}-.*Z$/);
  });

  it('two writers do not see each other before they open again, and lose nothing', () => {
    const one = begin();
    const two = Journal.open('bsm');
    one.append({ type: 'intent', what: 'one' });
    two.append({ type: 'intent', what: 'two' });
    expect(Journal.open('bsm').entries.map(e => e.type)).toEqual(['created', 'intent', 'intent']);
  });

  it('is read again once its cluster is locked: another command may have ended meanwhile', () => {
    const one = begin();
    const two = Journal.open('bsm');
    one.append({ type: 'state', state: 'terminated', reason: 'It was taken down.' });
    expect(two.record?.state).toBe('new');
    lockCluster(two, 'scale')();
    expect(two.record?.state).toBe('terminated');
  });

  it('cut at any byte, all whole lines are read, and what is appended then is read too', () => {
    const journal = begin();
    journal.append({ type: 'site', site });
    journal.append({ type: 'state', state: 'pending', reason: 'Schön, „bald“ 🚀.' });
    const whole = readFileSync(file());
    const kept = whole.lastIndexOf('\n');
    for (let length = 0; length <= whole.length; length++) {
      // all lengths within the last line, and a sample of those before
      if (length < kept - 2 && length % 97 !== 0) continue;
      writeFileSync(file(), whole);
      truncateSync(file(), length);
      const cut = Journal.open('bsm');
      const text = whole.subarray(0, length);
      const complete = [...whole.toString('latin1').matchAll(/\n[^\n]+/g)].filter(m => m.index + m[0].length <= length);
      expect([length, cut.entries.length]).toEqual([length, complete.length]);
      cut.append({ type: 'intent', what: 'go on' });
      cut.append({ type: 'intent', what: 'and on' });
      const after = Journal.open('bsm').entries;
      expect([length, after.slice(-2)]).toEqual([
        length,
        [expect.objectContaining({ what: 'go on' }), expect.objectContaining({ what: 'and on' })],
      ]);
      expect(after).toHaveLength(complete.length + 2);
      // nothing that was there is ever changed
      expect(readFileSync(file()).subarray(0, length).equals(text)).toBe(true);
    }
  });

  it('lines that are no entries are passed over', () => {
    begin();
    appendFileSync(file(), '\nnull\n17\n"x"\n[]\n{}\n\0\0\0\n{"at":"x","type":"hologram"}\n');
    const journal = Journal.open('bsm');
    journal.append({ type: 'state', state: 'running', reason: 'Yes.' });
    expect(Journal.open('bsm').record).toMatchObject({ name: 'bsm', state: 'running' });
  });

  it('every cluster that has one is known, by name', () => {
    for (const name of ['zeta', 'alpha']) begin(name);
    mkdirSync(folder('empty'));
    expect(allRecords().map(r => r.name)).toEqual(['alpha', 'zeta']);
  });

  it('no directory, no clusters', () => expect(allRecords()).toEqual([]));
});

describe('what a journal adds up to', () => {
  const at = (n: number): string => new Date(n * 1000).toISOString();
  const created: Entry = { at: at(0), type: 'created', id: 'c1', spec };
  const sum = (...entries: Entry[]) => fold([created, ...entries]);
  const siteEntry: Entry = { at: at(1), type: 'site', site };
  const facts = { base: '/scratch/a', user: 'a', host: 'login1' };

  it('nothing, without a beginning', () => {
    expect(fold([])).toBeUndefined();
    expect(fold([siteEntry])).toBeUndefined();
  });

  it('a new cluster', () => {
    expect(sum()).toMatchObject({ name: 'bsm', state: 'new', created: at(0), updated: at(0), sites: [] });
  });

  it('an intent changes nothing but the time', () => {
    const record = sum({ at: at(9), type: 'intent', what: 'submit' });
    expect(record).toEqual({ ...sum(), updated: at(9) });
  });

  it('a batch is intended, then submitted: one batch, in its last state', () => {
    const record = sum(
      siteEntry,
      { at: at(2), type: 'site-facts', name: site.site, facts },
      { at: at(3), type: 'batch', name: site.site, batch: batch('b1', 'intended') },
      { at: at(4), type: 'batch', name: site.site, batch: batch('b1', 'submitted', '17') },
      { at: at(5), type: 'batch', name: site.site, batch: batch('b2', 'refused') },
    );
    expect(record?.sites).toHaveLength(1);
    expect(record?.sites[0]).toMatchObject({ facts, batches: [{ label: 'b1', jobIds: ['17'] }, { label: 'b2' }] });
  });

  it('asking a site for something else keeps what it has', () => {
    const record = sum(
      siteEntry,
      { at: at(3), type: 'batch', name: site.site, batch: batch('b1', 'submitted', '17') },
      { at: at(4), type: 'site', site: { ...site, nodes: 9 } },
    );
    expect(record?.sites).toMatchObject([{ spec: { nodes: 9 }, batches: [{ jobIds: ['17'] }] }]);
  });

  it('a batch for a site that nobody asked is left out', () => {
    expect(sum({ at: at(3), type: 'batch', name: 'elsewhere', batch: batch('b1', 'submitted') })?.sites).toEqual([]);
  });

  it('created again is a new cluster of the same name', () => {
    const record = sum(siteEntry, { at: at(7), type: 'created', id: 'c2', spec });
    expect(record).toMatchObject({ id: 'c2', state: 'new', sites: [], created: at(7) });
  });
});
