import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sshString, sshUint32 } from '../../src/credentials/ssh/wire.js';
import { ConnectionError } from '../../src/errors.js';
import { dial } from '../../src/hosts/dial.js';
import { Master } from '../../src/hosts/kept/master.js';
import { placeOf } from '../../src/hosts/kept/place.js';
import { endKept, keptState } from '../../src/hosts/kept/reuse.js';
import { openHost } from '../../src/hosts/open.js';
import { MuxSocket } from '../../src/hosts/openssh/mux.js';
import { Sessions } from '../../src/hosts/openssh/sessions.js';
import { route } from '../../src/hosts/route.js';
import { type Sshd, startSshd } from './sshd.js';
import { gone, hostSuite } from './suite.js';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const target = { kind: 'ssh', host: 'box', transport: 'openssh' } as const;
let server: Sshd;
let runtime: string;
beforeAll(async () => {
  runtime = mkdtempSync(path.join(os.tmpdir(), 'scailfin-run-'));
  chmodSync(runtime, 0o700);
  vi.stubEnv('XDG_RUNTIME_DIR', runtime);
  server = await startSshd();
});
afterAll(async () => {
  await endKept(() => true);
  await server?.stop();
  vi.unstubAllEnvs();
  rmSync(runtime, { recursive: true, force: true });
});

const open = () => openHost(target, { env: server.env });
/** The ssh processes that keep a connection to the server. */
const masters = (): number[] =>
  spawnSync('pgrep', ['-f', `^ssh .*${runtime}`], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter(Boolean)
    .map(Number);
const files = (): string[] => {
  const dir = path.join(runtime, 'scailfin');
  return existsSync(dir) ? readdirSync(dir) : [];
};

hostSuite('over the system’s ssh', open);

describe('the connection', () => {
  it('is one ssh, which leaves with its socket when the host is closed', async () => {
    const host = await open();
    const [pid] = masters();
    expect(masters()).toHaveLength(1);
    expect(files().map(name => path.extname(name))).toEqual(['.mux']);
    await host.close();
    await gone([pid as number]);
    expect(existsSync(path.join(runtime, 'scailfin'))).toBe(false);
  });

  it('that is broken by the end of its ssh is told to every command', async () => {
    const host = await open();
    const running = host.run(['sleep', '60']).catch((e: unknown) => e);
    await host.run(['true']);
    for (const pid of masters()) process.kill(pid, 'SIGKILL');
    const error = (await running) as ConnectionError;
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toContain('broke: ssh ended');
    await expect(host.run(['true'])).rejects.toThrow(ConnectionError);
    await host.close();
    expect(files()).toEqual([]);
  });

  it('carries tunnels, and says which do not go', async () => {
    const echo = net.createServer(socket => socket.pipe(socket));
    await new Promise<void>(resolve => echo.listen(0, '127.0.0.1', resolve));
    const { port } = echo.address() as AddressInfo;
    const { link } = await dial(target, { env: server.env });
    const tunnel = await link.tunnel('127.0.0.1', port);
    tunnel.write('there and back');
    expect(String((await once(tunnel, 'data'))[0])).toBe('there and back');
    tunnel.end();
    await once(tunnel.resume(), 'close');
    echo.close();
    await expect(link.tunnel('127.0.0.1', port)).rejects.toThrow(/[Cc]onnect/);
    await link.close();
  });

  it('is of no use where ssh is too old to share it with programs', async () => {
    const socket = path.join(runtime, 'old.mux');
    const hello = sshString(Buffer.concat([1, 4].map(sshUint32)));
    const failure = sshString(Buffer.concat([sshUint32(0x80000003), sshUint32(0), sshString('unsupported request')]));
    const old = net.createServer(client => {
      const answers = [hello, failure];
      client.on('data', () => {
        // a byte at a time, as a slow machine might
        for (const byte of answers.shift() ?? []) client.write(Buffer.of(byte));
      });
    });
    await new Promise<void>(resolve => old.listen(socket, resolve));
    const sessions = new Sessions(await MuxSocket.connect(socket));
    await expect(sessions.begin()).rejects.toThrow('this ssh is older than OpenSSH 7.4');
    old.close();
    rmSync(socket, { force: true });
  });

  describe('of a process that goes without a word', () => {
    const start = async () => {
      const script = `import { openHost } from './src/hosts/open.ts';
        const host = await openHost(${JSON.stringify(target)}, { env: ${JSON.stringify(server.env)} });
        process.on('SIGINT', () => process.exit(130));
        process.stdout.write('in');
        await host.run(['sleep', '30']).catch(() => {});`;
      const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
        detached: true,
      });
      await once(child.stdout, 'data');
      expect(masters()).toHaveLength(1);
      return child;
    };

    it('goes with it at Ctrl-C', async () => {
      const child = await start();
      // as a terminal does: to all of the foreground
      process.kill(-(child.pid as number), 'SIGINT');
      await once(child, 'exit');
      expect(child.exitCode).toBe(130);
      await expect.poll(masters, { timeout: 60_000 }).toEqual([]);
      expect(files()).toEqual([]);
    });

    it('goes with it when nothing could be done', async () => {
      const child = await start();
      child.kill('SIGKILL');
      await expect.poll(masters, { timeout: 60_000 }).toEqual([]);
      expect(files()).toEqual([]);
    });
  });
});

describe('a login that is kept by the system’s ssh', () => {
  const way = () => route({ host: 'box' }, { env: server.env });
  beforeAll(async () => {
    const { link } = await dial(target, { env: server.env });
    await new Master(link, placeOf(way()), 600).serve();
    // from here on nobody gets in but through what is kept
    writeFileSync(path.join(server.dir, 'authorized_keys'), '');
  });

  hostSuite('is a host like any other', open, { brief: true });

  it('is there for every transport', async () => {
    for (const transport of ['ssh2', 'openssh', 'gsissh'] as const) {
      const host = await openHost({ ...target, transport }, { env: server.env });
      expect((await host.run(['echo', transport])).stdout).toBe(`${transport}\n`);
      await host.close();
    }
    expect(masters()).toHaveLength(1);
  });

  it('ends with its ssh', async () => {
    expect(await keptState(way())).toMatchObject({ clients: 0, idleLimit: 600 });
    for (const pid of masters()) process.kill(pid, 'SIGTERM');
    await expect.poll(files, { timeout: 60_000 }).toEqual([]);
    expect(await keptState(way())).toBeUndefined();
  });
});
