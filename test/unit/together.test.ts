import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { templateText } from '../../src/templates.js';

const IDLE = 2;

describe('nodes of one job that leave together', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'scailfin-together-'));
    mkdirSync(join(dir, 'logs'));
    writeFileSync(join(dir, 'together.sh'), templateText('glidein/together.sh'));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  /**
   * A node that looks five times in a second, for at most `seconds`. It has work for its first `work` seconds.
   * @returns when it left, in seconds; undefined if it did not leave
   */
  function node(name: string, { work = 0, seconds = 8, idle = IDLE, run = '1' } = {}): Promise<number | undefined> {
    const script = `
      node=${name} SCAILFIN_TOGETHER=${run}
      dir=${dir} id=17_1 idle=${idle} logs=${dir}/logs/17_1@${name} work=${dir}/${name}
      mkdir -p "$logs" "$work/execute"
      . "$dir/together.sh"
      for n in $(seq ${seconds * 5}); do
        if [ "$n" -le ${work * 5} ]; then mkdir -p "$work/execute/dir_1"; else rm -rf "$work/execute/dir_1"; fi
        if idle_together; then echo left; exit; fi
        sleep 0.2
      done`;
    const began = Date.now();
    return new Promise((resolve, reject) => {
      let said = '';
      const child = spawn('bash', ['-c', script]);
      child.stdout.on('data', data => {
        said += data;
      });
      child.once('error', reject);
      child.once('close', () => resolve(said === 'left\n' ? (Date.now() - began) / 1000 : undefined));
    });
  }

  it('leave after the limit if none has work, and stay as long as one has', async () => {
    const [idle, busy] = await Promise.all([node('c1', { seconds: 12 }), node('c2', { work: 4, seconds: 12 })]);
    expect(idle).toBeGreaterThanOrEqual(4);
    expect(busy).toBeGreaterThanOrEqual(4);
  });

  it('do not take the end of a first run of their job for that of a second', async () => {
    expect(await node('c1')).toBeDefined();
    // whole seconds are counted, so the limit may come up to a second early
    expect(await node('c1', { run: '2' })).toBeGreaterThan(IDLE - 1);
  });

  it('do not wait for one that died', async () => {
    const [left, died] = await Promise.all([node('c1', { seconds: 8 }), node('c2', { work: 9, seconds: 1 })]);
    expect(died).toBeUndefined();
    expect(left).toBeGreaterThan(IDLE - 1);
  });

  it('stay as long as they can not see each other, and always where there is no limit', async () => {
    const [blind, unlimited] = await Promise.all([
      (async () => {
        const stays = node('c1', { seconds: 5 });
        // the shared directory is gone
        const timer = setInterval(() => rmSync(join(dir, 'logs/17_1.nodes-1'), { recursive: true, force: true }), 100);
        return stays.finally(() => clearInterval(timer));
      })(),
      node('c9', { seconds: 5, idle: 0 }),
    ]);
    expect([blind, unlimited]).toEqual([undefined, undefined]);
  });
});
