import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { markOf, originOf } from '../../../src/frameworks/jupyter/token.js';
import { provedBy } from '../../../src/reana/proved.js';
import { ask, opens } from '../../reana/sessions/browser.js';

const program = fileURLToPath(new URL('../../../templates/headnode/jupyter/door.py', import.meta.url));
const token = 'the-token-of-the-user-0123456789';
const inner = 'the-token-of-jupyter';
const form = { 'Content-Type': 'application/x-www-form-urlencoded' };

/** The door alone: behind it are a Jupyter and a wire of the test's own. The real ones are in test/cluster/jupyter.test.ts. */
describe('the door of JupyterLab', { timeout: 60_000 }, () => {
  let dir = '';
  let port = 0;
  let door: ChildProcess;
  let own = '';
  /** What Jupyter was asked, and what it answers. */
  const asked: { method: string; url: string; headers: http.IncomingHttpHeaders; body: string }[] = [];
  let answer = (_: IncomingMessage, response: ServerResponse) => void response.end('from the node');
  /** In the place of Jupyter: says these bytes to whatever comes. */
  let says: Buffer | undefined;
  let isThere = true;
  /** How often Jupyter was called. */
  let calls = 0;
  const jupyter = http.createServer(async (request, response) => {
    let body = '';
    try {
      for await (const part of request) body += part;
    } catch {
      return; // it was cut off
    }
    asked.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
    answer(request, response);
  });
  jupyter.on('upgrade', (request, socket) => {
    asked.push({ method: 'UPGRADE', url: request.url ?? '', headers: request.headers, body: '' });
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSet-Cookie: a=b\r\n\r\n',
    );
    socket.pipe(socket);
  });
  const wire = net.createServer(socket => {
    socket.on('error', () => {});
    calls += 1;
    socket.once('data', line => {
      if (String(line) !== 'jupyter server\n' || !isThere) return socket.end('nobody\n');
      socket.write('ok\n');
      if (says === undefined) jupyter.emit('connection', socket);
      else socket.once('data', () => socket.end(says ?? ''));
    });
  });

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'door-'));
    const free = net.createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    port = (free.address() as net.AddressInfo).port;
    free.close();
    await once(free, 'close');
    wire.listen(join(dir, 'calls'));
    own = `${originOf(token)}.localhost:${port}`;
    const settings = { token: markOf(token), name: originOf(token), inner, port, calls: join(dir, 'calls') };
    writeFileSync(join(dir, 'settings.json'), JSON.stringify({ ...settings, service: 'jupyter', worker: 'server' }));
    door = spawn('python3', ['-I', '-B', program, join(dir, 'settings.json')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(door.stdout as NodeJS.ReadableStream, 'data');
  });
  afterAll(() => {
    door.kill('SIGKILL');
    wire.close();
    rmSync(dir, { recursive: true, force: true });
  });
  afterEach(() => {
    asked.length = 0;
    [says, isThere, answer] = [undefined, true, (_, response) => void response.end('from the node')];
  });

  const address = () => `127.0.0.1:${port}`;
  const at = (host: string, path: string, headers = {}, more = {}) =>
    ask(port, path, { ...more, headers: { Host: host, ...headers } });
  /** Signs in as a browser does. @returns the cookie */
  async function enter(): Promise<string> {
    const to = await at(
      address(),
      '/',
      { ...opens, ...form, Origin: `http://${address()}` },
      { method: 'POST', body: `token=${token}` },
    );
    expect(to.status).toBe(303);
    const { host, pathname, search } = new URL(to.headers.location ?? '');
    expect(host).toBe(own);
    const back = await at(host, `${pathname}${search}`, opens);
    expect([back.status, back.headers.location]).toEqual([303, '/lab']);
    expect((await at(host, `${pathname}${search}`, opens)).headers.location, 'again').toBe(`http://${address()}/`);
    const [cookie = ''] = back.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+$/);
    return cookie.split(';')[0] ?? '';
  }
  /** Says something, and hears all that comes back. */
  const talk = (text: string) =>
    new Promise<string>(resolve => {
      let said = '';
      const socket = net.connect(port, '127.0.0.1', () => socket.write(text));
      socket
        .on('data', data => (said += data.toString('latin1')))
        .on('error', () => {})
        .on('close', () => resolve(said));
      socket.setTimeout(3000, () => socket.destroy());
    });

  it('asks for the token, and leads to an origin of its own', async () => {
    const page = await at(address(), '/', opens);
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.body).toContain('name="token"');
    const cookie = await enter();
    const lab = await at(own, '/lab?x=1&token=t&ticket=u&y=2', {
      ...opens,
      Cookie: `other=1; ${cookie}`,
      Referer: 'http://x/?ticket=1',
    });
    expect([lab.status, lab.body]).toEqual([200, 'from the node']);
    expect(asked).toEqual([
      {
        ...{ method: 'GET', url: '/lab?x=1&y=2', body: '' },
        headers: {
          accept: 'text/html',
          host: own,
          'sec-fetch-mode': 'navigate',
          cookie: 'other=1',
          authorization: `token ${inner}`,
        },
      },
    ]);
  });

  it('tells the node neither the token nor the cookie', async () => {
    const cookie = await enter();
    const headers = { Authorization: `token ${token}`, Cookie: cookie };
    await at(own, `/api?token=${token}`, headers);
    await at(address(), `/api?a=1&%74oken=${token}`, headers);
    await at(address(), '/api/contents', headers, { method: 'PUT', body: 'text' });
    expect(asked.map(a => `${a.method} ${a.url} ${a.body}`)).toEqual([
      'GET /api ',
      'GET /api?a=1 ',
      'PUT /api/contents text',
    ]);
    const all = JSON.stringify(asked);
    expect([token, markOf(token), cookie.split('=')[1] ?? '-'].filter(secret => all.includes(secret))).toEqual([]);
  });

  it('lets nobody in who has not the token', async () => {
    const wrong = ['', 'x', `${token}x`, token.slice(1), markOf(token), inner, 'é'];
    for (const text of wrong) {
      const word = encodeURIComponent(text);
      const tries = [
        await at(address(), `/api?token=${word}`),
        await at(address(), '/api', { Authorization: `token ${word}` }),
        await at(address(), '/', form, { method: 'POST', body: `token=${word}` }),
        await at(own, `/?ticket=${word}`),
        await at(own, '/lab', { Cookie: `scailfin-jupyter=${word}` }),
        await at(own, '/api', { Authorization: `token ${word}` }),
      ];
      expect(
        tries.map(t => t.status),
        text,
      ).toEqual([403, 403, 403, 403, 403, 403]);
    }
    // the token alone is not for its own origin, where pages of the node are
    expect((await at(own, `/api?token=${token}`)).status).toBe(403);
    for (const host of [
      'other.localhost',
      `x.${own}`,
      `${own}.example.org`,
      'evil.example.org',
      `${originOf(token)}x.localhost`,
      '[::1]',
    ])
      expect((await at(host, `/api?token=${token}`)).status, host).toBe(421);
    expect(asked).toEqual([]);
  });

  it('lets other pages lead there, but not act there', async () => {
    const Cookie = await enter();
    const evil = { Cookie, Origin: 'http://evil.example.org' };
    for (const Origin of ['http://evil.example.org', `http://${address()}`, 'null', undefined]) {
      const headers = { Cookie, ...(Origin === undefined ? {} : { Origin }) };
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
        expect((await at(own, '/api/kernels', headers, { method, body: '{}' })).status, `${method} ${Origin}`).toBe(
          403,
        );
      const upgrade = `GET /api/kernels/1/channels HTTP/1.1\r\nHost: ${own}\r\nCookie: ${Cookie}\r\n${Origin ? `Origin: ${Origin}\r\n` : ''}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n`;
      expect(await talk(upgrade), String(Origin)).toMatch(/^HTTP\/1.1 403 /);
    }
    expect(
      (await at(address(), '/', { ...form, Origin: evil.Origin }, { method: 'POST', body: `token=${token}` })).status,
    ).toBe(403);
    expect(asked).toEqual([]);
    expect(
      (await at(own, '/api/kernels', { Cookie, Origin: `http://${own}` }, { method: 'POST', body: '{}' })).status,
    ).toBe(200);
  });

  it('lets no answer of the node act on another origin', async () => {
    const Cookie = await enter();
    answer = (_, response) => {
      response.setHeader('Set-Cookie', [
        'a=1; Domain=localhost; Path=/',
        'scailfin-jupyter=mine',
        'b=2;domain = .localhost',
      ]);
      response.writeHead(200, {
        'Content-Type': 'text/html',
        Refresh: '0',
        'Clear-Site-Data': '"*"',
        'Alt-Svc': 'h3=":1"',
      });
      response.end('<script>alert(1)</script>');
    };
    const there = (await at(own, '/lab', { ...opens, Cookie })).headers;
    expect(there['set-cookie']).toEqual(['a=1; Path=/', 'b=2']);
    const here = (await at(address(), '/api', { Authorization: `Bearer ${token}` })).headers;
    expect(here).toMatchObject({
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
    });
    for (const name of ['set-cookie', 'refresh', 'clear-site-data', 'alt-svc'])
      expect(here[name], name).toBeUndefined();
    // a page at the address is never the node's
    const visit = await at(address(), `/files/evil.html?token=${token}`, opens);
    expect([visit.status, visit.headers.location?.split('=')[0]]).toEqual([303, `http://${own}/?ticket`]);
  });

  it('carries WebSockets, and long and chunked contents, over one connection', async () => {
    const Cookie = await enter();
    const text = await talk(
      `GET /api/kernels/1/channels HTTP/1.1\r\nHost: ${own}\r\nCookie: ${Cookie}\r\nOrigin: http://${own}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello`,
    );
    expect(text).toMatch(/^HTTP\/1.1 101 /);
    expect(text).toMatch(/\r\n\r\nhello$/);
    expect(text).not.toContain('a=b');
    const big = 'x'.repeat(3_000_000);
    answer = (_, response) => {
      response.write(big.slice(0, 1_500_000));
      response.end(big.slice(1_500_000));
    };
    calls = 0;
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const headers = { Host: own, Cookie, Origin: `http://${own}` };
    for (const isChunked of [true, false, true]) {
      const request = http.request({
        ...{ agent, host: '127.0.0.1', port, method: 'PUT', path: '/api/contents/a', headers },
      });
      if (isChunked) request.write(big.slice(0, 10));
      request.end(isChunked ? big.slice(10) : big);
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      let size = 0;
      for await (const part of response) size += part.length;
      expect([response.statusCode, size]).toEqual([200, big.length]);
    }
    agent.destroy();
    const sums = asked.filter(a => a.method === 'PUT').map(a => createHash('sha256').update(a.body).digest('hex'));
    expect(sums).toEqual(Array(3).fill(createHash('sha256').update(big).digest('hex')));
    expect(calls).toBe(1);
  });

  it('says so while there is no node, and goes on when there is one', async () => {
    const Cookie = await enter();
    isThere = false;
    const visit = await at(own, '/lab', { ...opens, Cookie });
    expect([visit.status, visit.headers.refresh]).toEqual([503, '3']);
    expect(visit.body).toContain('does not run at this moment');
    expect((await at(own, '/api', { Cookie })).status).toBe(503);
    isThere = true;
    expect((await at(own, '/lab', { ...opens, Cookie })).status).toBe(200);
  });

  it('ends a connection on which it is not clear what is meant, and goes on', async () => {
    const head = `GET /api HTTP/1.1\r\nHost: ${address()}\r\nAuthorization: token ${token}\r\n`;
    const bad = [
      'GET / HTTP/1.1\r\n\r\n',
      'nonsense\r\n\r\n',
      `${head}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
      `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
      `${head}Content-Length: -1\r\n\r\n`,
      `${head}Transfer-Encoding: gzip, chunked\r\n\r\n`,
      `${head} folded: x\r\n\r\n`,
      `${head}a b: x\r\n\r\n`,
      `${head}X: a\nContent-Length: 5\r\n\r\n`,
      `${head}X: ${'y'.repeat(70_000)}\r\n\r\n`,
      `GET http://evil.example.org/ HTTP/1.1\r\nHost: ${address()}\r\n\r\n`,
    ];
    for (const text of bad)
      expect(await talk(text), text.slice(0, 150)).toMatch(/^HTTP\/1.1 4\d\d .*Connection: close/s);
    expect(asked).toEqual([]);
    expect(await talk(`${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`)).not.toContain('from the node');
    expect((await at(address(), '/', opens)).status).toBe(200);
  });

  it('ends a connection on which the node says nonsense, and goes on', async () => {
    const ours = `GET /api HTTP/1.1\r\nHost: ${address()}\r\nAuthorization: token ${token}\r\n\r\n`;
    const wrong = [
      '',
      'nonsense\r\n\r\n',
      `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(70_000)}\r\n\r\n`,
      'HTTP/1.1 101 Switching Protocols\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx',
      'HTTP/1.1 200 OK\r\nA: b\rSet-Cookie: x\r\n\r\n',
      'HTTP/1.1 200\nOK\r\n\r\n',
    ];
    for (const text of wrong) {
      says = Buffer.from(text, 'latin1');
      expect(await talk(ours), text.slice(0, 60)).toMatch(/^(|HTTP\/1.1 502 .*Connection: close.*)$/s);
    }
    for (const [size, text] of [
      ['Transfer-Encoding: chunked', 'zz\r\n'],
      ['Content-Length: 100', 'short'],
    ] as const) {
      says = Buffer.from(`HTTP/1.1 200 OK\r\n${size}\r\n\r\n${text}`);
      // it ends in the middle, so that the browser knows that something is missing
      expect(await talk(ours), size).toMatch(/^HTTP\/1.1 200 .*\r\n\r\n(short)?$/s);
    }
    says = undefined;
    expect((await at(address(), '/api', { Authorization: `token ${token}` })).body).toBe('from the node');
  });

  it.skipIf(process.getuid?.() !== 0)('has no word for another user of this machine', async () => {
    const call = `import encodings.idna, os, socket, sys\nos.setuid(int(sys.argv[1]))\ns = socket.create_connection(("127.0.0.1", ${port}))
s.sendall(b"GET / HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nAccept: text/html\\r\\n\\r\\n")
try: print(s.recv(12))
except ConnectionResetError: print("reset")`;
    const as = async (uid: number) => {
      const child = spawn('python3', ['-I', '-c', call, String(uid)], { stdio: ['ignore', 'pipe', 'inherit'] });
      return String((await once(child.stdout, 'data'))[0]).trim();
    };
    expect(await as(0)).toBe("b'HTTP/1.1 200'");
    expect(["b''", 'reset']).toContain(await as(65_534));
  });

  it('proves itself to scailfin, which sends the token to nobody else', async () => {
    const dial = async () => {
      const socket = net.connect(port, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    };
    const socket = await provedBy(markOf(token), port, dial, 'JupyterLab')();
    socket.write(
      `GET /api HTTP/1.1\r\nHost: ${address()}\r\nAuthorization: token ${token}\r\nConnection: close\r\n\r\n`,
    );
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 200 /);
    socket.destroy();
    await expect(provedBy(markOf('another'), port, dial, 'JupyterLab')()).rejects.toThrow(
      "not this cluster's JupyterLab",
    );
    await expect(provedBy(markOf(token), port + 1, dial, 'JupyterLab')()).rejects.toThrow(
      "not this cluster's JupyterLab",
    );
  });
});
