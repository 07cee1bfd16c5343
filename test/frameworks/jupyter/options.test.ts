import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FrameworkRequest } from '../../../src/frameworks/framework.js';
import { markOf, originOf, ownToken, tokenFile, tokenOf } from '../../../src/frameworks/jupyter/token.js';
import { frameworkNamed, planFrameworks } from '../../../src/frameworks/registry.js';

const plan = (request: FrameworkRequest) => planFrameworks(request, { sites: {} })[0];

describe('what is asked for with --framework jupyter', () => {
  it('is a size, an image and a directory', () => {
    expect(plan({ framework: ['jupyter'] })).toEqual({ name: 'jupyter', workers: {} });
    const asked = {
      framework: ['jupyter'],
      workerCores: '4',
      workerMemory: '8000',
      notebooks: '$SCRATCH//work/',
    };
    expect(plan(asked)).toEqual({ name: 'jupyter', workers: { cores: 4, memory: 8000 }, notebooks: '$SCRATCH/work' });
    // it is Jupyter's alone
    expect(plan({ notebooks: '~' })).toEqual({ name: 'jupyter', workers: {}, notebooks: '~' });
  });

  it('is one server', () => {
    for (const option of [{ workers: '2' }, { workerIdle: '10m' }])
      expect(() => plan({ framework: ['jupyter'], ...option })).toThrow(/^--worker(s|-idle) is not for JupyterLab$/);
    // beside another framework, they are that one's
    expect(planFrameworks({ framework: ['dask', 'jupyter'], workers: '8' }, { sites: {} })).toEqual([
      { name: 'dask', workers: { count: 8 } },
      { name: 'jupyter', workers: {} },
    ]);
  });

  it('is a directory of the site', () => {
    for (const notebooks of ['~', '~/a b', '/global/cfs/x', '$HOME', '$MY_WORK2/a'])
      expect(plan({ framework: ['jupyter'], notebooks })).toMatchObject({ notebooks });
    const wrong = [
      '',
      'work',
      '/',
      '~bob',
      '/a/../b',
      '/a:b',
      '/a,b',
      '/a\nb',
      "/a'b",
      '/a"b',
      '/a`id`',
      '$(id)',
      '/a/$B',
      '$A{B}$',
      '$a',
    ];
    for (const notebooks of wrong) {
      expect(() => plan({ framework: ['jupyter'], notebooks }), notebooks).toThrow('is not a directory of the site');
    }
  });

  it('changes by a further request, which may leave out what stays', () => {
    const { differences, merged } = frameworkNamed('jupyter');
    const there = { name: 'jupyter', workers: { cores: 2 }, notebooks: '~/a' } as never;
    const asked = plan({ framework: ['jupyter'], workerMemory: '4000' }) as never;
    expect(differences({ spec: there, facts: undefined }, asked)).toEqual([]);
    expect(merged?.(there, asked)).toEqual({ name: 'jupyter', workers: { cores: 2, memory: 4000 }, notebooks: '~/a' });
  });
});

describe('the token of JupyterLab', () => {
  it('is made once, and only its owner can read it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'jupyter-'));
    try {
      expect(() => tokenOf({ cluster: 'mine', folder })).toThrow(
        "the token of mine's JupyterLab is not on this machine",
      );
      const token = ownToken(folder);
      expect(token).toMatch(/^[\w-]{32}$/);
      expect([ownToken(folder), tokenOf({ cluster: 'mine', folder })]).toEqual([token, token]);
      expect(statSync(tokenFile(folder)).mode & 0o777).toBe(0o600);
      expect(readFileSync(tokenFile(folder), 'utf8')).toBe(`${token}\n`);
      // what the headnode and the browser's address show of it
      expect([markOf(token), originOf(token)].filter(text => text.includes(token))).toEqual([]);
      expect(originOf(token)).toMatch(/^jupyter-[0-9a-f]{20}$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
