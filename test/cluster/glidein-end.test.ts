import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { render, templateText } from '../../src/templates.js';

/** A glide-in on this machine, whose HTCondor is a master that sleeps: what is of interest is how it goes. */
describe('a glide-in that is ended while it begins', () => {
  let dir: string;
  let local: string;
  let headnode: net.Server;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'glidein-end-'));
    local = join(dir, 'local');
    const payload = join(dir, 'payload');
    for (const part of [local, join(dir, 'logs'), join(payload, 'sbin')]) mkdirSync(part, { recursive: true });
    headnode = net.createServer(socket => socket.end()).listen(0, '127.0.0.1');
    await once(headnode, 'listening');
    const values = {
      ...{ cluster: 'early', address: '127.0.0.1', port: (headnode.address() as AddressInfo).port },
      ...{
        trustDomain: 'early.scailfin',
        payload,
        payloadGlibc: '2.2',
        payloadArch: arch() === 'x64' ? 'x86_64' : 'aarch64',
      },
      ...{ site: 'here', walltime: 600, idleTimeout: 60, lostHeadnode: 600, gpus: 0 },
      ...{ runtimes: '', stepLauncher: 'none', localDirectory: local },
    };
    writeFileSync(join(dir, 'settings'), render('glidein/settings', values));
    writeFileSync(join(dir, 'token'), 'token');
    for (const name of ['glidein.sh', 'check.sh', 'leave.sh', 'glidein.conf']) writeFileSync(join(dir, name), templateText(`glidein/${name}`));
    writeFileSync(join(payload, 'sbin/condor_master'), '#!/bin/bash\ntrap "exit 0" QUIT\nsleep 30 & wait\n');
    chmodSync(join(payload, 'sbin/condor_master'), 0o755);
  });
  afterAll(() => {
    headnode?.close();
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  });

  it('leaves nothing on the node, at whichever moment', async () => {
    // until after its directory was there: how long that takes is the machine's
    for (let delay = 0, seen = 0; seen < 12; delay += 12) {
      expect(delay).toBeLessThan(6000);
      const glidein = spawn('bash', [join(dir, 'glidein.sh'), dir], { stdio: 'ignore', detached: true });
      const ended = once(glidein, 'exit');
      await sleep(delay);
      if (readdirSync(local).length > 0) seen++;
      // as a batch system does it: all that it started
      if (glidein.exitCode === null) process.kill(-(glidein.pid as number), 'SIGTERM');
      await ended;
      await expect.poll(() => readdirSync(local), { timeout: 10_000 }).toEqual([]);
    }
  }, 120_000);
});
