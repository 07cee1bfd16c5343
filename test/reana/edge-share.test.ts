import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../lab/programs.js';
import type { Asker } from './edge/asker.js';
import { reanaClient } from './edge/client.js';
import { TestEdge, token } from './edge/edges.js';
import { Forks, type Said } from './edge/forks.js';

const clients = await Promise.all([reanaClient(), reanaClient('requirements-sharing.txt')]);
const missing = clients.flatMap(client => ('missing' in client ? [client.missing] : []));
if (missing.length > 0)
  process.stderr.write(`${missing.join('; ')}: sharing with the real reana-client is not tried\n`);

const specification = `
workflow:
  type: serial
  specification:
    steps:
      - name: greet
        environment: 'docker.io/library/python:3.12'
        commands: ['echo hello > greeting.txt']
outputs: {files: [greeting.txt]}
`;

describe.skipIf(missing.length > 0)('runs that are shared, with the real reana-client', { timeout: 300_000 }, () => {
  let edge: TestEdge;
  let old: Forks;
  let forks: Forks;
  let cwd: string;
  let alice: Asker;
  let bob: Asker;
  let carol: Asker;
  const by =
    (client: Forks) =>
    (who: { readonly token: string }, ...args: string[]): Promise<Said> =>
      client.run(cwd, { REANA_SERVER_URL: edge.url, REANA_ACCESS_TOKEN: who.token }, args);
  const reana = (who: { readonly token: string }, ...args: string[]): Promise<Said> => by(forks)(who, ...args);
  const good = async (who: { readonly token: string }, ...args: string[]): Promise<string> => {
    const { exitCode, out } = await reana(who, ...args);
    expect(exitCode, `reana-client ${args.join(' ')}: ${out}`).toBe(0);
    return out;
  };

  beforeAll(async () => {
    const [first, sharing] = clients.map(client => ('path' in client ? client.path : ''));
    old = new Forks(first ?? '');
    forks = new Forks(sharing ?? '');
    edge = await TestEdge.open();
    alice = await edge.add('alice@example.org');
    bob = await edge.add('bob@example.org');
    carol = await edge.add('carol');
    cwd = await mkdtemp(join(tmpdir(), 'scailfin-share-'));
    await writeFile(join(cwd, 'reana.yaml'), specification);
    await good(alice, 'create', '-n', 'hers', '-f', 'reana.yaml');
    await good(alice, 'start', '-w', 'hers');
    await until('the run to end', 60_000, async () => (await alice.status('hers')) === 'finished');
  });
  afterAll(async () => {
    old?.close();
    forks?.close();
    await edge?.close();
    await rm(cwd, { recursive: true, force: true });
  });

  it('are read by those with whom they are shared, with both clients', async () => {
    expect((await reana(bob, 'status', '-w', 'hers.1')).out).toContain('that workflow does not exist');
    expect(await good(alice, 'share-add', '-w', 'hers.1', '-u', 'bob@example.org')).toContain(
      'read-only shared with bob',
    );
    for (const client of [by(forks), by(old)]) {
      expect((await client(bob, 'status', '-w', 'hers.1')).out).toMatch(/hers\s+1\s.*finished/);
      expect((await client(bob, 'logs', '-w', 'hers.1')).out).toContain('printed by greet');
      expect((await client(bob, 'ls', '-w', 'hers.1')).out).toContain('greeting.txt');
      expect((await client(bob, 'download', '-w', 'hers.1', 'greeting.txt', '-o', '-')).out).toContain('hello');
      expect((await client(carol, 'status', '-w', 'hers.1')).out).toContain('that workflow does not exist');
    }
    expect(await good(alice, 'share-status', '-w', 'hers.1')).toMatch(/bob@example.org\s+-/);
  });

  it('are listed as the client asks', async () => {
    expect(await good(bob, 'list')).not.toContain('hers');
    expect(await good(bob, 'list', '--shared')).toMatch(/hers\s+1.*alice@example.org/);
    expect(await good(bob, 'list', '--shared-by', 'alice@example.org')).toContain('hers');
    expect(await good(bob, 'list', '--shared-by', 'carol')).not.toContain('hers');
    expect(await good(alice, 'list', '--shared-with', 'bob@example.org')).toContain('hers');
    expect(await good(alice, 'list', '--shared-with', 'nobody')).not.toContain('hers');
    expect(await good(carol, 'list', '--shared')).not.toContain('hers');
    expect(await good(edge.as(token), 'list', '--shared')).toContain('hers');
    expect(await bob.json('GET', '/api/users/shared-with-you')).toEqual({
      users_shared_with_you: [{ email: 'alice@example.org' }],
    });
    expect(await alice.json('GET', '/api/users/you-shared-with')).toEqual({
      users_you_shared_with: [{ email: 'bob@example.org' }],
    });
  });

  it('can only be read', async () => {
    await writeFile(join(cwd, 'more.txt'), 'more');
    for (const args of [
      ['upload', '-w', 'hers.1', 'more.txt'],
      ['rm', '-w', 'hers.1', 'greeting.txt'],
      ['mv', '-w', 'hers.1', 'greeting.txt', 'moved.txt'],
      ['restart', '-w', 'hers.1'],
      ['delete', '-w', 'hers.1'],
      ['prune', '-w', 'hers.1'],
      ['share-add', '-w', 'hers.1', '-u', 'carol'],
      ['share-remove', '-w', 'hers.1', '-u', 'bob@example.org'],
      ['share-status', '-w', 'hers.1'],
    ]) {
      expect((await reana(bob, ...args)).out, args.join(' ')).toContain('only its owner can change it');
    }
    expect(await good(alice, 'ls', '-w', 'hers.1')).toContain('greeting.txt');
    expect(await good(alice, 'ls', '-w', 'hers.1')).not.toContain('more.txt');
  });

  it('are taken back, or end with a day', async () => {
    expect(await good(alice, 'share-remove', '-w', 'hers.1', '-u', 'bob@example.org')).toContain('no longer shared');
    expect((await reana(bob, 'status', '-w', 'hers.1')).out).toContain('that workflow does not exist');
    expect((await reana(alice, 'share-remove', '-w', 'hers.1', '-u', 'bob@example.org')).out).toContain(
      'is not shared',
    );
    await good(
      alice,
      'share-add',
      '-w',
      'hers.1',
      '-u',
      'bob@example.org',
      '--valid-until',
      '2999-12-31',
      '-m',
      'Look',
    );
    expect(await good(alice, 'share-status', '-w', 'hers.1')).toContain('2999-12-31T23:59:59');
    expect((await reana(alice, 'share-add', '-w', 'hers.1', '-u', 'bob@example.org')).out).toContain('already shared');
    const past = await reana(alice, 'share-add', '-w', 'hers.1', '-u', 'carol', '--valid-until', '2001-01-01');
    expect(past.out).toContain("The 'valid_until' date cannot be in the past.");
    expect((await reana(alice, 'share-add', '-w', 'hers.1', '-u', 'nobody@x.org')).out).toContain('does not exist');
    expect((await reana(alice, 'share-add', '-w', 'hers.1', '-u', 'alice@example.org')).out).toContain('with yourself');
  });

  it('end for somebody who is removed', async () => {
    const { id } = await alice.json('GET', '/api/workflows/hers/status');
    expect(await bob.status(id)).toBe('finished');
    await edge.json('DELETE', '/api/edge/people/bob@example.org');
    const again = await edge.add('bob@example.org');
    expect((await again.fetch(`/api/workflows/${id}/status`)).status).toBe(404);
    expect(await good(alice, 'share-status', '-w', 'hers.1')).toContain('is not shared with anyone');
  });
});
