import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { siteOptions } from '../../src/cli/options.js';
import { LeftoverError } from '../../src/errors.js';
import type { FrameworkRequest } from '../../src/frameworks/framework.js';
import {
  forgetSecrets,
  frameworkNamed,
  frameworks,
  isFacts,
  planFrameworks,
  services,
} from '../../src/frameworks/registry.js';
import type { Headnode } from '../../src/headnode/component.js';
import type { Installed } from '../../src/headnode/installed.js';
import { removeInstalled } from '../../src/headnode/installed.js';
import { LocalHost } from '../../src/hosts/local.js';
import { temporaryState } from '../unit/temp.js';

const dir = temporaryState();
const plan = (request: FrameworkRequest) => planFrameworks(request, { sites: {} });

describe('the frameworks', () => {
  it('have names and options of their own', () => {
    const names = frameworks.map(f => f.name);
    expect(new Set(names).size).toBe(names.length);
    // a second option of the same name would throw here
    const command = siteOptions(new Command('up'));
    for (const { name } of frameworks.flatMap(f => f.options))
      expect(command.options.map(o => o.long)).toContain(`--${name}`);
  });

  it('begin with the bare pool, which is the default and asks for nothing', () => {
    expect(frameworks[0]?.name).toBe('htcondor');
    expect(plan({})).toEqual([]);
    expect(plan({ framework: ['htcondor'] })).toEqual([]);
    expect(services.map(f => f.name)).toEqual(['reana', 'workqueue', 'dask', 'spark', 'parsl', 'jupyter']);
  });

  it('are asked for by name, or by an option that only they have', () => {
    expect(plan({ framework: ['reana'] })).toMatchObject([{ name: 'reana', flavour: 'auto' }]);
    expect(plan({ reanaImage: 'registry.example/x' })).toMatchObject([{ image: 'registry.example/x' }]);
    expect(() => frameworkNamed('hologram')).toThrow('this scailfin knows no framework called "hologram"');
  });

  it('may be several, each with the options that it has', () => {
    expect(plan({ framework: ['dask', 'htcondor', 'reana'], workers: '3', reana: 'edge' })).toMatchObject([
      { name: 'reana', flavour: 'edge' },
      { name: 'dask', workers: { count: 3 } },
    ]);
    // what a framework does not have as an option, it is not asked for
    expect(plan({ framework: ['reana', 'dask'], workers: '3' })[0]).not.toHaveProperty('workers');
    expect(() => plan({ framework: ['dask', 'workqueue'], reana: 'edge' })).toThrow(
      expect.objectContaining({
        message: '--reana asks for REANA, and --framework workqueue,dask for Work Queue and Dask',
        hint: 'leave one of them out, or ask for both: --framework workqueue,dask,reana',
      }),
    );
    expect(() => plan({ framework: ['reana'], workers: '3' })).toThrow(
      expect.objectContaining({ hint: 'leave it out, or give --framework reana,workqueue|dask' }),
    );
  });

  it('are typed with commas, or one by one', () => {
    const read = (...args: string[]): unknown => {
      const command = siteOptions(new Command('up'))
        .exitOverride()
        .configureOutput({ writeErr: () => {} });
      return command.parse(args, { from: 'user' }).opts().framework;
    };
    expect(read('--framework', 'reana,dask')).toEqual(['reana', 'dask']);
    expect(read('--framework', 'dask, reana', '--framework=dask')).toEqual(['dask', 'reana']);
    expect(() => read('--framework', 'reana,hologram')).toThrow(
      'There is no framework "hologram"; there are: htcondor, reana, workqueue, dask.',
    );
    expect(() => read('--framework', 'reana,')).toThrow('There is no framework "";');
  });

  it('say what their facts must have', () => {
    const facts = { name: 'reana', flavour: 'edge', scheme: 'http', port: 1 };
    expect(isFacts(facts)).toBe(true);
    expect(isFacts({ ...facts, scheme: undefined })).toBe(false);
    expect(isFacts({ ...facts, port: '1' })).toBe(false);
    expect(isFacts({ name: 'hologram', port: 1 })).toBe(true);
    for (const other of [undefined, null, 'reana', [], {}]) expect(isFacts(other)).toBe(false);
  });

  it('have their secrets forgotten, and nothing else', () => {
    for (const name of ['reana.token', 'reana.password', 'journal.jsonl']) writeFileSync(join(dir(), name), 'x');
    forgetSecrets(dir());
    forgetSecrets(dir());
    expect(readdirSync(dir())).toEqual(['journal.jsonl']);
  });
});

describe('components that are there', () => {
  const at = (): Headnode => ({ host: new LocalHost(), dir: dir(), cluster: 'mine', onProgress: () => {} });
  const ran: string[] = [];
  const component = (name: string, left: readonly string[] = []): Installed => ({
    name,
    healthy: async () => [],
    stop: async () => void ran.push(`stop ${name}`),
    async remove() {
      ran.push(`remove ${name}`);
      if (left.length > 0) throw new LeftoverError(`${name} remains`, left);
    },
  });

  it('are found by their folders, and go in their order past those that do not', async () => {
    for (const name of ['a', 'c', 'd']) mkdirSync(join(dir(), name));
    const groups = [
      { title: 'ABC', components: [component('a', ['a on node 1']), component('b'), component('c')] },
      { title: 'D', components: [component('d')] },
    ];
    await expect(removeInstalled(at(), groups)).rejects.toMatchObject({
      message: expect.stringMatching(/^not all of ABC is gone on /),
      left: ['a on node 1'],
    });
    expect(ran).toEqual(['stop a', 'remove a', 'stop c', 'remove c', 'stop d', 'remove d']);
  });

  it('are looked for once, whatever there are', async () => {
    const here = at();
    await removeInstalled(here, [
      { title: 'A', components: [component('x')] },
      { title: 'B', components: [component('y')] },
    ]);
    expect(here.host.roundTrips).toBe(1);
    await removeInstalled(here, []);
    expect(here.host.roundTrips).toBe(1);
  });

  it('are gone before what follows is run, which takes no round trip of its own if nothing is there', async () => {
    const here = at();
    const then = [
      { argv: ['sh', '-c', 'ls -d "$0"/z 2>/dev/null; exit 3', dir()] },
      { argv: ['touch', join(dir(), 'never')] },
    ];
    const groups = [
      {
        title: 'Z',
        components: [{ ...component('z'), remove: async () => rmSync(join(dir(), 'z'), { recursive: true }) }],
      },
    ];
    const outs = await removeInstalled(here, groups, then);
    expect(outs.map(({ exitCode, stdout }) => [exitCode, stdout.trim()])).toEqual([[3, '']]);
    expect(here.host.roundTrips).toBe(1);
    mkdirSync(join(dir(), 'z'));
    const after = await removeInstalled(here, groups, then);
    expect(after.map(({ exitCode, stdout }) => [exitCode, stdout.trim()])).toEqual([[3, '']]);
    expect(here.host.roundTrips).toBe(3);
    const stuck = [{ title: 'Z', components: [component('z', ['z on node 1'])] }];
    mkdirSync(join(dir(), 'z'));
    await expect(removeInstalled(here, stuck, [{ argv: ['touch', join(dir(), 'never')] }])).rejects.toThrow(
      LeftoverError,
    );
    expect(readdirSync(dir())).not.toContain('never');
  });
});
