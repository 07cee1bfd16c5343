import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundled } from '../lab/bundled.js';
import { Terminal } from '../terminal.js';
import { type Sshd, startSshd } from './sshd.js';

const program = fileURLToPath(new URL('attach-main.ts', import.meta.url));

describe('a command on the terminal', () => {
  let server: Sshd;
  beforeAll(async () => {
    server = await startSshd();
  });
  afterAll(() => server?.stop());

  const start = async (script: string): Promise<Terminal> =>
    Terminal.start(['node', await bundled(program), 'sh', '-c', script], { ...server.env, PATH: process.env.PATH });

  it('echoes what is typed once', async () => {
    const terminal = await start('echo ready; exec cat');
    await terminal.until(/ready/);
    await sleep(300);
    terminal.type('hello\n');
    await terminal.until(/hello\nhello\n/);
    terminal.type('\u0004');
    expect(await terminal.end()).toBe(0);
    expect(terminal.shown.match(/hello/g)).toHaveLength(2);
  });

  it('has Ctrl-C to itself', async () => {
    const script = 'trap "echo caught; exit 7" INT; echo ready; while :; do sleep 0.1; done';
    const terminal = await start(script);
    await terminal.until(/ready/);
    await sleep(300);
    terminal.type('\u0003');
    await terminal.until(/caught/);
    expect(await terminal.end()).toBe(7);
  });
});
