import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { FrameworkRequest } from '../../src/frameworks/framework.js';
import { parslService } from '../../src/frameworks/parsl/service.js';
import { frameworkNamed, isFacts, planFrameworks } from '../../src/frameworks/registry.js';

const plan = (request: FrameworkRequest) => planFrameworks(request, { sites: {} })[0];
const here = { cluster: 'mine', folder: '/folder' };

describe('Parsl', () => {
  it('has at most so many blocks, and at least one', () => {
    expect(plan({ framework: ['parsl'], workers: '4', workerCores: '8' })).toEqual({
      ...{ name: 'parsl', workers: { count: 4, cores: 8 } },
    });
    expect(() => plan({ framework: ['parsl'], workers: '0' })).toThrow('--workers 0 lets Parsl have no block');
    const { describe } = frameworkNamed('parsl');
    expect(describe(plan({ framework: ['parsl'] }) as never)).toMatch(/^at most 1 worker .*your programs run on the/);
  });

  it('knows where its directory is', () => {
    expect(isFacts({ name: 'parsl', port: 0, home: '/h' })).toBe(true);
    expect(isFacts({ name: 'parsl', port: 0 })).toBe(false);
    expect(() => parslService.dial({ port: 0, home: '/h' }, here, async () => expect.fail())).toThrow(
      'there is nothing to connect to',
    );
  });

  it('has a configuration in Python that says what is wrong where there is no such cluster', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'parsl-'));
    try {
      const strange = `${dir}/a "b" \\c`;
      writeFileSync(join(dir, 'pool.py'), parslService.configuration?.({ port: 0, home: strange }, here) ?? '');
      const ran = await execa('python3', ['-I', '-B', join(dir, 'pool.py')], { reject: false });
      expect(ran.stderr).toContain('RuntimeError: the cluster mine is not on this machine, or was taken down');
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
