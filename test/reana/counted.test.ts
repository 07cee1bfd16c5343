import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Access } from '../../src/reana/edge/people/access.js';
import { ownerHere, ownerId } from '../../src/reana/edge/people/person.js';
import { RunBook } from '../../src/reana/edge/runs/book.js';
import { list } from '../../src/reana/edge/workspace/listing.js';
import { Listings, Names } from '../../src/reana/edge/workspace/pages.js';
import { prune } from '../../src/reana/edge/workspace/prune.js';
import { Tally } from '../../src/reana/engines/tally.js';
import { StepIndex } from '../../src/reana/jobs/index.js';
import { Journal } from '../../src/reana/jobs/journal.js';
import { Ledger } from '../../src/reana/jobs/ledger.js';
import { type Item, itemIn } from '../../src/reana/jobs/manifest.js';
import { Manifests } from '../../src/reana/jobs/manifests.js';
import type { JobQueue, QueuedJob } from '../../src/reana/jobs/queue.js';
import type { StepRecord } from '../../src/reana/jobs/record.js';
import { reconcile } from '../../src/reana/jobs/recovery.js';
import { Waiting } from '../../src/reana/jobs/waiting.js';
import { changes } from '../../templates/page/changes.js';

/*
 * What the edge does for one change must not grow with all that it knows: these tests count operations, not time. The sizes
 * are those of a large workflow, or a tenth of it.
 */

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scailfin-counted-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const step = (id: string, more: Partial<StepRecord> = {}): StepRecord => ({
  request: {
    ...{ workflow: 'w', workspace: '/w', name: id, image: '', command: 'true', environment: {}, resources: {} },
  },
  ...{ id, state: 'queued', attempts: 0, created: 1, job: `1.${id}`, ...more },
});

const ids = (count: number): string[] => Array.from({ length: count }, (_, n) => String(n));

/** Counts how often a property of an object is read. */
function counted<T extends object>(value: T, reads: { count: number }): T {
  return new Proxy(value, {
    get(target, key) {
      reads.count++;
      return Reflect.get(target, key);
    },
  });
}

describe('steps', () => {
  it('are found by their run and their state, without those of other runs and those that are over', () => {
    const index = new StepIndex(ids(3000).map(id => step(id, { state: 'finished' })));
    index.set(step('a', { request: { ...step('a').request, workflow: 'other' } }));
    index.set(step('b', { state: 'running' }));
    expect([...index.of('other').keys()]).toEqual(['a']);
    expect([...index.left()].map(({ id }) => id)).toEqual(['b', 'a']);
    index.set(step('b', { state: 'finished' }));
    index.delete('a');
    expect([index.running.size, index.queued.size, index.of('other').size, index.of('w').size]).toEqual([
      0, 0, 0, 3001,
    ]);
  });

  it('that end call only who waits for them', async () => {
    const ledger = await Ledger.open(dir);
    const all = ids(500);
    await Promise.all(all.map(id => ledger.add(step(id))));
    const set = vi.spyOn(ledger, 'get');
    const waiting = all.map(id => ledger.ended(id));
    set.mockClear();
    await Promise.all(all.map(id => ledger.change(id, { state: 'running' })));
    await Promise.all(all.map(id => ledger.change(id, { state: 'finished' })));
    expect((await Promise.all(waiting)).map(({ id }) => id)).toEqual(all);
    // one look for each change, and none by those who wait
    expect(set).toHaveBeenCalledTimes(2 * all.length);
    await ledger.close();
  });

  it('are not waited for any more when the signal says so', async () => {
    const ledger = await Ledger.open(dir);
    await ledger.add(step('a'));
    const enough = new AbortController();
    const [gone, stays] = [ledger.ended('a', enough.signal), ledger.ended('a')];
    enough.abort(new Error('enough'));
    await expect(gone).rejects.toThrow('enough');
    await expect(ledger.ended('a', enough.signal)).rejects.toThrow('enough');
    await ledger.change('a', { state: 'finished' });
    expect((await stays).state).toBe('finished');
    await ledger.close();
  });

  it('that wait for the same are compared with the pool once, and what they are told is written together', async () => {
    const ledger = await Ledger.open(dir);
    await Promise.all(ids(500).map(id => ledger.add(step(id))));
    const reads = { count: 0 };
    const rooms = [counted({ cores: 0, memory: 1, disk: 1 }, reads)];
    const waiting = new Waiting(ledger, { rooms: async () => rooms } as unknown as JobQueue);
    const write = vi.spyOn(Journal.prototype, 'append');
    await waiting.look();
    expect(reads.count).toBeLessThan(20);
    expect(ledger.get('499')?.reason).toContain('no glide-in has 1 core');
    expect(write).toHaveBeenCalledTimes(500);
    write.mockRestore();
    await ledger.close();
  });

  it('that the pool lost are looked for in its history together', async () => {
    const ledger = await Ledger.open(dir);
    await Promise.all(ids(50).map(id => ledger.add(step(id))));
    await ledger.add(step('over', { state: 'finished' }));
    await ledger.add(step('stopped', { stopping: true }));
    const past = vi.fn(async (wanted: readonly string[]) => {
      const job = { status: 4, exitCode: 0, signal: undefined, reason: undefined };
      return new Map(wanted.map((id): [string, QueuedJob] => [id, { step: id, job: `1.${id}`, ...job }]));
    });
    const there = ['over', 'stopped', 'nobody', 'busy'].map(id => ({ step: id, job: `1.${id}`, status: 1 }));
    await ledger.add(step('busy', { stopping: true }));
    const remove = vi.fn(async () => {});
    const queue = { jobs: async () => there, past, remove } as unknown as JobQueue;
    expect(
      await reconcile(
        ledger,
        queue,
        id => id === 'busy',
        async () => {},
      ),
    ).toEqual([]);
    expect(past).toHaveBeenCalledTimes(1);
    expect(remove).toHaveBeenCalledWith(['1.over', '1.stopped', '1.nobody']);
    expect(ledger.get('49')?.ending).toMatchObject({ exitCode: 0 });
    await ledger.close();
  });
});

describe('the journal of steps', () => {
  it('is read piece by piece, whatever its lines contain', async () => {
    const path = join(dir, 'journal.jsonl');
    const odd = { ...step('odd'), reason: 'a line\u2028and\u2029another, é' };
    const journal = await Journal.begin(
      path,
      ids(20_000).map(id => ({ id, set: step(id) })),
    );
    await journal.append({ id: 'odd', set: odd });
    await journal.close();
    await writeFile(path, '\n{"id":"odd","set":{"attempts":2}}', { flag: 'a' });
    const ledger = await Ledger.open(dir);
    expect(ledger.steps.all.size).toBe(20_001);
    expect(ledger.get('odd')).toMatchObject({ reason: odd.reason, attempts: 2 });
    await ledger.close();
  });
});

describe('the progress of a run', () => {
  it('makes no list for a change', () => {
    const tally = new Tally();
    tally.total = 5000;
    const list = vi.spyOn(tally, 'progress', 'get');
    for (const id of ids(5000))
      for (const state of ['queued', 'running', 'finished'] as const) tally.see({ id, state });
    expect(tally.counts).toEqual({ total: 5000, running: 0, finished: 5000, failed: 0 });
    expect(list).not.toHaveBeenCalled();
    expect(tally.progress.finished).toHaveLength(5000);
  });

  it('says whether anything is different, and counts a stopped step as failed, and one that runs again once', () => {
    const tally = new Tally();
    const told = (['queued', 'queued', 'running', 'running', 'queued', 'running', 'stopped'] as const).map(state =>
      tally.see({ id: 'a', state }),
    );
    expect(told).toEqual([true, false, true, false, true, true, true]);
    expect(tally.counts).toEqual({ total: 1, running: 0, finished: 0, failed: 1 });
  });
});

describe('lists of files', () => {
  const items = ids(5000).map(
    (id): Item => ({ path: id.padStart(5, '0'), kind: 'f', sha256: 'x', size: 1, mode: 0o644 }),
  );

  it('are searched, not read', () => {
    const reads = { count: 0 };
    expect(itemIn(counted(items, reads), '04321')).toBe(items[4321]);
    expect(itemIn(counted(items, reads), 'none')).toBeUndefined();
    expect(reads.count).toBeLessThan(40);
  });

  it('are remembered for the steps that were given them, up to a limit, and once', () => {
    const manifests = new Manifests(10_000);
    manifests.remember(['a', 'b'], items);
    manifests.remember(['c'], [...items]);
    expect([manifests.take('a'), manifests.take('a')]).toEqual([items, undefined]);
    manifests.remember(['d'], items.slice(1));
    expect(['b', 'c', 'd'].map(id => manifests.take(id)?.length)).toEqual([undefined, 5000, 4999]);
    manifests.remember(['e'], [...items, ...items, ...items]);
    expect(manifests.take('e')).toBeUndefined();
  });
});

describe('the pages of a list of files', () => {
  const namesOf = (count: number, length: number): Names => {
    const names = new Names();
    for (let n = 0; n < count; n++) names.add(String(n).padStart(length, '0'));
    return names;
  };

  it('come from the walk that the first page made, also among hundreds of thousands of files', () => {
    const listings = new Listings();
    listings.keep('many', namesOf(400_000, 40));
    expect(listings.find('many')?.slice(399_998)).toEqual(['399998', '399999'].map(name => name.padStart(40, '0')));
  });

  it('take no more memory than they may', () => {
    const listings = new Listings();
    for (const key of ['a', 'b', 'c']) listings.keep(key, namesOf(10_000, 2500));
    expect(['a', 'b', 'c'].map(key => listings.find(key)?.length)).toEqual([undefined, 10_000, 10_000]);
    listings.keep('far too many', namesOf(50_000, 2500));
    expect(listings.find('far too many')).toBeUndefined();
    expect(listings.find('c')).toHaveLength(10_000);
  });
});

describe('runs', () => {
  it('are found by id and by name without a look at the others', async () => {
    const book = new RunBook(dir);
    await book.open();
    const specification = { workflow: { type: 'serial' as const } };
    for (const name of ['one', 'two', 'one']) await book.create(ownerId, name, specification);
    const access = new Access(ownerHere(), book, () => true);
    const find = (wanted: string) => access.find(wanted, 'read');
    const all = vi.spyOn(book, 'all');
    const first = find('one.1');
    expect(find('one')).toMatchObject({ name: 'one', number: 2 });
    expect(find(first.id.toUpperCase())).toBe(first);
    await book.change(find('one').id, { status: 'deleted' });
    expect(find('one').number).toBe(1);
    expect(find('one.2').status).toBe('deleted');
    await expect(async () => find('one.3')).rejects.toThrow('does not exist');
    expect((await book.restart(first, specification)).restart).toBe(1);
    expect((await book.create(ownerId, 'one', specification)).number).toBe(3);
    expect(all).not.toHaveBeenCalled();
    const again = new RunBook(dir);
    await again.open();
    expect(again.all().map(run => run.id)).toEqual(book.all().map(run => run.id));
  });
});

describe('the page', () => {
  it('puts all changes since it was drawn into its lists in one go', () => {
    const reads = { count: 0 };
    const steps = counted(
      ids(1000).map(id => ({ id, state: 'queued' })),
      reads,
    );
    const news = changes();
    for (const id of ids(1001)) news.step({ id, state: 'running' } as never);
    news.run({ id: 'new' } as never);
    const old = { runs: [{ id: 'old' }], steps } as never;
    const now = news.applied(old);
    expect(now.steps?.map(({ state }) => state)).toEqual(Array(1001).fill('running'));
    expect(now.runs.map(({ id }) => id)).toEqual(['new', 'old']);
    // each step is looked at once: whether it is there, and what it is
    expect(reads.count).toBeLessThan(3 * 1000 + 10);
    expect(news.applied(now)).toBe(now);
  });
});

describe('the files of a workspace', () => {
  it('are walked through once for all pages of a listing, and anew for a first page', async () => {
    for (const id of ids(5)) await writeFile(join(dir, id), id);
    const page = async (number: number) => {
      const found: string[] = [];
      const items = list(dir, '', undefined, false, { from: 2 * (number - 1), size: 2 });
      for (;;) {
        const next = await items.next();
        if (next.done) return { found, total: next.value };
        found.push(next.value.name);
      }
    };
    expect(await page(1)).toEqual({ found: ['0', '1'], total: 5 });
    // whoever walked through it again would see this
    await writeFile(join(dir, '00'), '');
    expect(await page(2)).toEqual({ found: ['2', '3'], total: 5 });
    expect(await page(3)).toEqual({ found: ['4'], total: 5 });
    expect(await page(1)).toEqual({ found: ['0', '00'], total: 6 });
    expect(await page(2)).toEqual({ found: ['1', '2'], total: 6 });
  });

  it('that are to be kept are found by each part of their paths', async () => {
    await mkdir(join(dir, 'out/deep'), { recursive: true });
    for (const name of ['out/deep/a', 'outside', 'in']) await writeFile(join(dir, name), '');
    await prune(dir, ['./out/', 'in']);
    expect((await readdir(dir, { recursive: true })).sort()).toEqual(['in', 'out', 'out/deep', 'out/deep/a']);
  });
});
