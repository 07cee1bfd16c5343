import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Sleeper } from './helpers/sleeper.js';

describe('a glide-in that is ended while it begins', () => {
  let node: Sleeper;
  beforeAll(async () => {
    node = await Sleeper.begin();
  });
  afterAll(() => node?.close());

  it('leaves nothing on the node, at whichever moment', async () => {
    // until after its directory was there: how long that takes is the machine's
    for (let delay = 0, seen = 0; seen < 12; delay += 12) {
      expect(delay).toBeLessThan(6000);
      const glidein = node.start();
      await sleep(delay);
      if (node.held().length > 0) seen++;
      await node.end(glidein);
      await expect.poll(() => node.held(), { timeout: 60_000 }).toEqual([]);
    }
  });
});

describe('a batch job that runs a second time under the same id on the same node', () => {
  let node: Sleeper;
  beforeAll(async () => {
    node = await Sleeper.begin();
  });
  afterAll(() => node?.close());

  const env = { SCAILFIN_JOB: '78_1' };
  const joinings = (): number => node.log('78_1').split('joining the pool').length - 1;

  it('keeps its second run, whatever the first one still ends', async () => {
    // it does not end when it is told to, so the first run's keeper must end it
    node.master('trap "" QUIT TERM\nsleep 100 & while :; do wait; done\n');
    const first = node.start({ env });
    await expect.poll(joinings, { timeout: 60_000 }).toBe(1);
    process.kill(first.pid as number, 'SIGKILL');
    const second = node.start({ env });
    await expect.poll(joinings, { timeout: 60_000 }).toBe(2);
    // the keeper of the first run has gone when its directory has
    await expect
      .poll(() => node.held().filter(name => !name.startsWith('scailfin-cache-')).length, { timeout: 60_000 })
      .toBe(1);
    await sleep(1500);
    expect(second.exitCode).toBe(null);
    expect(node.log('78_1')).not.toContain('leaving');
    node.master('');
    await node.end(second);
    await expect.poll(() => node.held(), { timeout: 60_000 }).toEqual([]);
    expect(node.log('78_1')).toMatch(/leaving: its batch job was ended\n$/);
  });

  it('says the true reason when HTCondor ends', async () => {
    node.master('kill -9 $$\n');
    const glidein = node.start({ env: { SCAILFIN_JOB: '79_1' } });
    const [code] = await once(glidein, 'exit');
    expect(code).toBe(13);
    expect(node.log('79_1')).toMatch(/failed: HTCondor's master ended with status 137\n$/);
    expect(node.log('79_1')).not.toContain('idle');
    // the words of condor_startd, ResMgr.cpp
    node.master(
      'echo "No resources have been claimed for 60 seconds" >"$(sed -n "s/^LOG = //p" "$CONDOR_CONFIG")/StartLog"\n',
    );
    const idle = node.start({ env: { SCAILFIN_JOB: '80_1' } });
    expect((await once(idle, 'exit'))[0]).toBe(0);
    expect(node.log('80_1')).toMatch(/leaving: it was idle for 60 s\n$/);
    await expect.poll(() => node.held(), { timeout: 60_000 }).toEqual([]);
  });
});

describe('a batch job that runs again where node-hours are limited', () => {
  let node: Sleeper;
  afterEach(() => node?.close());

  it.each([
    { isLimited: true, ended: true },
    { isLimited: false, ended: false },
  ])('has the rest of its first run’s time only: $isLimited', async ({ isLimited, ended }) => {
    // the settings have a walltime of 600 s
    node = await Sleeper.begin({ isLimited });
    const logs = join(node.dir, 'logs/78_1');
    mkdirSync(logs, { recursive: true });
    writeFileSync(join(logs, 'began'), `${Math.floor(Date.now() / 1000) - 590}\n`);
    const glidein = node.start({ env: { SCAILFIN_JOB: '78_1' } });
    const said = ended ? 'its first run has used its time' : 'joining the pool';
    await expect.poll(() => node.log('78_1'), { timeout: 60_000 }).toContain(said);
    expect(node.log('78_1').includes('joining')).toBe(!ended);
    await node.end(glidein);
    await expect.poll(() => node.held(), { timeout: 60_000 }).toEqual([]);
  });
});
