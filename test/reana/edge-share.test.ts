// @module-tag nightly; each time: reana/edge-people
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../lab/programs.js';
import type { Asker } from './edge/asker.js';
import { reanaClient } from './edge/client.js';
import { TestEdge, token } from './edge/edges.js';
import { Forks, type Said } from './edge/forks.js';

const clients = await Promise.all([reanaClient(), reanaClient('0.95.0a4')]);
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
    expect((await by(old)(bob, 'status', '-w', 'hers.1')).out).toMatch(/hers\s+1\s.*finished/);
    expect(await good(bob, 'logs', '-w', 'hers.1')).toContain('printed by greet');
    expect((await by(old)(bob, 'download', '-w', 'hers.1', 'greeting.txt', '-o', '-')).out).toContain('hello');
    expect((await reana(carol, 'ls', '-w', 'hers.1')).out).toContain('that workflow does not exist');
    expect(await good(alice, 'share-status', '-w', 'hers.1')).toMatch(/bob@example.org\s+-/);
  });

  it('are listed as the client asks', async () => {
    expect(await good(bob, 'list', '--shared')).toMatch(/hers\s+1.*alice@example.org/);
    expect(await good(edge.as(token), 'list', '--shared')).toContain('hers');
    const listed = async (who: Asker, query: string): Promise<string[]> =>
      (await who.json('GET', `/api/workflows?${query}`)).items.map((run: { name: string }) => run.name);
    expect(await listed(bob, '')).toEqual([]);
    expect(await listed(bob, 'shared_by=alice@example.org')).toEqual(['hers.1']);
    expect(await listed(bob, 'shared_by=anybody')).toEqual(['hers.1']);
    expect(await listed(bob, 'shared_by=carol')).toEqual([]);
    expect(await listed(alice, 'shared_with=bob@example.org')).toEqual(['hers.1']);
    expect(await listed(alice, 'shared_with=anybody')).toEqual(['hers.1']);
    expect(await listed(alice, 'shared_with=nobody')).toEqual([]);
    expect(await listed(carol, 'shared=true')).toEqual([]);
    expect(await bob.json('GET', '/api/users/shared-with-you')).toEqual({
      users_shared_with_you: [{ email: 'alice@example.org' }],
    });
    expect(await alice.json('GET', '/api/users/you-shared-with')).toEqual({
      users_you_shared_with: [{ email: 'bob@example.org' }],
    });
  });

  it('can only be read', async () => {
    expect((await reana(bob, 'restart', '-w', 'hers.1')).out).toContain('only its owner can change it');
    for (const [method, path] of [
      ['POST', 'hers.1/workspace?file_name=more.txt'],
      ['DELETE', 'hers.1/workspace/greeting.txt'],
      ['PUT', 'move_files/hers.1?source=greeting.txt&target=moved.txt'],
      ['POST', 'hers.1/start'],
      ['PUT', 'hers.1/status?status=deleted'],
      ['PUT', 'hers.1/status?status=stop'],
      ['POST', 'hers.1/prune?include_outputs=true'],
      ['POST', 'hers.1/share'],
      ['POST', 'hers.1/unshare?user_email_to_unshare_with=bob@example.org'],
      ['GET', 'hers.1/share-status'],
    ] as const) {
      await expect(bob.json(method, `/api/workflows/${path}`), path).rejects.toThrow('403: hers.1 is shared with you');
    }
    expect((await alice.json('GET', '/api/workflows/hers.1/workspace')).items).toHaveLength(2);
  });

  it('are taken back, or end with a day', async () => {
    expect(await good(alice, 'share-remove', '-w', 'hers.1', '-u', 'bob@example.org')).toContain('no longer shared');
    expect((await bob.fetch('/api/workflows/hers.1/status')).status).toBe(404);
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
    const share = (user: string, more: object = {}) =>
      alice.json('POST', '/api/workflows/hers.1/share', { user_email_to_share_with: user, ...more });
    await expect(share('carol', { valid_until: '2001-01-01' })).rejects.toThrow("400: The 'valid_until' date");
    await expect(share('carol', { valid_until: 'soon' })).rejects.toThrow('400');
    await expect(share('nobody@x.org')).rejects.toThrow('404');
    await expect(share('alice@example.org')).rejects.toThrow('with yourself');
    const unshare = '/api/workflows/hers.1/unshare?user_email_to_unshare_with=carol';
    await expect(alice.json('POST', unshare)).rejects.toThrow('409: hers.1 is not shared with carol');
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
