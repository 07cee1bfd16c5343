import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headnodeName, parseHeadnode } from '../../src/cluster/headnodes.js';
import { checkName, tagOf } from '../../src/cluster/names.js';
import { planCluster, planSite } from '../../src/cluster/spec.js';
import { UsageError } from '../../src/errors.js';
import { parseProfile } from '../../src/sites/profile.js';
import { profileOf, readProfile } from './profiles.js';

const name = fc.stringMatching(/^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/);
const none = { sites: {} };

describe('the tag of a cluster', () => {
  it('is a job name that every batch system takes', () => {
    fc.assert(
      fc.property(name, n => {
        // Torque takes 15 characters, SGE no digit first, PBS no dot or blank
        expect(tagOf(n)).toMatch(/^[a-z][a-z0-9-]{3,14}$/);
        expect(tagOf(n)).toBe(tagOf(n));
      }),
    );
  });

  it('is readable for a short name', () => expect(tagOf('bsm')).toBe('sf-bsm'));

  it('differs, also between a short name that looks like the tag of a long one and that', () => {
    const many = Array.from({ length: 500 }, (_, n) => `bsm-search-run-${n}`);
    const tags = many.map(tagOf);
    const lookalikes = tags.map(t => t.slice(3));
    expect(new Set([...tags, ...lookalikes.map(tagOf)]).size).toBe(1000);
  });
});

describe('names', () => {
  it.each(['a', 'bsm-search', 'x1', 'a'.repeat(32)])('%s is one', n => expect(checkName(n)).toBe(n));
  it.each(['', '1a', 'A', 'a_b', 'a-', '-a', 'a b', 'a/b', '../a', 'ä', 'a\n', 'a'.repeat(33), 'payload'])(
    '%j is none',
    n => expect(() => checkName(n)).toThrow(UsageError),
  );
});

describe('headnodes', () => {
  const far = profileOf('');
  const here = readProfile('local');
  it.each([
    ['local', { kind: 'local' }],
    ['login', { kind: 'login' }],
    ['head.example.org', { kind: 'host', host: 'head.example.org', user: undefined }],
    ['alice@10.0.0.1', { kind: 'host', host: '10.0.0.1', user: 'alice' }],
  ])('%s', (text, expected) => {
    expect(parseHeadnode(text, far)).toEqual(expected);
    expect(headnodeName(parseHeadnode(text, far))).toBe(text);
  });
  it('the login node of this machine is this machine', () => {
    expect(parseHeadnode('login', here)).toEqual({ kind: 'local' });
  });
  it.each(['', '@a', 'a@', 'a b', '-oProxyCommand=id', '-l@host', 'a@-x', 'a@b@c', 'a;b', '$(id)', 'a/b', 'host:22'])(
    '%j is none',
    text => expect(() => parseHeadnode(text, far)).toThrow(UsageError),
  );
});

describe('the plan', () => {
  const queues =
    'queues: {short: {walltime: 30m, default: true}, long: {walltime: 2d, cores: 8}}\nnode: {cores: 32, memory: 64G}\n';

  it('one node for an hour, where nothing is asked and nothing is limited', () => {
    expect(planSite({}, profileOf(''), none)).toMatchObject({
      ...{ site: 'test', nodes: 1, walltime: 3600, idleTimeout: 600, gpus: 0 },
      ...{ queue: undefined, account: undefined, cores: undefined, memory: undefined },
    });
  });

  it('the default queue, with the time it allows', () => {
    expect(planSite({}, profileOf(queues), none)).toMatchObject({ queue: 'short', walltime: 1800, cores: 32 });
  });

  it('what is asked for wins over the configuration, that over the profile', () => {
    const own = { idleTimeout: 60, sites: { test: { nodes: 3, queue: 'long', walltime: 7200, user: 'bob' } } };
    const profile = profileOf(queues);
    expect(planSite({}, profile, own)).toMatchObject({
      ...{ nodes: 3, queue: 'long', walltime: 7200, user: 'bob', idleTimeout: 60, cores: 8 },
    });
    expect(
      planSite({ nodes: 1, queue: 'short', walltime: 600, user: 'eve', idleTimeout: 5 }, profile, own),
    ).toMatchObject({
      ...{ nodes: 1, queue: 'short', walltime: 600, user: 'eve', idleTimeout: 5 },
    });
  });

  it('memory only where several share a node, or somebody asks', () => {
    expect(planSite({}, profileOf(queues), none).memory).toBeUndefined();
    expect(planSite({ memory: 2000 }, profileOf(queues), none).memory).toBe(2000);
    const shared = profileOf(queues.replace('cores: 8', 'cores: 8, shared: true'));
    expect(planSite({ queue: 'long' }, shared, none).memory).toBe(16384);
    // HTCondor gives nobody a whole node
    const condor = parseProfile(
      'name: c\ntitle: C\nscheduler: {type: htcondor}\nlogin: {hosts: [c]}\nnode: {cores: 32, memory: 64G}\n',
      'c.yaml',
    );
    expect(planSite({}, condor, none).memory).toBe(65536);
    expect(planSite({ cores: 8 }, condor, none).memory).toBe(16384);
  });

  it.each([
    [{ walltime: 60 }, /--walltime 2m|leaves a glide-in no time/],
    [{ walltime: 3600, queue: 'short' }, /short allows 30m/],
    [{ queue: 'nosuch' }, /nosuch/],
  ])('%j is refused', (request, words) => {
    expect(() => planSite(request, profileOf(queues), none)).toThrow(UsageError);
    expect(() => planSite(request, profileOf(queues), none)).toThrow(words);
  });

  it('a cluster is called as its site, and lives here', () => {
    expect(planCluster({}, profileOf(''), none)).toEqual({
      ...{ frameworks: [], name: 'test', headnode: { kind: 'local' }, port: 9618, htcondor: { source: 'system' } },
    });
    const own = { port: 9700, headnode: 'login', sites: {} };
    expect(planCluster({ name: 'bsm' }, profileOf(''), own)).toMatchObject({
      ...{ name: 'bsm', headnode: { kind: 'login' }, port: 9700 },
    });
    expect(planCluster({ headnode: 'local' }, profileOf(''), own).headnode).toEqual({ kind: 'local' });
  });
});
