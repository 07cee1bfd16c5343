import { createServer, type Server } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { FrameworkRequest } from '../../src/frameworks/framework.js';
import { frameworkNamed, planFrameworks } from '../../src/frameworks/registry.js';
import { planWorkers, withDefaults } from '../../src/frameworks/workers/options.js';
import { managerPort, workerFiles } from '../../src/frameworks/workers/workers.js';
import type { Headnode } from '../../src/headnode/component.js';
import { LocalHost } from '../../src/hosts/local.js';

const plan = (request: FrameworkRequest) => planFrameworks(request, { sites: {} })[0];

describe('workers of a framework', () => {
  it('are as many and as large as was asked for', () => {
    expect(planWorkers({})).toEqual({});
    expect(withDefaults({ cores: 2 })).toEqual({ count: 1, cores: 2, memory: 1024, idle: 600 });
    expect(planWorkers({ workers: '8', workerCores: '4', workerMemory: '2000', workerImage: 'python:3.12' })).toEqual({
      ...{ count: 8, cores: 4, memory: 2000, image: 'python:3.12' },
    });
    expect(planWorkers({ workers: '0' }).count).toBe(0);
    expect(planWorkers({ workerMemory: '8G', workerIdle: '1h30m' })).toEqual({ memory: 8192, idle: 5400 });
    expect(planWorkers({ workerIdle: 'never' })).toEqual({ idle: 0 });
    for (const wrong of ['0', '-1', '1.5', 'much', '8X', ''])
      expect(() => planWorkers({ workerMemory: wrong })).toThrow('amount');
    for (const wrong of ['0', '10', 'forever', ''])
      expect(() => planWorkers({ workerIdle: wrong })).toThrow('not a time');
    for (const wrong of ['-1', '1.5', 'many', '', '1e3', '99999999'])
      expect(() => planWorkers({ workers: wrong })).toThrow('--workers');
    expect(() => planWorkers({ workerCores: '0' })).toThrow('--worker-cores "0" is not a whole number of at least 1');
    for (const wrong of ['$(id)', 'a b', '-x', "a'b", 'a\nb'])
      expect(() => planWorkers({ workerImage: wrong })).toThrow('is not the name of an image');
  });

  it('are for frameworks that have some, and select none', () => {
    expect(plan({ framework: ['workqueue'], workers: '3' })).toEqual({
      ...{ name: 'workqueue', workers: { count: 3 } },
    });
    expect(() => plan({ workers: '3' })).toThrow('--workers is not for the bare pool');
    expect(() => plan({ framework: ['reana'], workerCores: '3' })).toThrow('--worker-cores is not for REANA');
  });

  it('become more or fewer by a further request, which may leave out what stays', () => {
    const { differences, merged } = frameworkNamed('dask');
    const there = { name: 'dask', workers: { count: 3, cores: 2 } } as never;
    const asked = plan({ framework: ['dask'], workers: '5' }) as never;
    expect(differences({ spec: there, facts: undefined }, asked)).toEqual([]);
    expect(merged?.(there, asked)).toEqual({ name: 'dask', workers: { count: 5, cores: 2 } });
    const same = plan({ framework: ['dask'] }) as never;
    expect(merged?.(there, same)).toEqual(there);
  });

  it('are described to HTCondor, and their secrets are in no file that others can read', async () => {
    const key = { path: 'key', content: 'a secret\n', mode: 0o600 };
    const files = await workerFiles('/pool', {
      ...{ name: 'it', count: 2, cores: 3, memory: 500, idle: 9, command: 'work "$TMPDIR"', files: [key] },
      need: 'listener',
    });
    const submit = files.find(f => f.path === 'workers/it/workers.sub');
    expect(String(submit?.content)).toContain('request_cpus = 3\nrequest_memory = 500\n');
    expect(files.map(f => f.path)).toContain('workers/it/tree/key');
    for (const { mode } of files) expect((mode ?? 0o777) & 0o077).toBe(0);
    expect(files.filter(f => String(f.content).includes('a secret'))).toEqual([
      expect.objectContaining({ mode: 0o600 }),
    ]);
  });

  it('have a manager whose port is free, or the user is told what to do', async () => {
    const at = { host: new LocalHost(), dir: '/nowhere' } as unknown as Headnode;
    const first = 47_100;
    const listen = (port: number) =>
      new Promise<Server>((resolve, reject) => {
        const server = createServer();
        server.once('error', reject).listen(port, '127.0.0.1', () => resolve(server));
      });
    const servers = await Promise.all([first, first + 1].map(listen));
    try {
      expect(await managerPort(at, 'it', first)).toBe(first + 2);
      servers.push(...(await Promise.all(Array.from({ length: 98 }, (_, n) => listen(first + 2 + n)))));
      await expect(managerPort(at, 'it', first)).rejects.toMatchObject({
        message: expect.stringContaining(`all ports from ${first} to ${first + 99} are taken here`),
        hint: expect.stringContaining('--headnode HOST'),
      });
    } finally {
      for (const server of servers) server.close();
    }
  });
});
