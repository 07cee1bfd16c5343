import { spawn } from 'node:child_process';
import { linkSync, mkdirSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Journal } from '../../src/cluster/journal.js';
import { lock, lockCluster, lockPart, onlyWaits, worksAgain } from '../../src/cluster/lock.js';
import { thisProcess } from '../../src/cluster/process.js';
import { ScailfinError } from '../../src/errors.js';
import { bundled } from '../lab/bundled.js';
import { temporaryState } from './temp.js';

const dir = temporaryState();
const worker = fileURLToPath(new URL('lock-worker.ts', import.meta.url));

/** Runs the worker; resolves with its exit status (or signal) and output. */
async function work(...args: string[]): Promise<{ end: number | string | null; out: string }> {
  const child = spawn(process.execPath, [await bundled(worker), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', chunk => {
    out += chunk;
  });
  return new Promise(resolve => child.on('close', (code, signal) => resolve({ end: signal ?? code, out })));
}

const refusal = (work: () => unknown): ScailfinError => {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(ScailfinError);
    return error as ScailfinError;
  }
  throw new Error('the lock was given');
};

const dead = { pid: 2 ** 22 + 1, host: hostname(), started: '1', command: 'up x', since: '2026-01-01T00:00:00Z' };

describe('the lock', () => {
  it('is held, released and held again, and leaves nothing', () => {
    for (let n = 0; n < 3; n++) {
      const release = lock(dir(), 'up bsm');
      expect(readdirSync(dir())).toEqual(['lock']);
      release();
    }
    expect(readdirSync(dir())).toEqual([]);
  });

  it('refuses, naming the one who has it', () => {
    const release = lock(dir(), 'scale bsm 4');
    const error = refusal(() => lock(dir(), 'down bsm'));
    expect(error.message).toContain('"scale bsm 4"');
    expect(error.message).toContain(`process ${process.pid}`);
    expect(error.hint).toContain('wait');
    expect(readdirSync(dir())).toEqual(['lock']);
    release();
  });

  it('of a process that was killed is taken over', async () => {
    expect((await work(dir(), 'die')).end).toBe('SIGKILL');
    expect(readFileSync(join(dir(), 'lock'), 'utf8')).toContain('die');
    lock(dir(), 'down bsm')();
    expect(readdirSync(dir())).toEqual([]);
  });

  it('of a process whose number another one has now is taken over', () => {
    writeFileSync(join(dir(), 'lock'), JSON.stringify({ ...dead, pid: process.pid }));
    lock(dir(), 'up')();
    expect(readdirSync(dir())).toEqual([]);
  });

  it('of another machine is never taken over, and its file is named', () => {
    writeFileSync(join(dir(), 'lock'), JSON.stringify({ ...dead, host: 'elsewhere.example.org' }));
    const error = refusal(() => lock(dir(), 'up'));
    expect(error.message).toContain('on elsewhere.example.org');
    expect(error.hint).toContain(join(dir(), 'lock'));
  });

  it('of this machine before its last start is taken over, and its process may have the same number', () => {
    const { started } = thisProcess();
    const before = { ...dead, pid: process.pid, started, boot: '11111111-2222-3333-4444-555555555555' };
    writeFileSync(join(dir(), 'lock'), JSON.stringify(before));
    lock(dir(), 'up')();
    expect(readdirSync(dir())).toEqual([]);
  });

  it.each(['', '{"pid":', 'null', '{}', '[]', '{"pid":"x","host":1}'])(
    '%j, as a power failure leaves it, is free',
    text => {
      writeFileSync(join(dir(), 'lock'), text);
      lock(dir(), 'up')();
      expect(readdirSync(dir())).toEqual([]);
    },
  );

  it('is free though somebody died while taking it over', () => {
    const file = join(dir(), 'lock');
    writeFileSync(file, JSON.stringify(dead));
    writeFileSync(`${file}.${dead.pid}-${dead.started}`, JSON.stringify({ ...dead, started: '2' }));
    lock(dir(), 'up')();
    expect(readdirSync(dir())).toEqual([]);
  });

  it('that another took in the meantime is not released', () => {
    const release = lock(dir(), 'up');
    unlinkSync(join(dir(), 'lock'));
    writeFileSync(join(dir(), 'other'), JSON.stringify({ ...dead, host: 'elsewhere' }));
    linkSync(join(dir(), 'other'), join(dir(), 'lock'));
    release();
    expect(readdirSync(dir())).toContain('lock');
  });

  it('is one process at a time, of twenty that want it and some that die with it', { timeout: 120_000 }, async () => {
    const all = await Promise.all(Array.from({ length: 20 }, (_, n) => work(dir(), n % 4 === 3 ? 'race-die' : 'race')));
    expect(all.map(w => w.out).join('')).not.toContain('together');
    // each had its turn
    expect(all.map(w => w.end)).toEqual(all.map((_, n) => (n % 4 === 3 ? 'SIGKILL' : 0)));
    expect(all.filter(w => w.out.includes('had it'))).toHaveLength(20);
    lock(dir(), 'last')();
  });
});

describe('the lock of a part', () => {
  const journal = () => Journal.open('bsm');
  const files = () => readdirSync(journal().dir);

  it('is given beside a command that only waits, and nobody else begins meanwhile', () => {
    const up = lockCluster(journal(), 'up');
    expect(refusal(() => lockPart(journal(), 'proxy renew')).message).toContain('"scailfin up bsm"');
    onlyWaits(journal().dir);
    const renew = lockPart(journal(), 'proxy renew');
    expect(refusal(() => lockPart(journal(), 'share add')).message).toContain('"scailfin proxy renew bsm"');
    expect(refusal(() => lockCluster(journal(), 'down')).message).toContain('"scailfin up bsm"');
    up();
    expect(refusal(() => lockCluster(journal(), 'down')).message).toContain('"scailfin proxy renew bsm"');
    renew();
    lockCluster(journal(), 'down')();
    expect(files()).toEqual([]);
  });

  it('is not given while the command that waited works again, which waits for nobody', () => {
    const mine = journal();
    const up = lockCluster(mine, 'up');
    onlyWaits(mine.dir);
    const renew = lockPart(journal(), 'proxy renew');
    expect(refusal(() => worksAgain(mine, 'up')).message).toContain('"scailfin proxy renew bsm"');
    renew();
    const waits = worksAgain(mine, 'up');
    expect(refusal(() => lockPart(journal(), 'proxy renew')).message).toContain('"scailfin up bsm"');
    expect(JSON.parse(readFileSync(join(mine.dir, 'lock'), 'utf8'))).toMatchObject({ waits: false });
    waits();
    lockPart(journal(), 'proxy renew')();
    up();
    expect(files()).toEqual([]);
  });

  it('is that of all if nobody waits', () => {
    const renew = lockPart(journal(), 'proxy renew');
    expect(refusal(() => lockCluster(journal(), 'down')).message).toContain('"scailfin proxy renew bsm"');
    expect(refusal(() => lockPart(journal(), 'proxy renew')).hint).toContain('wait until it ends');
    renew();
    expect(files()).toEqual([]);
  });

  it('of a command that waited and is dead is taken over', () => {
    const { dir } = journal();
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'lock'), JSON.stringify({ ...dead, waits: true }));
    const renew = lockPart(journal(), 'proxy renew');
    expect(files().sort()).toEqual(['lock', 'lock.part']);
    renew();
    expect(files()).toEqual([]);
  });

  it('nobody says that another one waits', () => {
    const { dir } = journal();
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'lock'), JSON.stringify({ ...dead, host: 'elsewhere.example.org' }));
    onlyWaits(dir);
    expect(refusal(() => lockPart(journal(), 'proxy renew')).message).toContain('on elsewhere.example.org');
    expect(files()).toEqual(['lock']);
  });
});
