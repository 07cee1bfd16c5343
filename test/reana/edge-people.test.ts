import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nextInTurn } from '../../src/reana/edge/runs/turn.js';
import { until } from '../lab/programs.js';
import type { Asker } from './edge/asker.js';
import { TestEdge, token } from './edge/edges.js';

const names = (answer: { items: { name: string }[] }): string[] => answer.items.map(({ name }) => name);

describe('several people', () => {
  let edge: TestEdge;
  let alice: Asker;
  let bob: Asker;
  beforeAll(async () => {
    edge = await TestEdge.open();
    alice = await edge.add('alice@example.org');
    bob = await edge.add('Bob');
  });
  afterAll(() => edge?.close());

  it('have names, runs and numbers of their own', async () => {
    expect((await alice.json('GET', '/api/you')).email).toBe('alice@example.org');
    expect(await alice.create(['true'], 'same')).toBe('same.1');
    expect(await bob.create(['true'], 'same')).toBe('same.1');
    expect(await bob.create(['true'], 'same')).toBe('same.2');
    expect(await edge.create(['true'], 'same')).toBe('same.1');
    expect(names(await alice.json('GET', '/api/workflows'))).toEqual(['same.1']);
    expect(names(await bob.json('GET', '/api/workflows'))).toEqual(['same.2', 'same.1']);
    expect(names(await edge.json('GET', '/api/workflows'))).toEqual(['same.1']);
    const [one, other] = await Promise.all([alice, bob].map(who => who.json('GET', '/api/workflows/same.1/status')));
    expect(one.id).not.toBe(other.id);
    expect(one.user).not.toBe(other.user);
  });

  it('have secrets of their own, which only their steps get', async () => {
    const value = (text: string) => Buffer.from(text).toString('base64');
    await alice.json('POST', '/api/secrets', { WHO: { type: 'env', value: value('alice') } });
    await edge.json('POST', '/api/secrets', { WHO: { type: 'env', value: value('owner') } });
    expect(await bob.json('GET', '/api/secrets')).toEqual([]);
    for (const [who, wanted] of [
      [alice, 'alice'],
      [bob, ''],
      [edge.as(token), 'owner'],
    ] as const) {
      const id = await who.start(['printenv WHO > who || true'], 'whose');
      await until('the run to end', 60_000, async () => (await who.status(id)) === 'finished');
      expect((await (await who.fetch(`/api/workflows/${id}/workspace/who`)).text()).trim()).toBe(wanted);
    }
  });

  it('are counted by name in the pool', async () => {
    const accounts = edge.steps.requests.map(({ account }) => account?.person);
    expect(new Set(accounts)).toEqual(new Set(['alice@example.org', 'bob', 'owner']));
    const ofAlice = edge.steps.requests.find(({ account }) => account?.person === 'alice@example.org')?.account?.name;
    expect(ofAlice).toMatch(/^alice_example_org-[0-9a-f]{8}$/);
  });

  it('have quotas of their own', async () => {
    const carol = await edge.add('carol', { quota: 100_000 });
    const run = await carol.create(['true']);
    expect((await carol.upload(run, 'small', 'x'.repeat(400))).status).toBe(200);
    const large = await carol.upload(run, 'large', 'x'.repeat(500_000));
    expect([large.status, (await large.json()) as unknown]).toEqual([
      507,
      { message: 'User quota exceeded: delete files or runs first.' },
    ]);
    expect((await carol.json('GET', '/api/you')).quota.disk.limit.raw).toBe(100_000);
    expect((await carol.upload(run, 'more', 'x'.repeat(60_000))).status).toBe(200);
    await edge.json('PUT', '/api/edge/people/carol', { quota: 10 });
    await expect(carol.create(['true'])).rejects.toThrow('403: User quota exceeded: your files use');
    await expect(carol.json('POST', `/api/workflows/${run}/start`, {})).rejects.toThrow('User quota exceeded');
    expect((await alice.upload('same.1', 'file', 'x'.repeat(500_000))).status).toBe(200);
  });

  it('are known by the hash of a token, in a file for the owner alone', async () => {
    const file = join(edge.dir, 'people.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const text = readFileSync(file, 'utf8');
    for (const { token } of [alice, bob]) expect(text).not.toContain(token);
    expect(edge.said.join('\n')).not.toContain(alice.token);
    expect(edge.said.join('\n')).toContain(' for alice@example.org');
  });

  it('are there after a restart of the edge', async () => {
    await edge.edge?.close();
    await edge.start();
    expect(await alice.status('same.1')).toBe('created');
    expect(names(await bob.json('GET', '/api/workflows'))).toContain('same.2');
    expect((await edge.json('GET', '/api/edge/people')).people.map((p: { name: string }) => p.name)).toContain('bob');
  });

  it('lose all access at once when they are removed, and their runs stop', async () => {
    const dave = await edge.add('dave');
    const id = await dave.start(['wait'], 'long');
    await until('the step to run', 60_000, async () => edge.steps.of(id).length > 0);
    const { body } = await dave.fetch('/api/edge/events');
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    expect(await edge.json('DELETE', '/api/edge/people/dave')).toEqual({ name: 'dave', stopped: 1 });
    await expect(readAll(reader)).rejects.toThrow();
    expect((await dave.fetch('/api/you')).status).toBe(403);
    await until('the step to stop', 60_000, async () => edge.steps.of(id)[0]?.state === 'stopped');
    expect(await edge.status(id)).toBe('stopped');
    const { runs } = await edge.json('GET', '/api/edge/overview');
    expect(runs.find((run: { id: string }) => run.id === id).owner).toBe('dave (removed)');
    await expect(edge.json('DELETE', '/api/edge/people/dave')).rejects.toThrow('404');
    // whoever comes later under this name is somebody else
    const again = await edge.add('dave');
    expect(names(await again.json('GET', '/api/workflows'))).toEqual([]);
    expect((await again.fetch(`/api/workflows/${id}/status`)).status).toBe(404);
  });

  it('leave runs that go on, if the owner says so', async () => {
    const erin = await edge.add('erin');
    const id = await erin.start(['wait'], 'long');
    await until('the step to run', 60_000, async () => edge.steps.of(id).length > 0);
    expect((await edge.json('DELETE', '/api/edge/people/erin?keep_runs=true')).stopped).toBe(0);
    expect((await erin.fetch('/api/you')).status).toBe(403);
    edge.steps.end(edge.steps.of(id)[0]?.id ?? '', { exitCode: 0 });
    await until('the run to end', 60_000, async () => (await edge.status(id)) === 'finished');
  });

  it('get a new token, which ends the old one', async () => {
    const old = await edge.add('frank');
    await old.create(['true'], 'mine');
    const now = await edge.add('frank');
    expect((await old.fetch('/api/you')).status).toBe(403);
    expect(names(await now.json('GET', '/api/workflows'))).toEqual(['mine.1']);
  });

  it('are added and removed by the owner alone', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const path = `/api/edge/people${method === 'GET' ? '' : '/mallory'}`;
      await expect(alice.json(method, path, method === 'PUT' ? {} : undefined)).rejects.toThrow('403: Only this');
    }
    for (const name of ['anybody', '-x', 'a b', 'a/b', 'ü', '', 'x'.repeat(65)]) {
      await expect(edge.add(name), name).rejects.toThrow();
    }
    await expect(edge.add((await edge.json('GET', '/api/you')).email)).rejects.toThrow('is the owner');
  });
});

describe('the next run', () => {
  const run = (owner: string, queued: number) => ({ id: `${owner}${queued}`, owner, queued });

  it('is that of whoever has the fewest, and nobody takes all the room', () => {
    const many = Array.from({ length: 10 }, (_, n) => run('a', n));
    expect(nextInTurn(many, [], 4)?.id).toBe('a0');
    expect(nextInTurn(many, many.slice(0, 4), 4)).toBeUndefined();
    expect(nextInTurn([...many, run('b', 99)], [run('a', 0)], 4)?.id).toBe('b99');
    expect(nextInTurn([run('a', 5)], [run('b', 1), run('a', 2), run('a', 3)], 4)).toBeUndefined();
    expect(nextInTurn([run('a', 5)], [run('a', 2), run('a', 3)], 4)?.id).toBe('a5');
  });
});

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  while (!(await reader.read()).done);
}
