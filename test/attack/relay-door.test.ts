import type { EventEmitter } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import type { ClientChannel } from 'ssh2';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { newKey } from '../../src/relay/keys.js';
import { attack } from './attack.js';
import { Door, type DoorNode, first, type Raw } from './helpers/door.js';
import { isThorough, tries } from './thorough.js';

/** Of the relay's process, MiB: 1,000 connections with 2 MiB each would take 2,000. */
const mostGrowth = 400;

describe("the relay's end on the headnode", () => {
  let door: Door;
  let honest: DoorNode;
  beforeAll(async () => {
    door = await Door.open();
    // from another machine than those who attack
    honest = await door.node('127.0.0.9');
  });
  afterAll(() => {
    honest?.end();
    door?.close();
  });

  /** It lives, the honest node's connections work, and a new node gets in. */
  const unharmed = async (): Promise<void> => {
    expect(door.isAlive).toBe(true);
    expect(await honest.isServed()).toBe(true);
    const another = await door.node('127.0.0.8');
    expect(await another.isServed()).toBe(true);
    another.end();
  };
  const knock = (from = '127.0.0.1'): net.Socket =>
    net
      .connect({ host: '127.0.0.1', port: door.ports.door, localAddress: from })
      .on('error', () => {})
      .resume();

  attack({ by: 'another user', on: 'here', what: "speaks something else to the relay's port" }, async count => {
    const words = [
      'GET / HTTP/1.1\r\nHost: pool\r\n\r\n',
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
      Buffer.from([0x01, 0, 0, 0, 0x1c, 0, 0, 0, 0, 0, 0, 0, 60]),
      'SSH-1.5-old\r\n',
      'SSH-2.0-x\r\n\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0',
      `SSH-2.0-${'x'.repeat(100_000)}`,
      `SSH-2.0-x\r\n${'\xff'.repeat(1_000_000)}`,
      'x'.repeat(1_000_000),
      'line\r\n'.repeat(100_000),
    ];
    for (const word of words) {
      count();
      const socket = knock();
      socket.write(word);
      let said = '';
      socket.on('data', part => {
        said += part;
      });
      await Promise.race([closed(socket), sleep(300)]);
      socket.destroy();
      // nothing but the beginning of SSH
      expect(said.replaceAll(/[^ -~\r\n]/g, '')).toMatch(/^$|^SSH-2\.0-scailfin\r\n/);
    }
    await unharmed();
  });

  attack(
    { by: 'another user', on: 'here', what: "is let in by the relay's port without the cluster's key" },
    async count => {
      for (const login of [
        { key: newKey() },
        { key: door.hostKey },
        { user: 'root' },
        { user: 'pool' },
        { user: '' },
        { user: 'node\0' },
      ]) {
        count();
        await expect(door.login(login), JSON.stringify(login)).rejects.toThrow();
      }
      await unharmed();
    },
  );

  attack(
    { by: 'another user', on: 'here', what: "sends the relay's port bytes by chance, in place of SSH and within it" },
    async count => {
      await fc.assert(
        fc.asyncProperty(
          fc.boolean(),
          fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 8 }),
          async (isHello, pieces) => {
            count();
            const socket = knock();
            if (isHello) socket.write('SSH-2.0-OpenSSH_9.2\r\n');
            for (const piece of pieces) socket.write(piece);
            socket.end();
            await Promise.race([closed(socket), sleep(30)]);
            socket.destroy();
            expect(door.isAlive).toBe(true);
          },
        ),
        { numRuns: tries(400) },
      );
      await unharmed();
    },
  );

  attack(
    { by: 'another user', on: 'here', what: 'holds connections that never speak, or only begin to' },
    async count => {
      const before = door.memory;
      const all: net.Socket[] = [];
      for (let n = 0; n < (isThorough ? 5000 : 1500); n++) {
        count();
        const socket = knock();
        if (n % 2 === 1) socket.write('SSH-2.0-OpenSSH_9.2\r\n');
        all.push(socket);
        if (n % 100 === 0) {
          await sleep(20);
          expect(await honest.isServed()).toBe(true);
        }
      }
      // while all places are taken, a node from another machine gets in, and one from the same machine, too
      for (const from of ['127.0.0.7', '127.0.0.1']) {
        const node = await door.node(from);
        expect(await node.isServed()).toBe(true);
        node.end();
      }
      await sleep(200);
      expect(all.filter(socket => !socket.destroyed && socket.readyState === 'open').length).toBeLessThanOrEqual(100);
      expect(door.memory - before).toBeLessThan(mostGrowth);
      for (const socket of all) socket.destroy();
      await unharmed();
    },
  );

  attack(
    { by: 'a compute node', on: 'here', what: 'reaches another port or machine than the pool through the relay' },
    async count => {
      const node = await door.node();
      const { pool, other } = door.ports;
      for (const to of [
        ...[
          { port: other },
          { port: 22 },
          { port: 0 },
          { port: pool + 65536 },
          { address: 'localhost' },
          { address: '::1' },
        ],
        ...[
          { address: '127.0.0.2' },
          { address: '127.0.0.1 ' },
          { address: '0' },
          { address: '127.1' },
          { address: '' },
        ],
      ]) {
        count();
        await expect(node.connect(to), JSON.stringify(to)).rejects.toThrow();
      }
      for (const from of ['::1', '', 'x\ny', '127.0.0.1 1 ours\n127.0.0.1', '1'.repeat(60)]) {
        count();
        await expect(node.connect({ from }), JSON.stringify(from)).rejects.toThrow();
      }
      expect(await node.isServed()).toBe(true);
      node.end();
      await unharmed();
    },
  );

  attack(
    {
      by: 'a compute node',
      on: 'here',
      what: 'asks for forwarding to itself, sockets, shells, subsystems, agents, X11',
    },
    async count => {
      const node = await door.node();
      const { client } = node;
      const refused = async (what: string, ask: (done: (error?: Error | null) => void) => unknown): Promise<void> => {
        count();
        const error = await new Promise<Error | null | undefined>(resolve => ask(resolve));
        expect(error, what).toBeInstanceOf(Error);
      };
      await refused('a remote forward', done => client.forwardIn('0.0.0.0', 0, done));
      await refused('a remote forward of a socket', done => client.openssh_forwardInStreamLocal('/tmp/x', done));
      await refused('a socket', done => client.openssh_forwardOutStreamLocal('/var/run/docker.sock', done));
      await refused('a shell', done => client.shell(done));
      await refused('a subsystem', done => client.subsys('netconf', done));
      await refused('sftp', done => client.sftp(done));
      await refused('a second guard', done => client.exec('cat /etc/passwd', done));
      await refused('an agent', done => client.exec('guard', { agentForward: true } as object, done));
      await refused('X11', done => client.exec('guard', { x11: true }, done));
      await refused('a variable', done => client.exec('guard', { env: { LD_PRELOAD: '/tmp/x.so' } }, done));
      expect(await node.isServed()).toBe(true);
      node.end();
      await unharmed();
    },
  );

  attack(
    { by: 'a compute node', on: 'here', what: 'answers as guard with garbage, for others, or not at all' },
    async count => {
      const answers: ((line: string) => string | undefined)[] = [
        () => undefined,
        () => 'x'.repeat(100_000),
        () => '\n'.repeat(100_000),
        line => `${line} no\n`,
        line => `${line} OURS\n`,
        line => `${line}ours\n`,
        () => '127.0.0.9 1024 ours\n',
        () => '__proto__ 1 ours\nconstructor 2 ours\n',
        () => '\0\u001b[2J\r\n',
      ];
      const before = Number(await asked(honest));
      for (const answer of answers) {
        count();
        const node = await door.node('127.0.0.1', answer);
        const channel = await node.connect();
        channel.write('hello');
        expect(await first(channel, 300)).toBeUndefined();
        node.end();
      }
      // none of them reached the pool
      expect(Number(await asked(honest))).toBe(before + 1);
      await unharmed();
    },
  );

  attack(
    { by: 'another user', on: 'here', what: 'gets in by a port that one of ours had, or has a moment later' },
    async count => {
      // the node's answers come one behind the other, so that it speaks of an earlier connection
      const lines: string[] = [];
      const node = await door.node('127.0.0.1', line => void lines.push(line));
      const bobs = await node.connect({ fromPort: 5000 });
      bobs.write('count');
      const ours = await node.connect({ fromPort: 5000 });
      ours.write('hello');
      count();
      await sleep(200);
      expect(lines).toEqual(['127.0.0.1 5000', '127.0.0.1 5000']);
      // what it says first may be about his; only what it says last is about ours
      node.guard.write('127.0.0.1 5000 ours\n');
      expect(await first(bobs, 300)).toBeUndefined();
      node.guard.write('127.0.0.1 5000 no\n');
      expect(await first(ours, 300)).toBeUndefined();
      node.end();
      await unharmed();
    },
  );

  attack(
    {
      by: 'another user',
      on: 'here',
      what: 'makes thousands of connections on a node that are refused, or that end in the middle',
    },
    async count => {
      let isHis = true;
      const node = await door.node('127.0.0.1', line => `${line} ${isHis ? 'no' : 'ours'}\n`);
      for (const [word, times] of [
        ['hello', 1200],
        ['hello', 1200],
        ['flood', 20],
      ] as const) {
        for (let n = 0; n < times; n += 20)
          await Promise.all(
            Array.from({ length: 20 }, async () => {
              count();
              const channel = await node.connect();
              channel.write(word);
              if (word === 'flood') await first(channel);
              channel.close();
            }),
          );
        isHis = false;
        expect(await node.isServed()).toBe(true);
      }
      node.end();
      await unharmed();
    },
    120_000,
  );

  attack(
    { by: 'a compute node', on: 'here', what: 'opens thousands of channels, fills them, and nobody answers' },
    async count => {
      const node = await door.node('127.0.0.1', () => undefined);
      const before = door.memory;
      let opened = 0;
      const data = Buffer.alloc(32_768);
      void Promise.all(
        Array.from({ length: 3000 }, async (_, n) => {
          count();
          const channel = await node.connect({ fromPort: n }).catch(() => undefined);
          if (!channel) return;
          opened++;
          for (let k = 0; k < 64; k++) channel.write(data);
        }),
      );
      await sleep(5000);
      expect(opened).toBeLessThanOrEqual(1000);
      expect(door.memory - before).toBeLessThan(mostGrowth);
      expect(await honest.isServed()).toBe(true);
      node.end();
      await unharmed();
    },
  );

  attack(
    { by: 'a compute node', on: 'here', what: 'sends more than its window allows' },
    async count => {
      const node = await door.node();
      const before = door.memory;
      const channel = await node.connect();
      channel.write('sleep');
      await sleep(200);
      const { id } = (channel as unknown as { outgoing: { id: number } }).outgoing;
      const gone = closed(node.client);
      for (let n = 0; n < (isThorough ? 32_000 : 8000) && !channel.destroyed; n++) {
        count();
        // an odd size, so that its window never is just zero
        (node.client as unknown as Raw)._protocol.channelData(id, Buffer.alloc(32_767));
        if (n % 50 === 0) await sleep(1);
      }
      await Promise.race([gone, sleep(10_000).then(() => Promise.reject(new Error('it still has its connection')))]);
      expect(door.memory - before).toBeLessThan(mostGrowth);
      await unharmed();
    },
    120_000,
  );

  attack(
    {
      by: 'a compute node',
      on: 'here',
      what: 'gives the relay endless windows, and reads nothing of what the pool sends',
    },
    async count => {
      const node = await door.node();
      const before = door.memory;
      const channels: ClientChannel[] = [];
      for (let n = 0; n < 20; n++) {
        count();
        const channel = await node.connect();
        channels.push(channel);
        const { id } = (channel as unknown as { outgoing: { id: number } }).outgoing;
        for (let k = 0; k < 4; k++) (node.client as unknown as Raw)._protocol.channelWindowAdjust(id, 0xffff_ffff);
        channel.write('flood');
      }
      (node.client as unknown as { _sock: net.Socket })._sock.pause();
      await sleep(isThorough ? 10_000 : 5000);
      // little may wait for a node, however much it says that it takes
      expect(door.memory - before).toBeLessThan(150);
      node.end();
      await unharmed();
    },
  );

  attack(
    { by: 'a compute node', on: 'here', what: 'connects as a thousand nodes' },
    async count => {
      const nodes: DoorNode[] = [];
      const before = door.memory;
      for (let n = 0; n < (isThorough ? 1200 : 150); n++) {
        count();
        nodes.push(await door.node());
      }
      expect(await honest.isServed()).toBe(true);
      expect(door.memory - before).toBeLessThan(mostGrowth);
      for (const node of nodes) node.end();
      await unharmed();
    },
    240_000,
  );

  attack(
    { by: 'a compute node', on: 'here', what: 'sends messages of SSH by chance, once it is in' },
    async count => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 110 }),
          fc.uint8Array({ maxLength: 200 }),
          fc.boolean(),
          async (type, rest, isGuarded) => {
            count();
            const client = isGuarded ? (await door.node()).client : await door.login();
            send(client as unknown as Raw, Buffer.from([type, ...rest]));
            await sleep(5);
            client.destroy();
            expect(door.isAlive).toBe(true);
          },
        ),
        { numRuns: tries(600) },
      );
      await unharmed();
    },
    240_000,
  );
});

const closed = (what: EventEmitter): Promise<void> => new Promise(resolve => void what.once('close', () => resolve()));

/** How many connections the pool has had. */
async function asked(node: DoorNode): Promise<string | undefined> {
  const channel = await node.connect();
  channel.write('count');
  return first(channel);
}

/** Any payload, as a packet of the connection. */
function send(client: Raw, payload: Buffer): void {
  const protocol = client._protocol as unknown as {
    _packetRW: { write: { alloc(size: number): Buffer; allocStart: number; finalize(packet: Buffer): Buffer } };
    _cipher: { encrypt(packet: Buffer): void };
  };
  const packet = protocol._packetRW.write.alloc(payload.length);
  packet.set(payload, protocol._packetRW.write.allocStart);
  protocol._cipher.encrypt(protocol._packetRW.write.finalize(packet));
}
