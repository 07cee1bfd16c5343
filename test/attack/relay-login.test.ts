import { once } from 'node:events';
import { Duplex, PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import ssh2, { type Client } from 'ssh2';
import { afterEach, describe, expect, vi } from 'vitest';
import type { AttachOptions, Host } from '../../src/hosts/host.js';
import { runLoginEnd } from '../../src/relay/loginend.js';
import type { Entering } from '../../src/relay/pooldoor.js';
import { parseState } from '../../src/relay/state.js';
import { attack } from './attack.js';
import type { Raw } from './helpers/door.js';
import { isThorough, tries } from './thorough.js';

const by = 'a login node';
const on = 'here';

interface Told {
  readonly open: string[];
  readonly entered: Entering[];
  /** What it ended with. */
  readonly end: Promise<unknown>;
}

/** The relay's command on a login node that does what `lie` does; its exit status is what `lie` returns. */
function relayTo(lie: (io: AttachOptions) => Promise<number>): Told {
  const host = { name: 'alice@login', attach: (_argv: unknown, io: AttachOptions) => lie(io) } as unknown as Host;
  const told = { open: [] as string[], entered: [] as Entering[] };
  const site = { site: 'site', dir: '/home/alice/.scailfin/r/site', targets: [] };
  const end = runLoginEnd(host, site, {
    onOpen: at => told.open.push(at),
    onConnection: entering => told.entered.push(entering),
  }).catch(error => error);
  return { ...told, end };
}

const forever = new Promise<never>(() => {});

/** The login node's ssh, as far as the relay can tell. */
async function loginSsh({ stdin, stdout }: AttachOptions): Promise<Client> {
  const client = new ssh2.Client();
  client.on('error', () => {});
  const sock = Duplex.from({ readable: stdin, writable: stdout }).on('error', () => {});
  client.connect({ sock, username: 'relay', algorithms: { cipher: ['aes128-gcm@openssh.com'] } });
  await once(client, 'ready');
  return client;
}

/** What comes of it, by a clock that runs faster meanwhile. */
async function soon<T>(begin: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], now: Date.now() });
  const promise = begin();
  let isOver = false;
  void promise.then(() => {
    isOver = true;
  });
  while (!isOver) {
    await new Promise(resolve => setImmediate(resolve));
    vi.advanceTimersByTime(20);
  }
  vi.useRealTimers();
  return promise;
}

const listens = (client: Client, at: string): Promise<void> =>
  new Promise(resolve => client.exec(at, (_error, channel) => void channel.once('data', () => resolve())));

describe("the relay's end that listens, on a login node that lies", () => {
  afterEach(() => void vi.useRealTimers());

  attack({ by, on, what: 'says something else than SSH on the connection in the middle' }, async count => {
    const words = [
      ...['\n', 'Welcome to this site!\r\n', 'GET / HTTP/1.1\r\n\r\n', 'x'.repeat(1_000_000), 'SSH-1.5-old\r\n'],
      ...[
        'SSH-2.0-x\r\n\0\0\0\0\0\0\0\0\0',
        `SSH-2.0-x\r\n${'\xff'.repeat(100_000)}`,
        `SSH-2.0-${'y'.repeat(20_000)}\r\n`,
      ],
    ];
    for (const word of words) {
      count();
      const told = relayTo(async ({ stdout }) => {
        stdout.write(word);
        return forever;
      });
      expect(String(await soon(() => told.end)), word.slice(0, 20)).toMatch(
        /alice@login: the (connection to the relay|relay does not listen)/,
      );
      expect(told.open).toEqual([]);
    }
  });

  attack({ by, on, what: 'greets without end' }, async count => {
    const before = process.memoryUsage().rss;
    let isOver = false;
    const told = relayTo(async ({ stdout }) => {
      for (let n = 0; n < 20_000 && !isOver; n++) {
        count();
        stdout.write('Welcome to this site, where all is well! '.repeat(100));
        if (n % 100 === 0) await sleep(1);
      }
      return forever;
    });
    expect(String(await soon(() => told.end))).toContain('the connection to the relay has ended');
    isOver = true;
    expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(300);
  });

  attack({ by, on, what: 'never says that it listens' }, async count => {
    for (const lie of [() => forever, async (io: AttachOptions) => loginSsh(io).then(() => forever)]) {
      count();
      expect(String(await soon(() => relayTo(lie).end))).toContain('the relay does not listen after 90 s');
    }
  });

  attack({ by, on, what: 'sends bytes by chance, at the beginning and once it is in' }, async count => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        fc.boolean(),
        async (pieces, isIn, isHello) => {
          count();
          const told = relayTo(async io => {
            if (isIn) await loginSsh(io);
            else if (isHello) io.stdout.write('SSH-2.0-OpenSSH_9.2\r\n');
            for (const piece of pieces) io.stdout.write(Buffer.from(piece));
            return 1;
          });
          expect(String(await soon(() => told.end))).toMatch(/alice@login/);
        },
      ),
      { numRuns: tries(200) },
    );
  });

  attack({ by, on, what: 'writes to the terminal by what it says: where it listens, why it ended' }, async count => {
    for (const evil of [
      '\u001b[2J\u001b]0;owned\u0007',
      '\u009b31m',
      '\r\u202egnp.exe',
      'a\nb\u0000c',
      '\u001b]52;c;cm0gLXJm\u0007',
    ]) {
      count();
      const told = relayTo(async io => {
        const client = await loginSsh(io);
        await listens(client, `10.0.0.1:1 on login${evil}`);
        io.stderr.write(`sorry${evil}\n${'x'.repeat(100_000)}${evil}`);
        return 3;
      });
      const reason = String(await soon(() => told.end));
      const shown = parseState(
        JSON.stringify({
          site: 'site',
          state: 'cut',
          since: 1,
          nodes: 0,
          reason: `sorry${evil}`,
          at: evil,
          hint: evil,
        }),
      );
      for (const text of [told.open[0], reason, shown?.reason, shown?.at, shown?.hint]) {
        expect(text).toBeDefined();
        // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are searched for
        expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
        expect((text as string).length).toBeLessThan(600);
      }
    }
  });

  attack({ by, on, what: 'says a thousand times that it listens' }, async count => {
    const told = relayTo(async io => {
      const client = await loginSsh(io);
      await listens(client, '10.0.0.1:1 on login');
      for (let n = 0; n < 1000; n++) {
        count();
        client.exec(`10.0.0.${n}:1 on login`, () => {});
      }
      await sleep(300);
      return 0;
    });
    await told.end;
    expect(told.open).toEqual(['10.0.0.1:1 on login']);
  });

  attack({ by, on, what: 'connects to other names, and thousands of times' }, async count => {
    const told = relayTo(async io => {
      const client = await loginSsh(io);
      const ask = (to: string): Promise<boolean> =>
        new Promise(resolve => client.forwardOut('10.0.0.1', 1, to, 1, error => resolve(!error)));
      for (const to of ['127.0.0.1', 'localhost', '', 'POOL', 'pool.', '169.254.169.254']) {
        count();
        expect(await ask(to), to).toBe(false);
      }
      const asked = await Promise.all(Array.from({ length: isThorough ? 20_000 : 6000 }, () => ask('pool')));
      count(asked.length);
      expect(asked.filter(Boolean).length).toBe(4096);
      return 0;
    });
    expect(String(await soon(() => told.end))).toContain('ended with status 0');
    expect(told.entered.length).toBe(4096);
  });

  attack(
    { by, on, what: 'sends more on a connection than its window allows' },
    async count => {
      const before = process.memoryUsage().rss;
      const told = relayTo(async io => {
        const client = await loginSsh(io);
        const channel = await new Promise<{ outgoing: { id: number } }>(resolve =>
          client.forwardOut('10.0.0.1', 1, 'pool', 1, (_error, channel) => resolve(channel as never)),
        );
        for (let n = 0; n < (isThorough ? 32_000 : 4000); n++) {
          count();
          (client as unknown as Raw)._protocol.channelData(channel.outgoing.id, Buffer.alloc(32_767));
          if (n % 50 === 0) await sleep(1);
        }
        return forever;
      });
      await vi.waitFor(() => expect(told.entered).toHaveLength(1), 10_000);
      // nobody reads it
      told.entered[0]?.stream.pause();
      expect(String(await soon(() => told.end))).toContain('the connection to the relay has ended');
      expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(400);
    },
    60_000,
  );

  attack({ by, on, what: 'ends in the middle of everything' }, async count => {
    for (let n = 0; n < tries(40); n++) {
      count();
      const output = new PassThrough();
      const told = relayTo(async io => {
        const client = await loginSsh(io);
        if (n % 2) await listens(client, '10.0.0.1:1 on login');
        client.forwardOut('10.0.0.1', 1, 'pool', 1, () => {});
        await sleep(n % 7);
        if (n % 3 === 0) client.destroy();
        if (n % 5 === 0) throw new Error('the connection to alice@login broke');
        return n % 4;
      });
      expect(String(await soon(() => told.end))).toMatch(/alice@login/);
      for (const { stream } of told.entered) stream.write('late');
      output.end();
    }
  });
});
