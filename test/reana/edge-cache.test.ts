import { chmod, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../lab/programs.js';
import type { Asker } from './edge/asker.js';
import { TestEdge, token } from './edge/edges.js';

const first =
  'tr a-z A-Z < in.txt > upper.txt; mkdir -p d/e; cp upper.txt d/e/; ln -s upper.txt link; printf "#!/bin/sh" > x.sh; chmod 755 x.sh; rm old.txt';
const second = 'cat upper.txt link d/e/upper.txt > all.txt';

describe('a run that asks for the cache', () => {
  let edge: TestEdge;
  let owner: Asker;
  let seen = 0;

  beforeEach(async () => {
    edge = await TestEdge.open();
    seen = 0;
    owner = edge.as(token);
  });
  afterEach(() => edge.close());

  interface Wanted {
    readonly who?: Asker;
    readonly commands?: readonly string[];
    readonly input?: string;
    readonly image?: string;
    readonly CACHE?: unknown;
    readonly option?: 'at start' | 'in the specification';
  }
  /** Runs a workflow of two steps. @returns its id */
  async function run({
    who = owner,
    commands = [first, second],
    input = 'hello\n',
    image = 'python:3.12',
    CACHE = 'on',
    option,
  }: Wanted = {}): Promise<string> {
    const inSpecification = option === 'in the specification' ? { inputs: { options: { CACHE } } } : {};
    const steps = commands.map((command, n) => ({ name: `s${n}`, environment: image, commands: [command] }));
    const workflow = { type: 'serial', specification: { steps } };
    const { workflow_id } = await who.json('POST', '/api/workflows?workflow_name=cached', {
      workflow,
      ...inSpecification,
    });
    await who.upload(workflow_id, 'in.txt', input);
    await who.upload(workflow_id, 'old.txt', 'old');
    const options = option === 'in the specification' ? {} : { operational_options: { CACHE } };
    await who.json('POST', `/api/workflows/${workflow_id}/start`, options);
    await until('it to end', 60_000, async () => !['queued', 'running'].includes(await who.status(workflow_id)));
    expect(await who.status(workflow_id)).toBe('finished');
    return workflow_id;
  }
  /** The commands that ran since it was called before. */
  function ran(): number {
    const { length } = edge.steps.requests;
    const count = length - seen;
    seen = length;
    return count;
  }
  const at = (id: string, path: string): string => join(edge.dir, 'workspaces', id, path);

  it('takes all that the steps of an earlier run did, and says so', async () => {
    await run();
    expect(ran()).toBe(2);
    const again = await run();
    expect(ran()).toBe(0);
    expect(await readFile(at(again, 'all.txt'), 'utf8')).toBe('HELLO\nHELLO\nHELLO\n');
    expect((await stat(at(again, 'x.sh'))).mode & 0o777).toBe(0o755);
    await expect(stat(at(again, 'old.txt'))).rejects.toThrow('ENOENT');
    const { progress } = await owner.json('GET', `/api/workflows/${again}/status`);
    expect(progress).toMatchObject({ total: { total: 2 }, finished: { total: 2 } });
    const { logs } = await owner.json('GET', `/api/workflows/${again}/logs`);
    expect(logs).toContain('s1: not run, because cached.1 ran the same command on the same files');
  });

  it('is one that says so at its start or in its specification, and no other', async () => {
    await run();
    ran();
    for (const CACHE of ['on', 'ON', true]) {
      for (const option of ['at start', 'in the specification'] as const) await run({ CACHE, option });
    }
    expect(ran()).toBe(0);
    for (const CACHE of [null, 'off', 'OFF', false, 1]) await run({ CACHE });
    expect(ran()).toBe(10);
  });

  it('runs what differs: the command, the image, a file, a secret', async () => {
    await run();
    ran();
    await run({ commands: [first, `${second} `] });
    expect(ran()).toBe(1);
    await run({ commands: [`${first} `, second] });
    // its outputs are the same, so what comes after is taken
    expect(ran()).toBe(1);
    await run({ image: 'python:3.13' });
    expect(ran()).toBe(2);
    await run({ input: 'hello!\n' });
    expect(ran()).toBe(2);
    await owner.json('POST', '/api/secrets', { WORD: { value: 'eA==', type: 'env' } });
    await run();
    expect(ran()).toBe(2);
    await owner.json('POST', '/api/secrets', { 'key.txt': { value: 'eA==', type: 'file' } });
    await run();
    expect(ran()).toBe(2);
    await run();
    expect(ran()).toBe(0);
  });

  it('takes nothing of other people, nor of runs that were deleted', async () => {
    const id = await run();
    ran();
    const bob = await edge.add('bob');
    await run({ who: bob });
    expect(ran()).toBe(2);
    // a copy of the first, which stays when that is deleted
    await run();
    await owner.json('PUT', `/api/workflows/${id}/status?status=deleted`, {});
    const third = await run();
    expect(ran()).toBe(0);
    for (const { id: each } of (await owner.json('GET', '/api/workflows')).items) {
      if (each !== id) await owner.json('PUT', `/api/workflows/${each}/status?status=deleted`, {});
    }
    await expect(stat(at(third, ''))).rejects.toThrow('ENOENT');
    await run();
    expect(ran()).toBe(2);
  });

  it.each([
    ['another content', (file: string) => writeFile(file, 'other\n')],
    [
      'a link in its place',
      async (file: string) => {
        await writeFile(`${file}.real`, 'HELLO\n');
        await edge.json('DELETE', `/api/workflows/cached.1/workspace/upper.txt`);
        await symlink(`${file}.real`, file);
      },
    ],
    ['no right to read it', (file: string) => chmod(file, 0o000).then(() => writeFile(file, 'x'))],
  ])('runs a step whose output has %s by now', async (_, change) => {
    const id = await run({ commands: [first] });
    ran();
    await change(at(id, 'upper.txt'));
    const again = await run({ commands: [first] });
    expect(ran()).toBe(1);
    expect(await readFile(at(again, 'upper.txt'), 'utf8')).toBe('HELLO\n');
  });

  it.each(['after', 'while'])('takes what it had taken already, if the edge was killed %s it did', async when => {
    await run();
    ran();
    // the second step of this one is on its way when the edge ends
    const steps = [first, `wait; ${second}`].map((command, n) => ({
      ...{ name: `s${n}`, environment: 'python:3.12', commands: [command] },
    }));
    const workflow = { type: 'serial', specification: { steps } };
    const { workflow_id: id } = await owner.json('POST', '/api/workflows?workflow_name=other', { workflow });
    for (const [name, text] of Object.entries({ 'in.txt': 'hello\n', 'old.txt': 'old' }))
      await owner.upload(id, name, text);
    await owner.json('POST', `/api/workflows/${id}/start`, { operational_options: { CACHE: 'on' } });
    await until('the second step', 60_000, () => edge.steps.requests.length === 3);
    await edge.edge?.close();
    // what came after it may have changed what it made
    if (when === 'after') await writeFile(at(id, 'upper.txt'), 'later\n');
    else {
      // as it is when the last file is not in its place yet
      const record = join(edge.dir, 'runs', id, 'cache.jsonl');
      const [, begun = ''] = (await readFile(record, 'utf8')).split('\n');
      expect(JSON.parse(begun)).toMatchObject({ whole: false });
      await writeFile(record, `\n${begun}\n{"id":`);
      await rm(at(id, 'x.sh'));
    }
    await edge.start();
    const waiting = edge.steps.of(id)[0];
    edge.steps.end(String(waiting?.id), { exitCode: 0 });
    await until('it to end', 60_000, async () => (await owner.status(id)) === 'finished');
    expect(ran()).toBe(1);
    expect((await stat(at(id, 'x.sh'))).mode & 0o777).toBe(0o755);
    expect(await readFile(at(id, 'upper.txt'), 'utf8')).toBe(when === 'after' ? 'later\n' : 'HELLO\n');
    const { progress } = await owner.json('GET', `/api/workflows/${id}/status`);
    expect(progress).toMatchObject({ total: { total: 2 }, finished: { total: 2 } });
  });

  it('leaves nothing on its way, and takes nothing that has no room', async () => {
    const carol = await edge.add('carol', { quota: 300_000 });
    const commands = ['head -c 200000 /dev/zero > big'];
    await run({ who: carol, commands });
    ran();
    await run({ who: carol, commands });
    expect(ran()).toBe(1);
    expect(await readdir(join(edge.dir, 'incoming'))).toEqual([]);
  });
});
