import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gsiLog, gsiSite, makeGsiSite, placeIn } from '../lab/gsi.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { scailfin } from './helpers/cluster.js';
import { type CycleSite, cycle } from './helpers/cycle.js';

const reason = labUnavailable();

const site: CycleSite = {
  profile: gsiSite,
  ids: /^\d+_\d+$/,
  running: 'RUNNING',
  jobs: async lab =>
    (await lab.exec('login', ['squeue', '--noheader', '-r', '-o', '%i'])).stdout.split('\n').filter(Boolean),
};

describe.skipIf(reason !== undefined)(`a cluster over GSI-SSH${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up();
    await makeGsiSite(lab);
  });
  afterAll(async () => {
    await lab?.down();
  });

  it('needs a proxy, and says so', async () => {
    const up = await scailfin(lab, 'headnode', ['up', '--site', gsiSite, '--walltime', '30m'], { check: false });
    expect(up.exitCode).toBe(1);
    expect(up.stderr).toContain('there is no proxy /tmp/x509up_u3001');
    expect(up.stderr).toContain('scailfin proxy init');
    expect(await lab.leftovers()).toEqual([]);
  });

  it('goes up with a proxy of Globus, runs jobs as alice on both nodes, scales, and goes down clean', async () => {
    await lab.exec('headnode', ['grid-proxy-init', '-q']);
    await cycle(lab, site);
    const log = await gsiLog(placeIn(lab, 'login'));
    expect(log).toMatch(/CN=Scail User is alice, over TLSv1\.3 TLS_AES_256_GCM_SHA384, delegating/);
    expect(log).not.toContain('refused');
  });

  it('runs its pool on the login node, over a login that is kept when the proxy is gone', {
    tags: ['nightly'],
  }, async () => {
    await scailfin(lab, 'laptop', ['proxy', 'init']);
    await scailfin(lab, 'laptop', ['login', gsiSite]);
    await scailfin(lab, 'laptop', ['proxy', 'destroy']);
    const up = ['up', '--site', gsiSite, '--headnode', 'login', '--nodes', '1', '--walltime', '30m'];
    expect((await scailfin(lab, 'laptop', up)).stdout).toContain('1 of 1 glide-ins has joined');
    await scailfin(lab, 'laptop', ['down', gsiSite]);
    await scailfin(lab, 'laptop', ['logout', '--all']);
    await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
  });
});
