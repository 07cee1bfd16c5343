import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { again, kept } from '../../../src/headnode/reana/forward.js';
import { LocalHost } from '../../../src/hosts/local.js';
import { templateText } from '../../../src/templates.js';
import { freePorts } from '../../kubernetes/daemons.js';
import { program, until } from '../../lab/programs.js';

const dir = mkdtempSync(join(tmpdir(), 'scailfin-forward-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('the forwarding of a port by kubectl, which ends when one of its connections breaks', () => {
  it('is waited for until it is there again', async () => {
    const [port = 0] = await freePorts(1);
    const host = new LocalHost();
    await expect(host.dial(port)).rejects.toThrow(/nothing answers/);
    const server = createServer(socket => socket.end('hello'));
    const dialled = kept(() => host.dial(port))();
    setTimeout(() => server.listen(port, '127.0.0.1'), 700);
    const socket = await dialled;
    expect((await socket.toArray()).join('')).toBe('hello');
    server.close();
  });

  it('is asked again if it breaks while it is asked', async () => {
    const breaks = [Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })];
    const asked = again(async () => {
      const error = breaks.pop();
      if (error) throw error;
      return 'answer';
    });
    expect(await asked).toBe('answer');
  });

  it('is not waited for where another error says that it is of no use', async () => {
    let dials = 0;
    const refused = kept(() => Promise.reject(new Error(`no ${++dials}`)));
    await expect(refused()).rejects.toThrow('no 1');
  });

  it('begins again at once when it ends, but not again and again', async () => {
    const starts = join(dir, 'starts');
    const kubectl = 'date +%s.%N >>"$1"; [ "$(wc -l <"$1")" -gt 1 ] || sleep 3.2';
    const keeper = ['bash', '--norc', '-c', templateText('headnode/keep-up.sh'), 'keep-up', dir] as const;
    const ended = program([...keeper, 'sh', '-c', kubectl, 'sh', starts], { timeoutMs: 60_000 });
    const times = () => readFileSync(starts, 'utf8').trim().split('\n').map(Number);
    await until('a first start', 60_000, async () => existsSync(starts));
    await until('a third start', 60_000, async () => times().length > 2);
    const [first = 0, second = 0, third = 0] = times();
    rmSync(dir, { recursive: true });
    expect(second - first).toBeLessThan(5);
    expect(third - second).toBeGreaterThan(1.9);
    await ended;
  });
});
