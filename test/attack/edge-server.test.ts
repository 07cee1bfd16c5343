import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { globMatcher } from '../../src/reana/edge/workspace/glob.js';
import { Claims, spaceAt } from '../../src/reana/space.js';
import { TestEdge } from '../reana/edge/edges.js';
import { attack } from './attack.js';

let edge: TestEdge;
beforeEach(async () => {
  edge = await TestEdge.open();
});
afterEach(() => edge.close());

const by = 'a client with the token';
const workspaceOf = (): string => join(edge.dir, 'workspaces', readdirSync(join(edge.dir, 'workspaces'))[0] as string);
/** Seconds that the edge was not there for others, at worst. */
const blocked = async (work: () => Promise<unknown>): Promise<number> => {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  await work();
  delay.disable();
  return delay.max / 1e9;
};
const post = (path: string, body: string): Promise<Response> =>
  edge.fetch(path, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } });

describe('bodies', () => {
  attack({ by, on: 'here', what: 'sends JSON that is large, deep or full of nothing' }, async count => {
    const large = ' '.repeat(2 << 20);
    const run = await edge.create(['true']);
    const bodies: [string, string][] = [
      ['/api/workflows', `{"workflow":[${'{},'.repeat(2_000_000)}{}]}`],
      ['/api/workflows', `{"workflow":${'['.repeat(5000)}${']'.repeat(5000)}}`],
      ['/api/workflows', `{"workflow":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`],
      ['/api/workflows', `{"workflow":"${'x'.repeat(17 << 20)}"}`],
      ['/api/workflows', `${'['.repeat(400_000)}`],
      ['/api/secrets', `{${large}}`],
      [`/api/workflows/${run}/start`, `{"input_parameters":[${'[],'.repeat(400_000)}[]]}`],
    ];
    for (const [path, body] of bodies) {
      expect((await post(path, body)).status, body.slice(0, 40)).toBe(413);
      count();
    }
    // brackets in a text are none
    expect((await post('/api/workflows', JSON.stringify({ workflow: '[{'.repeat(500_000) }))).status).toBe(400);
  });

  attack({ by: 'another user', on: 'here', what: 'keeps a thousand connections, and says nothing' }, async count => {
    const sockets: Socket[] = [];
    const port = Number(new URL(edge.url).port);
    for (let n = 0; n < 1000; n++) {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      // some say half of something
      socket.write(n % 2 ? '' : 'POST /api/workflows HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n');
      sockets.push(socket);
      count();
    }
    try {
      expect((await edge.json('GET', '/api/ping')).message).toBe('OK');
      // long before one that says nothing has to go
      const left = () => sockets.filter(socket => !socket.closed && socket.readyState !== 'closed').length;
      await expect.poll(left, { timeout: 60_000 }).toBeLessThanOrEqual(250);
      expect((await edge.json('GET', '/api/ping')).message).toBe('OK');
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });

  attack({ by: 'another user', on: 'here', what: 'keeps a connection without a word' }, async () => {
    const socket = connect(Number(new URL(edge.url).port), '127.0.0.1').on('error', () => {});
    const began = Date.now();
    await new Promise(resolve => socket.once('close', resolve).resume());
    expect(Date.now() - began).toBeLessThan(45_000);
  });

  attack({ by, on: 'here', what: 'opens pages without end' }, async count => {
    const controller = new AbortController();
    const open = () => edge.fetch('/api/edge/events', { signal: controller.signal });
    const answers = await Promise.all(Array.from({ length: 520 }, open));
    count(520);
    const refused = answers.filter(({ status }) => status === 503);
    controller.abort();
    expect([refused.length, answers.length - refused.length]).toEqual([20, 500]);
  });
});

describe('words', () => {
  attack({ by, on: 'here', what: 'learns a path of the headnode from what goes wrong' }, async count => {
    const run = await edge.create(['true']);
    const files = `/api/workflows/${run}/workspace`;
    await edge.upload(run, 'file', 'x');
    await edge.upload(run, 'dir/file', 'x');
    symlinkSync('/etc/passwd', join(workspaceOf(), 'link'));
    const long = 'n'.repeat(300);
    const move = (source: string, target: string) =>
      edge.fetch(`/api/workflows/move_files/${run}?source=${source}&target=${target}`, { method: 'PUT' });
    const secret = (name: string) => post('/api/secrets', JSON.stringify({ [name]: { type: 'file', value: 'eA==' } }));
    const tries: (() => Promise<Response>)[] = [
      () => edge.upload(run, long, 'x'),
      () => edge.upload(run, `${long}/x`, 'x'),
      () => edge.upload(run, 'file/x', 'x'),
      () => edge.upload(run, 'dir', 'x'),
      () => edge.upload(run, 'a\0b', 'x'),
      () => edge.upload(run, 'link/x', 'x'),
      () => move('file', long),
      () => move(long, 'x'),
      () => move('dir', 'dir/below'),
      () => move('file', 'dir/../x'),
      () => secret('ü'.repeat(200)),
      () => secret('n'.repeat(201)),
      () => edge.fetch(`${files}/link`),
      () => edge.fetch(`${files}/${long}`),
      () => edge.fetch(`${files}/${'d/'.repeat(1000)}x`),
      () => edge.fetch(`/api/workflows/${run}/diff/${run}?context_lines=1e308`),
      () => edge.fetch(`/api/workflows/${run}/diff/${run}?context_lines=99999999999`),
      () => edge.fetch(`${files}?page=1&size=99999999999`),
      () => edge.fetch(`${files}?search={"size":[{}]}`),
    ];
    for (const [n, attempt] of tries.entries()) {
      const answer = await attempt();
      const text = await answer.text();
      expect([n, answer.status >= 400 && answer.status < 500], text).toEqual([n, n < tries.length - 1]);
      expect(text).not.toMatch(/\/proc\/self|node:|\/home\/|\/root\//);
      expect(text).not.toContain(edge.dir);
      count();
    }
  });
});

describe('globs', () => {
  attack({ by, on: 'here', what: 'asks for a pattern that takes for ever to match' }, async count => {
    const run = await edge.create(['true']);
    await edge.upload(run, 'a'.repeat(250), 'x');
    const patterns = [6, 20, 100].flatMap(n => [
      `${'*a'.repeat(n)}*b`,
      `${'**/'.repeat(n)}b`,
      `${'?*'.repeat(n)}b`,
      `${'[a]*'.repeat(n)}b`,
    ]);
    const seconds = await blocked(async () => {
      for (const pattern of patterns) {
        const answer = await edge.json(
          'GET',
          `/api/workflows/${run}/workspace?file_name=${encodeURIComponent(pattern)}`,
        );
        expect(answer.items, pattern).toEqual([]);
        count();
      }
      const worst = globMatcher(`${'*a'.repeat(2000)}b`);
      expect(worst('a'.repeat(255))).toBe(false);
      expect(globMatcher(`${'**/a/'.repeat(800)}b`)('a/'.repeat(1000))).toBe(false);
    });
    expect(seconds).toBeLessThan(5);
  });

  attack({ by, on: 'here', what: 'has a pattern mean more than it says' }, count => {
    const fits: [string, string, boolean][] = [
      ['*', 'a', true],
      ['*', 'a/b', false],
      ['*', '.hidden', true],
      ['**', 'a/b/c', true],
      ['a/**', 'a/b/c', true],
      ['a/**', 'a', false],
      ['a/**/c', 'a/c', true],
      ['a/**/c', 'a/b/b/c', true],
      ['**/*.txt', 'a.txt', true],
      ['a**c', 'abbc', true],
      ['a**c', 'a/c', false],
      ['[a-c]x', 'bx', true],
      ['[!a-c]x', 'bx', false],
      ['[^a]', 'b', true],
      ['[]]', ']', true],
      ['[', '[', true],
      ['[!]', '[!]', true],
      ['\\*', '*', true],
      ['\\*', 'a', false],
      ['{a,b}', 'a', false],
      ['!(a)', 'b', false],
      ['?', 'ü', true],
      ['a.c', 'abc', false],
      ['(a|b)', 'a', false],
    ];
    for (const [pattern, path, expected] of fits) {
      expect([pattern, path, globMatcher(pattern)(path)]).toEqual([pattern, path, expected]);
      count();
    }
  });
});

describe('what there is much of', { timeout: 480_000, tags: ['nightly'] }, () => {
  attack({ by: 'a step', on: 'here', what: 'leaves 120,000 files' }, async count => {
    const run = await edge.create(['true']);
    const many = join(workspaceOf(), 'many');
    mkdirSync(many);
    for (let n = 0; n < 120_000; n++) closeSync(openSync(join(many, `file-${n}`), 'w'));
    const path = `/api/workflows/${run}`;
    const before = process.memoryUsage().heapUsed;
    const seconds = await blocked(async () => {
      const { items, total } = await edge.json('GET', `${path}/workspace?page=3&size=10`);
      expect([items.length, total]).toEqual([10, 120_000]);
      for (const ask of [`${path}/workspace/many`, `${path}/workspace/**`, `${path}/disk_usage`]) {
        const answer = await edge.fetch(ask);
        expect([ask, answer.status, await answer.text()]).toEqual([ask, 400, expect.stringMatching(/ore than 100000/)]);
        count();
      }
      expect((await edge.fetch(`${path}/workspace/**`, { method: 'DELETE' })).status).toBe(400);
      expect((await edge.json('GET', `${path}/disk_usage?summarize=true`)).disk_usage_info).toHaveLength(1);
    });
    expect(seconds).toBeLessThan(5);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(500 * 2 ** 20);
    expect((await edge.fetch(`${path}/status?status=deleted`, { method: 'PUT', body: '{}' })).status).toBe(200);
    expect(readdirSync(join(edge.dir, 'workspaces'))).toEqual([]);
    count(3);
  });

  attack({ by, on: 'here', what: 'creates large workflows without end, and has them read again' }, async count => {
    const specification = { steps: [{ name: 'only', environment: '', commands: ['x'.repeat(15 << 20)] }] };
    const body = JSON.stringify({ workflow: { type: 'serial', specification } });
    let refused: Response | undefined;
    for (let n = 0; n < 20 && !refused; n++) {
      const answer = await post('/api/workflows?workflow_name=large', body);
      if (answer.status !== 201) refused = answer;
      count();
    }
    expect(refused?.status).toBe(413);
    expect(await refused?.text()).toContain('Deleting runs makes room.');
    await edge.fetch('/api/workflows/large.1/status?status=deleted', { method: 'PUT', body: '{}' });
    expect((await post('/api/workflows?workflow_name=large', body)).status).toBe(201);
    await edge.edge?.close();
    await edge.start();
    expect((await post('/api/workflows?workflow_name=large', body)).status).toBe(413);
  });
});

describe('the disk', () => {
  attack({ by, on: 'here', what: 'uploads without end' }, async count => {
    const dir = mkdtempSync(join(tmpdir(), 'scailfin-small-'));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', dir]);
    expect(mounted.status, String(mounted.stderr)).toBe(0);
    const small = await TestEdge.open({ dir });
    try {
      const run = await small.create(['true']);
      expect((await small.upload(run, 'fits', Buffer.alloc(32 << 20))).status).toBe(200);
      const refused = await small.upload(run, 'large', Buffer.alloc(48 << 20));
      expect([refused.status, await refused.json()]).toEqual([
        507,
        { message: "The headnode's disk has no room for more files." },
      ]);
      // there is room for what the edge itself has to write
      expect((await spaceAt(dir)).bytes).toBeGreaterThan(0);
      const claims = new Claims(dir);
      const done = await claims.take(16 << 20);
      await expect(claims.take(16 << 20)).rejects.toThrow('no room');
      done();
      (await claims.take(16 << 20))();
      expect((await small.json('GET', `/api/workflows/${run}/workspace`)).items).toHaveLength(1);
      count(3);
    } finally {
      await small.close();
      spawnSync('umount', [dir]);
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
