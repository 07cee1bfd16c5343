import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planCluster, type UpRequest } from '../../src/cluster/spec.js';
import { relayAddress } from '../../src/cluster/steps/headnode.js';
import { earlierState, parseState, writeState } from '../../src/relay/state.js';
import { parseProfile } from '../../src/sites/profile.js';
import { configSchema } from '../../src/sites/settings.js';

const profile = (network: object, login = true) =>
  parseProfile(
    JSON.stringify({
      ...{ name: 'acme', title: 'A site of a test', account: 'optional', network },
      ...(login
        ? { login: { hosts: ['login.acme.test'] }, scheduler: { type: 'slurm' } }
        : { scheduler: { type: 'fork' } }),
    }),
    'test.yaml',
  );
const config = (own: object = {}) => configSchema.parse({ sites: { acme: own } });
const relayOf = (request: UpRequest, network: object, own: object = {}) =>
  planCluster(request, profile(network), config(own)).relay;

describe('a relay is planned', () => {
  it.each([
    ['as the profile says that nodes have no way out', {}, { outbound: false }, {}, true],
    ['not where nodes have one', {}, { outbound: true }, {}, undefined],
    ['not before anything is known', {}, {}, {}, undefined],
    ['as asked for', { relay: true }, { outbound: true }, {}, true],
    ['never against --no-relay', { relay: false }, { outbound: false }, {}, false],
    ['as the settings say', {}, {}, { relay: true }, true],
    ['not as the settings say if the command line says otherwise', { relay: false }, {}, { relay: true }, false],
    ['not for a pool on the login node', { headnode: 'login' }, { outbound: false }, {}, undefined],
  ])('%s', (_, request, network, own, relay) => expect(relayOf(request, network, own)).toBe(relay));

  it('not if nodes reach the pool anyway, or if the framework needs the network', () => {
    expect(() => relayOf({ relay: true, headnode: 'login' }, {})).toThrow(
      "--relay is for a pool outside the site, and this pool is on acme's login node",
    );
    expect(() => planCluster({ relay: true }, profile({}, false), config())).toThrow(
      'this pool is on the same machine',
    );
    expect(() => relayOf({ relay: true, reana: 'upstream' }, {})).toThrow("can't reach it there");
    expect(relayOf({ relay: true, reana: 'edge' }, {})).toBe(true);
  });
});

it("a relayed pool's address is a loopback address of its own", () => {
  const ids = Array.from({ length: 500 }, (_, n) => (n * 562_949_953_421).toString(16).padStart(12, '0').slice(-12));
  const addresses = ids.map(relayAddress);
  // 127.0.0.x would be used by other programs, and broadcast addresses by none
  for (const address of addresses) expect(address).toMatch(/^127(\.([1-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-4])){3}$/);
  expect(new Set(addresses).size).toBeGreaterThan(450);
  expect(relayAddress('a1b2c3d4e5f6')).toBe(relayAddress('a1b2c3d4e5f6'));
});

describe("a relay's state is read", () => {
  const state = { site: 'acme', state: 'cut', since: 1_800_000_000, nodes: 2 };

  it('as it was written', () => {
    const full = { ...state, reason: 'no answer', hint: 'scailfin login acme', at: '10.0.0.1:20000 on login1' };
    expect(parseState(JSON.stringify(full))).toEqual(full);
    expect(parseState(JSON.stringify(state))).toEqual(state);
    expect(parseState(JSON.stringify({ ...state, login: 'kept' }))).toEqual({ ...state, login: 'kept' });
    expect(parseState(JSON.stringify({ ...state, login: 'stolen' }))).toEqual(state);
  });

  it('without what a hostile login node put into it', () => {
    const hostile = { ...state, reason: 'a\u001b]0;title\u0007b\nc', at: 7, more: 'x' };
    expect(parseState(JSON.stringify(hostile))).toEqual({
      ...state,
      reason: expect.stringMatching(/^\P{Cc}*$/u),
    });
    for (const text of ['', 'null', '[]', '{"site":"acme"}', '{']) expect(parseState(text)).toBeUndefined();
  });

  it('where the last process left it, also if it was moved aside', () => {
    const dir = mkdtempSync(join(tmpdir(), 'relay-'));
    try {
      expect(earlierState(dir, 'acme')).toBeUndefined();
      for (const name of ['state', 'before']) mkdirSync(join(dir, name));
      writeFileSync(join(dir, 'before/acme.json'), JSON.stringify({ ...state, since: 1 }));
      expect(earlierState(dir, 'acme')?.since).toBe(1);
      writeState(dir, { site: 'acme', state: 'open', since: 2, nodes: 0 });
      expect(earlierState(dir, 'acme')?.since).toBe(2);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
