import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/paths.js';

const program = join(packageRoot, 'templates/bosco/weigh.awk');
const dir = mkdtempSync(join(tmpdir(), 'scailfin-weigh-'));
afterAll(() => rmSync(dir, { recursive: true }));

/** A slot: cores and MiB free, of eight and 16,000; another age means it has been there that many seconds. */
interface Slot {
  readonly site?: string;
  readonly id?: string;
  readonly cpus?: number;
  readonly memory?: number;
  readonly starts?: boolean;
  readonly age?: number;
  /** When the pool last heard from it, in seconds. */
  readonly heard?: number;
}

interface World {
  readonly min?: number;
  readonly max?: number;
  /** Of each batch job. */
  readonly nodes?: number;
  /** 0: not known. */
  readonly cores?: number;
  readonly slots?: readonly Slot[];
  /** `queued 17`: state, and the id in the batch system where it has one. */
  readonly grid?: readonly string[];
  /** Cores of each idle job; or its whole line. */
  readonly idle?: readonly (number | string)[];
  readonly unfit?: readonly string[];
  /** Batch jobs that ended at second 1,000. */
  readonly ended?: readonly string[];
  /** Cores and MiB of glide-ins that came earlier. */
  readonly seen?: readonly [number, number];
}

const states: Readonly<Record<string, number>> = { queued: 1, running: 2, held: 5, away: 1 };

/** One look at the site `here`. @returns what is to be done, and what is counted */
function weigh({
  min = 0,
  max = 4,
  nodes = 1,
  cores = 8,
  slots = [],
  grid = [],
  idle = [],
  unfit = [],
  ended = [],
  seen = [0, 0],
}: World) {
  mkdirSync(join(dir, 'asked'), { recursive: true });
  const write = (name: string, lines: readonly string[]): string => {
    writeFileSync(join(dir, 'asked', name), lines.map(line => `${line}\n`).join(''));
    return join(dir, 'asked', name);
  };
  const files = [
    write('unfit', unfit),
    write(
      'ended',
      ended.map(job => `here\t${job}\t1000`),
    ),
    write(
      'slots',
      slots.map(({ site = 'here', id = '0', cpus = 8, memory = 16_000, starts = true, age = 5, heard = 900 }) =>
        [site, id, cpus, memory, 8, starts, age, 16_000, heard].join('\t'),
      ),
    ),
    write(
      'grid',
      grid.map((text, n) => {
        const [word = '', id = '-'] = text.split(' ');
        return ['here', `${n + 1}.0`, states[word], id, 0, word === 'away' ? 1_795_000_000 : 'undefined', 'x'].join(
          '\t',
        );
      }),
    ),
    write(
      'idle',
      idle.map((job, n) => (typeof job === 'string' ? job : [job, 100, `9.${n}`, 1, 'undefined', 'true'].join('\t'))),
    ),
  ];
  const set = Object.entries({
    site: 'here',
    min,
    max,
    nodes,
    cores,
    memory: 16_000,
    now: 1_795_000_100,
    seen_cores: seen[0],
    seen_memory: seen[1],
  });
  const options = set.flatMap(([name, value]) => ['-v', `${name}=${value}`]);
  const text = execFileSync('awk', ['-F', '\t', ...options, '-f', program, ...files], { encoding: 'utf8' });
  const one = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '';
  return {
    submit: Number(one('submit')),
    remove: one('remove').trim(),
    waiting: Number(one('waiting')),
    unfit: Number(one('unfit')),
    running: Number(one('running')),
    away: one('away'),
    fresh: one('fresh'),
  };
}

describe('how many glide-ins', () => {
  it.each<[string, World, number]>([
    ['nobody waits, nobody is there', {}, 0],
    ['as many as there are at least', { min: 2 }, 2],
    ['nine jobs of a core: two nodes', { idle: Array(9).fill(1) }, 2],
    ['jobs of five cores share no node', { idle: [5, 5, 5] }, 3],
    ['not more than there may be', { idle: Array(99).fill(8) }, 4],
    ['those that are coming count', { idle: Array(9).fill(1), grid: ['queued', 'queued 17'] }, 0],
    ['free cores count', { slots: [{ id: '17', cpus: 3 }], grid: ['running 17'], idle: [1, 1, 1] }, 0],
    ['but not where a job does not fit', { slots: [{ id: '17', cpus: 3 }], grid: ['running 17'], idle: [4] }, 1],
    [
      'nor one that takes no jobs any more',
      { slots: [{ id: '17', starts: false }], grid: ['running 17'], idle: [1] },
      1,
    ],
    ['one whose batch job ended is gone', { slots: [{ id: '17' }], ended: ['17'], idle: [8] }, 1],
    [
      'so are all nodes of such a job',
      { slots: [{ id: '17_0' }, { id: '17_1' }], ended: ['17'], max: 1, idle: [8] },
      1,
    ],
    [
      'but not if the pool has heard from it since',
      { slots: [{ id: '17', heard: 1001 }], ended: ['17'], idle: [8] },
      0,
    ],
    ['a site of another name is none of ours', { slots: [{ site: 'there', id: '17' }], idle: [1] }, 1],
    [
      'one that joined before HTCondor heard that it runs is one',
      { slots: [{ id: '17' }], grid: ['queued 17'], max: 1, idle: [8, 8] },
      0,
    ],
    ['what came in without being told of counts', { slots: [{ id: '5' }, { id: '6' }], max: 2, idle: [8, 8, 8] }, 0],
    ['held where the batch system has it counts', { grid: ['held 17'], max: 1, idle: [1] }, 0],
    ['held before it got there does not', { grid: ['held'], max: 1, idle: [1] }, 1],
    ['a node of unknown size is one, until it came', { cores: 0, idle: Array(99).fill(1) }, 1],
  ])('%s', (_, world, submit) => expect(weigh(world)).toMatchObject({ submit, remove: '' }));

  it('cancels queued ones that no job needs, down to the minimum, the newest first', () => {
    expect(weigh({ grid: ['queued', 'queued', 'queued'] }).remove).toBe('3.0 2.0 1.0');
    expect(weigh({ min: 2, grid: ['queued', 'queued', 'queued'] }).remove).toBe('3.0');
    expect(weigh({ grid: ['queued', 'queued'], idle: [8] }).remove).toBe('2.0');
    expect(weigh({ slots: [{ id: '17' }], grid: ['running 17'] }).remove).toBe('');
  });

  it('cancels those above the maximum: queued ones first, then idle ones', () => {
    const slots = [{ id: '17', cpus: 2 }, { id: '18' }];
    const grid = ['running 17', 'running 18', 'queued'];
    expect(weigh({ max: 2, slots, grid, idle: [8] }).remove).toBe('3.0');
    expect(weigh({ max: 1, slots, grid, idle: [8] }).remove).toBe('3.0 2.0');
  });

  it('counts the nodes of batch jobs that have several', () => {
    expect(weigh({ nodes: 2, idle: Array(17).fill(1) }).submit).toBe(2);
    expect(weigh({ nodes: 2, idle: Array(99).fill(8) }).submit).toBe(2);
    expect(weigh({ nodes: 2, min: 3 }).submit).toBe(2);
    expect(weigh({ nodes: 2, grid: ['queued'], idle: [8, 8] })).toMatchObject({ submit: 0, remove: '' });
    // a job of which one node is needed stays, one of which none is goes
    expect(weigh({ nodes: 2, grid: ['queued', 'queued'], idle: [8] }).remove).toBe('2.0');
    // of both glide-ins of one job the first came, and is busy
    const slots = [{ id: '17', cpus: 2 }];
    expect(weigh({ nodes: 2, max: 2, slots, grid: ['running 17', 'running 18'] }).remove).toBe('2.0');
    expect(weigh({ nodes: 2, max: 3, slots, grid: ['running 17', 'running 18'] }).remove).toBe('2.0');
  });

  it('does not send nodes to jobs that none of them can run', () => {
    expect(weigh({ idle: [16] })).toMatchObject({ submit: 0, unfit: 1, waiting: 0 });
    expect(weigh({ idle: ['1\t32000\t9.0\t1\tundefined\ttrue'] })).toMatchObject({ submit: 0, unfit: 1 });
    const other = '1\t100\t9.0\t1\tundefined\tTARGET.ScailfinSite == "there"';
    expect(weigh({ idle: [other] })).toMatchObject({ submit: 0, waiting: 0 });
    expect(weigh({ idle: [other.replace('there', 'here')] })).toMatchObject({ submit: 1 });
  });

  it('finds the jobs that no node can run: those that were refused although there was room', () => {
    const there = { slots: [{ id: '17', age: 60 }], grid: ['running 17'] };
    const turnedDown = '1\t100\t9.0\t60\t5\tTARGET.HasGold';
    const seen = weigh({ ...there, idle: [turnedDown] });
    expect(seen).toMatchObject({ submit: 0, unfit: 1, fresh: '1795003700 9.0' });
    expect(weigh({ idle: [turnedDown], unfit: ['1795003700\t9.0'] })).toMatchObject({ submit: 0, unfit: 1 });
    // an hour later it is tried again
    expect(weigh({ idle: [turnedDown], unfit: ['1795000000\t9.0'] }).submit).toBe(1);
    // what a node has is known once one came, whatever the profile promised
    const large = ['1\t15000\t9.0\t1\tundefined\ttrue'];
    expect(weigh({ idle: large, seen: [8, 8000] })).toMatchObject({ submit: 0, unfit: 1 });
    expect(weigh({ idle: ['1\tundefined\t9.0\t1\tundefined\ttrue'] })).toMatchObject({ submit: 1, unfit: 0 });
    // one that came a moment ago is not yet judged
    expect(weigh({ ...there, idle: ['1\t100\t9.0\t2\t1\ttrue'] })).toMatchObject({ unfit: 0, fresh: '' });
  });

  it('reports that the site is unreachable', () => {
    expect(weigh({ grid: ['away'], idle: [1] })).toMatchObject({ away: 'yes', submit: 0 });
  });
});
