import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newKeys, type WireKeys } from '../../../src/frameworks/wire/keys.js';
import { nodeFiles, wireFiles } from '../../../src/frameworks/wire/wire.js';

const standIn = fileURLToPath(new URL('port.py', import.meta.url));
const service = 'echo';
/** Calls the port that it is given, says what its arguments say, and prints the answer. */
const caller = `
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20)
try:
    s.sendall(sys.argv[2].encode() * int(sys.argv[3]))
    got = 0
    while got < len(sys.argv[2]) * int(sys.argv[3]):
        data = s.recv(65536)
        if not data: break
        got += len(data)
    print("got", got)
except OSError as error:
    print("got", type(error).__name__)
`;

describe('the wire', () => {
  let dir = '';
  let port = 0;
  let keys: WireKeys;
  const processes: ChildProcess[] = [];
  const echo = net.createServer(socket => socket.on('error', () => {}).pipe(socket));
  const python = (args: readonly string[], env = {}) => {
    const child = spawn('python3', ['-I', '-B', ...args], { env: { ...process.env, ...env }, stdio: 'pipe' });
    processes.push(child);
    return child;
  };
  const log = { head: '' };

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'wire-'));
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    keys = { ...newKeys(), services: { [service]: 'k'.repeat(43) } };
    const plan = { service, port: (echo.address() as net.AddressInfo).port, keys };
    for (const { path, content } of wireFiles(dir, plan, 'python3')) {
      mkdirSync(join(dir, path, '..'), { recursive: true });
      writeFileSync(join(dir, path), content, { mode: 0o600 });
    }
    mkdirSync(join(dir, 'lock/daemon_sock'), { recursive: true });
    const shared = python([standIn, join(dir, 'lock/daemon_sock')]);
    port = Number(String((await once(shared.stdout, 'data'))[0]));
    const head = python([join(dir, 'wire/head.py'), join(dir, 'wire')]);
    for (const stream of [head.stdout, head.stderr]) stream.on('data', data => (log.head += data));
    await once(head.stdout, 'data');
  });
  afterAll(() => {
    for (const child of processes) child.kill('SIGKILL');
    echo.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** What a program behind the node's end gets back, and what that end says. @param own its files, if they are others */
  async function call(text: string, times = 1, own: Partial<WireKeys> = {}, where = port, name = service) {
    const place = mkdtempSync(join(dir, 'node-'));
    for (const { path, content } of nodeFiles({ service: name, keys: { ...keys, ...own } })) {
      mkdirSync(join(place, path, '..'), { recursive: true });
      writeFileSync(join(place, path), content);
    }
    const args = [join(place, 'wire/node.py'), name, 'python3', '-c', caller, '{port}', text, String(times)];
    const child = python(args, { SCAILFIN_POOL: `127.0.0.1:${where}` });
    let [out, err] = ['', ''];
    child.stdout.on('data', data => (out += data));
    child.stderr.on('data', data => (err += data));
    const [status] = await once(child, 'close');
    return { out: out.trim(), err: err.trim(), status };
  }

  it('carries every byte both ways, and the status of the program', async () => {
    expect(await call('hello')).toEqual({ out: 'got 5', err: 'scailfin: connected', status: 0 });
    expect(await call('x'.repeat(1024), 20_000)).toMatchObject({ out: 'got 20480000' });
  });

  it('leads nobody to a service who does not know its key', async () => {
    const { out, err } = await call('hello', 1, { services: { [service]: 'w'.repeat(43) } });
    expect(out).toBe('got 0');
    expect(err).toContain('the headnode could not be reached');
    expect(log.head).toContain('was refused: it does not know the key of a service');
    const other = await call('hello', 1, { services: { other: 'k'.repeat(43) } }, port, 'other');
    expect(other.out).toBe('got 0');
    // nor does a name lead out of the directory of services
    const up = await call('hello', 1, { services: { '../keys.json': 'k'.repeat(43) } }, port, '../keys.json');
    expect(up.out).toBe('got 0');
  });

  it('says its key to nobody who has another certificate', async () => {
    const { out, err } = await call('hello', 1, { certificate: newKeys().certificate });
    expect(out).toBe('got 0');
    expect(err).toMatch(/could not be reached.*certificate/i);
  });

  it('sends nothing readable', async () => {
    const seen: Buffer[] = [];
    const tap = net.createServer(socket => {
      const far = net.connect(port, '127.0.0.1');
      for (const [from, to] of [
        [socket, far],
        [far, socket],
      ] as const)
        from
          .on('error', () => {})
          .on('data', data => seen.push(data) && to.write(data))
          .on('close', () => to.destroy());
    });
    tap.listen(0, '127.0.0.1');
    await once(tap, 'listening');
    expect((await call('a word that nobody reads', 1, {}, (tap.address() as net.AddressInfo).port)).out).toBe('got 24');
    tap.close();
    const all = Buffer.concat(seen).toString('latin1');
    expect(all.length).toBeGreaterThan(500);
    for (const secret of ['a word that', keys.services[service] as string]) expect(all).not.toContain(secret);
  });

  it('serves workers while hundreds of strangers say nothing, or nonsense', async () => {
    const hello = (name: string) => {
      const body = Buffer.concat([word(75), Buffer.from(`${name}\0\0`), word(15), word(0)]);
      const head = Buffer.alloc(5);
      head.writeUInt8(1);
      head.writeUInt32BE(body.length, 1);
      return Buffer.concat([head, body]);
    };
    const strangers = Array.from({ length: 300 }, (_, n) => {
      const socket = net.connect(port, '127.0.0.1').on('error', () => {});
      socket.write(hello('wire'));
      if (n % 3 === 1) socket.write('GET / HTTP/1.0\r\n\r\n');
      if (n % 3 === 2) socket.write(Buffer.alloc(70_000, n));
      return socket;
    });
    expect((await call('hello')).out).toBe('got 5');
    for (const socket of strangers) socket.destroy();
    expect((await call('hello')).out).toBe('got 5');
    // the log of it is small
    expect(log.head).toContain('did not prove itself');
    expect(log.head.split('\n').length).toBeLessThan(210);
  });

  it('lets workers be called by each other and by programs on the headnode, by their names', async () => {
    const place = (name: string, own: Partial<WireKeys>) => {
      const at = mkdtempSync(join(dir, 'worker-'));
      for (const { path, content } of nodeFiles({ service: name, keys: { ...keys, ...own } })) {
        mkdirSync(join(at, path, '..'), { recursive: true });
        writeFileSync(join(at, path), content);
      }
      return join(at, 'wire/node.py');
    };
    writeFileSync(join(dir, 'wire/services/other'), JSON.stringify({ key: 'o'.repeat(43), port: 1 }));
    const listener = `
import socket, sys
import os, time
if sys.argv[1].startswith("/"):
    # it can be called once its socket is there
    print("listens later", flush=True)
    while not os.path.exists(sys.argv[1] + ".go"):
        time.sleep(0.1)
    server = socket.socket(socket.AF_UNIX)
    server.bind(sys.argv[1])
    server.listen()
else:
    server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listens", flush=True)
while True:
    with server.accept()[0] as caller:
        caller.sendall(b"this is " + sys.argv[2].encode() + b", you said " + caller.recv(100))`;
    const calling = `
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20)
s.sendall(sys.argv[2].encode() + b"\\n")
answer = s.makefile("rb").readline()
if answer == b"ok\\n": s.sendall(b"hello")
print(answer, s.recv(100) if answer else b"")`;
    const env = { SCAILFIN_POOL: `127.0.0.1:${port}` };
    const worker = async (name: string, who: string, own = {}) => {
      const child = python(
        [place(name, own), `${name}:${who}`, 'python3', '-c', listener, '{listen}', who.split('@')[0] ?? ''],
        env,
      );
      await once(child.stdout, 'data');
    };
    const call = async (name: string, who: string, own = {}) => {
      const child = python([place(name, own), `${name}:caller`, 'python3', '-c', calling, '{calls}', who], env);
      let out = '';
      child.stdout.on('data', data => (out += data));
      await once(child, 'close');
      return out.trim();
    };
    const others = { services: { other: 'o'.repeat(43) } };
    await Promise.all([worker(service, 'one'), worker(service, 'two'), worker('other', 'three', others)]);
    const reached = (who: string) => `b'ok\\n' b'this is ${who}, you said hello'`;
    await expect.poll(() => call(service, 'one'), { timeout: 60_000 }).toBe(reached('one'));
    expect(await Promise.all(['one', 'two', 'one'].map(who => call(service, who)))).toEqual(
      ['one', 'two', 'one'].map(reached),
    );
    // a service's workers are called by its own
    await expect.poll(() => call('other', 'three', others), { timeout: 60_000 }).toBe(reached('three'));
    expect(await call(service, 'three')).toBe("b'' b''");
    expect(await call('other', 'one', others)).toBe("b'' b''");
    // and a name that is not one, or has a line of its own, calls nobody
    for (const who of ['four', 'one two', `one\n${service} ${'k'.repeat(43)} call two`])
      expect(await call(service, who)).not.toContain('this is two');
    // at a Unix socket, which other users of the node can't enter
    await worker(service, `five@${join(dir, 'five')}`);
    expect(await call(service, 'five')).not.toContain('this is five');
    writeFileSync(join(dir, 'five.go'), '');
    await expect.poll(() => call(service, 'five'), { timeout: 60_000 }).toBe(reached('five'));
    const local = net.connect(join(dir, 'wire/local/calls'));
    local.write(`${service} two\n`);
    let said = '';
    local.on('data', data => {
      said += data;
      if (said === 'ok\n') local.write('hello');
    });
    await once(local, 'close');
    expect(said).toBe('ok\nthis is two, you said hello');
  });

  it('gives addresses of a network to workers, and no others, and leads to the ports of the network alone', async () => {
    const [head, other] = ['127.19.3.4', net.createServer(socket => socket.end('what is not theirs'))];
    const inside = net.createServer(socket => socket.end('hello'));
    for (const server of [inside, other]) {
      server.listen(0, head);
      await once(server, 'listening');
    }
    const [port1, port2] = [inside, other].map(server => (server.address() as net.AddressInfo).port);
    const mesh = { address: head, ports: [port1], each: [7130] };
    writeFileSync(join(dir, 'wire/services/mesh'), JSON.stringify({ key: 'm'.repeat(43), port: 1, mesh }));
    const place = mkdtempSync(join(dir, 'member-'));
    mkdirSync(join(place, 'wire'));
    const says = `
import asyncio, importlib.util, os, sys
spec = importlib.util.spec_from_file_location("node", sys.argv[1])
node = importlib.util.module_from_spec(spec)
spec.loader.exec_module(node)
async def ask(wanted):
    writers = []
    try:
        reader, _ = await node.Wire(sys.argv[2], os.path.dirname(sys.argv[1])).call(writers, b" " + wanted.encode())
        return (await asyncio.wait_for(reader.readline(), 10)).decode().strip(), writers
    except (OSError, asyncio.IncompleteReadError):
        return "refused", writers
async def main():
    for wanted in sys.argv[3:]:
        answer, kept = await ask(wanted)
        print(wanted + ": " + answer)
asyncio.run(main())`;
    const ask = async (service: string, key: string, ...wanted: string[]) => {
      for (const { path, content } of nodeFiles({ service, keys: { ...keys, services: { [service]: key } } }))
        writeFileSync(join(place, path), content);
      const child = python(['-c', says, join(place, 'wire/node.py'), service, ...wanted], {
        SCAILFIN_POOL: `127.0.0.1:${port}`,
      });
      let [out, err] = ['', ''];
      child.stdout.on('data', data => (out += data));
      child.stderr.on('data', data => (err += data));
      await once(child, 'close');
      return `${out}${err}`.trim().split('\n');
    };
    const wrong = ['127.0.0.1', head, '10.0.0.1', '127.20.0.300', '127.15.0.1', '127.20.0.255'].map(a => `join ${a}-m`);
    expect(await ask('mesh', 'm'.repeat(43), ...wrong)).toEqual(wrong.map(w => `${w}: refused`));
    expect(await ask('mesh', 'm'.repeat(43), 'join 127.20.0.5-m', `call ${head}-${port1}`)).toEqual([
      expect.stringMatching(`^join 127.20.0.5-m: at ${head} [0-9a-f]{12} ${port1}$`),
      `call ${head}-${port1}: hello`,
    ]);
    // nor does it lead to other ports of the headnode, to workers that are not there, or to what is no network
    const nowhere = [`call ${head}-${port2}`, 'call 127.20.0.9-7130', 'call 127.0.0.1-22'];
    expect(await ask('mesh', 'm'.repeat(43), ...nowhere)).toEqual(nowhere.map(w => `${w}: refused`));
    expect(await ask(service, 'k'.repeat(43), 'join 127.20.0.5-m')).toEqual(['join 127.20.0.5-m: refused']);
    for (const server of [inside, other]) server.close();
  });

  it('leads to no program of another user, and says when nobody listens', async () => {
    const file = join(dir, 'wire/services', service);
    const before = readFileSync(file);
    // only root can listen as somebody else
    if (process.getuid?.() === 0) {
      const listen = `import os, socket\nos.setuid(65534)\ns = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)\ns.accept()\nprint("led there", flush=True)`;
      const other = python(['-c', listen]);
      let said = '';
      other.stdout.on('data', data => (said += data));
      await once(other.stdout, 'data');
      writeFileSync(file, JSON.stringify({ key: keys.services[service], port: Number(said) }));
      expect((await call('hello')).err).toContain('nobody listens there now');
      expect(said).not.toContain('led there');
    }
    writeFileSync(file, JSON.stringify({ key: keys.services[service], port: 1 }));
    expect((await call('hello')).err).toContain('nobody listens there now');
    writeFileSync(file, before);
  });
});

/** A number as CEDAR has it. */
function word(n: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(n));
  return bytes;
}
