import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { planSite, type UpRequest } from '../../src/cluster/spec.js';
import { knownLogin } from '../../src/hosts/knownlogin.js';
import { parsePool } from '../../src/htcondor/query.js';
import { readProfile } from '../unit/profiles.js';

const dir = mkdtempSync(join(tmpdir(), 'scailfin-known-'));
afterAll(() => rmSync(dir, { recursive: true }));

describe('what is asked of a pool that grows by itself', () => {
  const plan = (site: string, request: UpRequest) =>
    planSite({ account: 'm1', ...request }, readProfile(site), { sites: {} }, true);

  it('is how many glide-ins there are at least and at most', () => {
    expect(plan('bridges', { submit: 'bosco', nodes: 4 })).toMatchObject({ submit: 'bosco', min: 0, nodes: 4 });
    expect(plan('bridges', { submit: 'bosco', nodes: 4, min: 1, max: 8 })).toMatchObject({ min: 1, nodes: 8 });
    // as a journal without it has been
    expect(Object.keys(plan('bridges', { submit: 'direct' }))).not.toContain('submit');
  });

  it.each<[string, string, UpRequest, RegExp]>([
    [
      'more at least than at most',
      'bridges',
      { submit: 'bosco', min: 3, max: 2 },
      /at least 3 glide-ins and at most 2/,
    ],
    ['bounds without growth', 'bridges', { min: 1 }, /--min and --max need --submit bosco/],
    ['a batch system that blahp is not known to work with here', 'cern', { submit: 'bosco' }, /not submit to htcondor/],
  ])('is not %s', (_, site, request, words) => expect(() => plan(site, request)).toThrow(words));
});

describe('how a pool grows', () => {
  const answer = (state: string, more = ''): string =>
    `pool=alive\nnow=1795000100\n${more}growth=${Buffer.from(state).toString('base64')}\n== slots\n== jobs\nTotal for query: 0 jobs; 0 completed, 0 removed, 0 idle, 0 running, 0 held, 0 suspended\n`;
  const state =
    'at=1795000098\nsite=acme\nmin=1\nmax=8\nqueued=2\nrunning=1\nheld=0\njoined=1\nwaiting=30\nunfit=1\nfailures=2\nretry=1795000150\nreason=it said: no = maybe\n';

  it('is read from what it told last', () => {
    expect(parsePool(answer(state, 'grow=alive\n')).growth).toEqual([
      {
        ...{ site: 'acme', min: 1, max: 8, queued: 2, running: 1, held: 0, waiting: 30, unfit: 1, failures: 2 },
        ...{ pause: 50, reason: 'it said: no = maybe', state: 'alive' },
      },
    ]);
  });

  it('is dead without its process, and when it has long said nothing', () => {
    expect(parsePool(answer(state)).growth?.[0]?.state).toBe('dead');
    const old = state.replace('at=1795000098', 'at=1794999900');
    expect(parsePool(answer(old, 'grow=alive\n')).growth?.[0]?.state).toBe('dead');
  });
});

describe('the host keys that are passed to another machine', () => {
  const key = (n: number): string => {
    const type = Buffer.from('ssh-ed25519');
    const blob = Buffer.concat([Buffer.from([0, 0, 0, type.length]), type, Buffer.alloc(36, n)]);
    return `ssh-ed25519 ${blob.toString('base64')}`;
  };
  const env = { ...process.env };
  const config = (port: number): void => {
    writeFileSync(
      join(dir, 'config'),
      `Host hpc\n  HostName login.acme.test\n  Port ${port}\n  UserKnownHostsFile ${dir}/known\n`,
    );
  };
  const asked = () => knownLogin([{ host: 'hpc' }], 'login.acme.test', { configFile: join(dir, 'config'), env });

  it('are those that this one knows it by, but for revoked ones', () => {
    config(22);
    writeFileSync(
      join(dir, 'known'),
      `login.acme.test ${key(1)}\nother.test ${key(2)}\nlogin.acme.test ${key(3)}\n@revoked * ${key(3)}\n`,
    );
    expect(asked()).toEqual({ host: 'login.acme.test', port: 22, hostKeys: [key(1)] });
  });

  it('and those of its port', () => {
    config(2222);
    writeFileSync(join(dir, 'known'), `[login.acme.test]:2222 ${key(1)}\nlogin.acme.test ${key(2)}\n`);
    expect(asked()).toEqual({ host: 'login.acme.test', port: 2222, hostKeys: [key(1), key(2)] });
  });
});
