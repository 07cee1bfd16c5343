import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { connect } from '../../src/hosts/connect.js';
import { Master } from '../../src/hosts/kept/master.js';
import { makeKeptDir, placeOf } from '../../src/hosts/kept/place.js';
import { endKept, keptLogins, keptState } from '../../src/hosts/kept/reuse.js';
import { openHost } from '../../src/hosts/open.js';
import { route } from '../../src/hosts/route.js';
import { type Sshd, startSshd } from './sshd.js';
import { hostSuite } from './suite.js';

vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

describe('a kept login', () => {
  let server: Sshd;
  let runtime: string;

  beforeAll(async () => {
    runtime = mkdtempSync(path.join(os.tmpdir(), 'scailfin-run-'));
    chmodSync(runtime, 0o700);
    vi.stubEnv('XDG_RUNTIME_DIR', runtime);
    // two sessions less than sshd's own ten, as some sites have it
    server = await startSshd({ config: ['MaxSessions 8'] });
  });
  afterAll(async () => {
    await endKept(() => true);
    await server?.stop();
    vi.unstubAllEnvs();
    rmSync(runtime, { recursive: true, force: true });
  });

  const way = () => route({ host: 'box' }, { env: server.env });
  const open = () => openHost({ kind: 'ssh', host: 'box' }, { env: server.env });
  const keep = async (idleLimit = 600): Promise<Master> => {
    const master = new Master(await connect(way(), { env: server.env }), placeOf(way()), idleLimit);
    await master.serve();
    return master;
  };
  const files = (): string[] => {
    const dir = path.join(runtime, 'scailfin');
    return existsSync(dir) ? readdirSync(dir) : [];
  };

  describe('is a host like any other', () => {
    beforeAll(async () => {
      await keep();
      // from here on nobody gets in but through what is kept
      writeFileSync(path.join(server.dir, 'authorized_keys'), '');
    });
    afterAll(() => {
      writeFileSync(path.join(server.dir, 'authorized_keys'), readPublicKey(server));
    });
    hostSuite('over a kept login', open);

    it('needs no proof again, for two at once', async () => {
      const before = server.sessions().length;
      const hosts = await Promise.all([open(), open()]);
      const said = await Promise.all(hosts.map((host, n) => host.run(['echo', String(n)])));
      expect(said.map(s => s.stdout)).toEqual(['0\n', '1\n']);
      for (const host of hosts) await host.close();
      expect(server.sessions()).toHaveLength(before);
    });

    it('shares the sessions that the far host allows', async () => {
      const hosts = await Promise.all([open(), open(), open()]);
      const work = hosts.flatMap(host => Array.from({ length: 8 }, () => host.run(['sh', '-c', 'sleep 0.2; echo x'])));
      expect((await Promise.all(work)).map(o => o.stdout)).toEqual(Array(24).fill('x\n'));
      for (const host of hosts) await host.close();
    });

    it('carries tunnels', async () => {
      const echo = net.createServer(socket => socket.pipe(socket));
      await new Promise<void>(resolve => echo.listen(0, '127.0.0.1', resolve));
      const { port } = echo.address() as net.AddressInfo;
      const connection = await connect(way(), { env: server.env });
      const tunnel = await connection.tunnel('127.0.0.1', port);
      tunnel.write('there and back');
      const [said] = await new Promise<Buffer[]>(resolve => tunnel.once('data', (...data: Buffer[]) => resolve(data)));
      expect(String(said)).toBe('there and back');
      await connection.close();
      echo.close();
    });
  });

  describe('in its time', () => {
    afterEach(() => endKept(() => true));

    it('tells how long it lasts, and its files are its owner’s alone', async () => {
      await keep(600);
      const [state] = await keptLogins();
      expect(state).toMatchObject({ name: `${server.user}@127.0.0.1`, pid: process.pid, idleLimit: 600, clients: 0 });
      expect(state?.secondsLeft).toBeGreaterThan(590);
      const dir = path.join(runtime, 'scailfin');
      expect(statSync(dir).mode & 0o777).toBe(0o700);
      expect(statSync(path.join(dir, files().find(f => f.endsWith('.json')) as string)).mode & 0o777).toBe(0o600);
    });

    it('ends when nobody used it, not while somebody does', async () => {
      await keep(1);
      const host = await open();
      await sleep(1500);
      expect((await keptState(way()))?.clients).toBe(1);
      await host.close();
      await expect.poll(files, { timeout: 60_000 }).toEqual([]);
    });

    it('ends when asked, and tells whose it was', async () => {
      await keep();
      expect((await endKept(() => false)).length).toBe(0);
      expect((await endKept(() => true)).map(k => k.name)).toEqual([`${server.user}@127.0.0.1`]);
      expect(files()).toEqual([]);
      expect(await keptState(way())).toBeUndefined();
    });

    it('ends with its connection; the next command logs in by itself', async () => {
      await keep();
      const [session] = server.sessions();
      process.kill(session as number, 'SIGKILL');
      await expect.poll(files, { timeout: 60_000 }).toEqual([]);
      const host = await open();
      expect((await host.run(['echo', 'in'])).stdout).toBe('in\n');
      await host.close();
    });

    it('that died leaves nothing in the way', async () => {
      const place = placeOf(way());
      makeKeptDir();
      writeFileSync(place.file, JSON.stringify({ name: 'x', pid: 1, hostKey: 'ssh-ed25519 AAAA' }));
      const dead = net.createServer();
      await new Promise<void>(resolve => dead.listen(place.socket, resolve));
      await new Promise(resolve => dead.close(resolve));
      expect(await keptLogins()).toEqual([]);
      expect(files()).toEqual([]);
    });

    it('is not used when its key is not the one on record', async () => {
      await keep();
      const place = placeOf(way());
      const file = { name: 'x', pid: 1, hostKey: readPublicKey(server) };
      writeFileSync(place.file, JSON.stringify(file));
      expect(await keptState(way())).toBeUndefined();
      const host = await open();
      expect((await host.run(['echo', 'in'])).stdout).toBe('in\n');
      await host.close();
      await expect.poll(() => server.sessions().length, { timeout: 60_000 }).toBeGreaterThan(0);
    });
  });

  it('has no place in a directory that others can write to', () => {
    const open = mkdtempSync(path.join(os.tmpdir(), 'scailfin-open-'));
    chmodSync(open, 0o700);
    mkdirSync(path.join(open, 'scailfin'));
    chmodSync(path.join(open, 'scailfin'), 0o777);
    vi.stubEnv('XDG_RUNTIME_DIR', open);
    expect(() => placeOf(way())).toThrow(/is not used for kept logins: it is not yours alone/);
    vi.stubEnv('XDG_RUNTIME_DIR', runtime);
    rmSync(open, { recursive: true });
  });
});

function readPublicKey(server: Sshd): string {
  return readFileSync(`${server.clientKey}.pub`, 'utf8');
}
