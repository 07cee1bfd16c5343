import { describe, expect, it } from 'vitest';
import { describeStatus } from '../../src/cli/status.js';
import type { GlideinStatus } from '../../src/cluster/glideins.js';
import type { Batch, SiteRecord } from '../../src/cluster/record.js';
import { parseRefusals, type Refusal, whyStopped } from '../../src/cluster/refusals.js';
import { planSite } from '../../src/cluster/spec.js';
import type { ClusterStatus } from '../../src/cluster/status.js';
import { readProfile } from './profiles.js';

const batch = (label: string, ...jobIds: string[]): Batch => ({
  ...{ label, count: 1, jobIds, outcome: 'submitted', token: label },
});
const site = (...batches: Batch[]): SiteRecord => ({
  spec: planSite({}, readProfile('local'), { sites: {} }),
  batches,
});
const told = (...texts: string[]): string =>
  texts.map(text => `refused=${Buffer.from(text).toString('base64')}\n`).join('');
const one = (job: string, node: string, reason = 'it is full', check = 'place'): string =>
  `job=${job}\nnode=${node}\nat=1790000000\ncheck=${check}\nreason=${reason}\n`;
const glidein = (job: string, more: Partial<GlideinStatus>): GlideinStatus => ({
  ...{ id: job, job, state: 'failed', word: 'FAILED', joined: false },
  ...more,
});

describe('what unfit nodes wrote down', () => {
  it('is the reason and what to do about it, of the last submission', () => {
    const here = site(batch('b1', '17'), batch('b2', '18'));
    expect(parseRefusals(told(one('17_1', 'c1'), one('18_2', 'c2')), here)).toEqual([
      {
        ...{ job: '18_2', node: 'c2', check: 'place', reason: 'it is full' },
        hint: expect.stringContaining('directories.local in the site profile'),
      },
    ]);
    expect(parseRefusals(told(one('18', 'c2', 'x', 'headnode')), here)[0]?.hint).toContain('sites check local --deep');
  });

  it('may be anything, as nodes write it', () => {
    const here = site(batch('b1', '17'));
    const long = parseRefusals(told(one('17', 'c1\u001b[2J', `\u001b]0;x\u0007${'y'.repeat(9000)}`, 'toString')), here);
    expect(long).toHaveLength(1);
    expect(long[0]).toMatchObject({ node: 'c1', check: 'toString' });
    expect(long[0]?.reason).toMatch(/^y{500}…$/);
    expect(long[0]).not.toHaveProperty('hint');
    const bad = ['', 'job=17', 'job=17\nnode=c1\nreason=\n', '\0\0', one('99', 'c1'), one('', 'c1')];
    expect(parseRefusals(told(...bad), here)).toEqual([]);
    expect(parseRefusals('refused=*\nrefused\n', here)).toEqual([]);
  });

  it('stops a cluster after three different nodes, as long as no node is fit', () => {
    const refused = (...nodes: string[]): Refusal[] =>
      nodes.map((node, n) => ({ job: `17_${n}`, node, check: 'place', reason: `${node} is full` }));
    const over = [glidein('17_0', {})];
    const at = (nodes: string[], glideins = over) =>
      whyStopped({ site: 'acme', batchJobs: [], glideins, refused: refused(...nodes) });
    expect(at(['c1', 'c2'])).toBeUndefined();
    expect(at(['c1', 'c2', 'c1'])).toBeUndefined();
    expect(at(['c1', 'c2', 'c3'])).toBe(
      "3 nodes of acme can't be part of the pool, and none could so far; c1: c1 is full",
    );
    const [fit, waiting] = [{ state: 'running', joined: true } as const, { state: 'queued', joined: false } as const];
    expect(at(['c1', 'c2', 'c3'], [...over, glidein('17_4', fit)])).toBeUndefined();
    expect(at(['c1', 'c2', 'c3'], [...over, glidein('17_4', waiting)])).toBeDefined();
    // those that ended in order were in the pool
    expect(at(['c1', 'c2', 'c3'], [...over, glidein('17_4', { state: 'finished' })])).toBeUndefined();
    expect(at(['c1', 'c2', 'c3'], [glidein('17_0', { state: 'finished' })])).toBeDefined();
    // where the pool can't be asked, nobody knows
    expect(at(['c1', 'c2', 'c3'], [...over, glidein('17_4', { ...waiting, joined: undefined })])).toBeUndefined();
  });

  it('is printed once for each check, with the nodes and what to do', () => {
    const refused = parseRefusals(
      told(one('17_1', 'c1'), one('17_2', 'c2', 'it is full too'), one('17_3', 'c3', 'late', 'clock')),
      site(batch('b1', '17')),
    );
    const status: ClusterStatus = {
      ...{ name: 'x', state: 'pending', reason: 'No glide-in has joined yet.', created: '', strangers: [] },
      headnode: { kind: 'local', host: '', address: '', pool: 'alive' },
      sites: [{ site: 'local', wanted: 3, batchJobs: [], glideins: [], refused }],
      ...{
        frameworks: [],
        slots: undefined,
        jobs: undefined,
        credentials: [],
        nodeHours: { used: 0, usedAtLeast: false, bound: 0 },
      },
    };
    expect(describeStatus(status).split('\n').slice(3)).toEqual([
      '    c1, c2: not in the pool, because it is full',
      expect.stringMatching(/^ {4}→ set directories\.local /),
      '    c3: not in the pool, because late',
      expect.stringMatching(/^ {4}→ compare the clock /),
    ]);
  });
});
