import { appendFileSync, readFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ConnectionError, HostKeyError, UsageError } from '../../src/errors.js';
import { openHost } from '../../src/hosts/open.js';
import { freePort, type Sshd, startSshd } from './sshd.js';

vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

let target: Sshd;
let gate: Sshd;
beforeEach(async () => {
  [target, gate] = await Promise.all([startSshd(), startSshd()]);
  const known = path.join(target.home, '.ssh', 'known_hosts');
  appendFileSync(known, `[127.0.0.1]:${gate.port} ${readFileSync(`${gate.hostKeyFile}.pub`, 'utf8')}`);
  appendFileSync(path.join(gate.dir, 'authorized_keys'), readFileSync(`${target.clientKey}.pub`));
  configure(
    'Host gate',
    ' HostName 127.0.0.1',
    ` Port ${gate.port}`,
    'Host inner',
    ' HostName 127.0.0.1',
    ` Port ${target.port}`,
    ' ProxyJump gate',
  );
});
afterEach(() => Promise.all([target.stop(), gate.stop()]));

const configure = (...lines: string[]) => appendFileSync(target.configFile, `${lines.join('\n')}\n`);
const open = (host: string, more: object = {}) =>
  openHost({ kind: 'ssh', host, ...more }, { env: target.env, connectTimeoutMs: 3_000 });
const failure = (host: string, more?: object) => open(host, more).catch((e: unknown) => e as Error & { hint: string });

it('jumps over a gate', async () => {
  const host = await open('inner');
  const { stdout } = await host.run(['sh', '-c', 'echo $SSH_CONNECTION']);
  expect(stdout).toContain(` ${target.port}`);
  expect(gate.log()).toMatch(/direct-tcpip/);
  expect(target.log()).not.toMatch(/direct-tcpip/);
  await host.run(['wc', '-c'], { stdin: Buffer.alloc(3_000_000) });
  await host.close();
});

it('jumps over several gates, with ports and users in the list', async () => {
  configure('Host far', ' HostName 127.0.0.1', ` Port ${target.port}`, ` ProxyJump gate,root@127.0.0.1:${gate.port}`);
  const host = await open('far');
  expect((await host.run(['echo', 'far'])).stdout).toBe('far\n');
  expect(gate.sessions()).toHaveLength(2);
  await host.close();
});

it('reports to all waiting commands that the gate broke', async () => {
  const host = await open('inner');
  const running = host.run(['sleep', '60']).catch((e: unknown) => e);
  await sleep(300);
  for (const pid of gate.sessions()) process.kill(pid, 'SIGKILL');
  expect(await running).toBeInstanceOf(ConnectionError);
  await host.close();
});

it('names the hop that failed', async () => {
  const nowhere = await freePort();
  configure('Host lost', ' HostName 127.0.0.1', ` ProxyJump 127.0.0.1:${nowhere}`);
  expect(await failure('lost')).toMatchObject({
    message: expect.stringContaining('on the way to lost (jump host 127.0.0.1)'),
  });
  configure('Host dead', ' HostName 127.0.0.1', ` Port ${nowhere}`, ' ProxyJump gate');
  const error = await failure('dead');
  expect(error).toBeInstanceOf(ConnectionError);
  expect(String(error)).toMatch(/dead.*root@127\.0\.0\.1 could not connect to it/);
});

it('checks the keys of the hosts behind the gate too', async () => {
  configure('Host other', ' HostName 127.0.0.1', ` Port ${target.port}`, ' ProxyJump gate', ' HostKeyAlias stranger');
  expect(await failure('other')).toBeInstanceOf(HostKeyError);
});

it('sees rings of gates', async () => {
  configure('Host a', ' HostName a.invalid', ' ProxyJump b', 'Host b', ' HostName b.invalid', ' ProxyJump a');
  expect(await failure('a')).toBeInstanceOf(UsageError);
});

it('says in words why a host can not be reached', async () => {
  const port = await freePort();
  const refused = (await failure('127.0.0.1', { port })) as ConnectionError;
  expect(refused).toBeInstanceOf(ConnectionError);
  expect(refused.message).toContain(`can't reach 127.0.0.1 at port ${port}: connection refused`);
  expect(refused.hint).toContain(`ssh -p ${port} `);
  expect(String(await failure('no-such-host.invalid'))).toMatch(/no host of that name|could not be looked up/);
});

it.each(['says nothing', 'hangs up', 'speaks HTTP'])('is not held up by a port that %s', async how => {
  const sockets: net.Socket[] = [];
  const server = net.createServer(socket => {
    sockets.push(socket);
    socket.on('error', () => {});
    if (how === 'hangs up') socket.end();
    if (how === 'speaks HTTP') socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const error = await failure('127.0.0.1', { port: (server.address() as AddressInfo).port });
  expect(error).toBeInstanceOf(ConnectionError);
  for (const socket of sockets) socket.destroy();
  server.close();
});

it('loads ssh2 only for hosts that need it', async () => {
  const { execFileSync } = await import('node:child_process');
  const script = `import { openHost } from './src/hosts/open.ts';
    import { createRequire } from 'node:module';
    const host = await openHost({ kind: 'local' });
    await host.run(['true']);
    const loaded = Object.keys(createRequire(import.meta.url).cache).filter(f => f.includes('/ssh2/'));
    process.stdout.write(String(loaded.length));`;
  const argv = ['--import', 'tsx', '--input-type=module', '-e', script];
  expect(execFileSync(process.execPath, argv, { encoding: 'utf8' })).toBe('0');
});
