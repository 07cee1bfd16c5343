// @module-tag nightly; each time: credentials/channel speaks to a VOMS server
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../lab/programs.js';
import { labUnavailable } from '../lab/unavailable.js';
import { type Grid, gridWithCa, scailfinOn, userName } from './grid.js';
import type { Vo } from './vo.js';
import { requestsToVomsd, startVomsd } from './vomsd.js';

const reason = labUnavailable();
const server = '/O=Grid/OU=Test/CN=grid';
const authority = '/O=Grid/OU=Test/CN=Test CA';

let world: Grid;

/** The VOs of this test, with their servers on ports from this one on. */
function vosFrom(port: number): [testvo: Vo, othervo: Vo, forgetful: Vo] {
  const member = { name: userName, ca: authority, fqans: ['/testvo', '/testvo/prod', '/testvo/prod/Role=admin'] };
  const suspended = { name: '/O=Grid/OU=Test/CN=suspended', ca: authority, fqans: ['/testvo'], suspended: 'AUP <old>' };
  return [
    { vo: 'testvo', port, members: [member, suspended] },
    { vo: 'othervo', port: port + 1, members: [{ ...member, fqans: ['/othervo'] }], old: true },
    // vomsd is like this when its database is gone
    { vo: 'testvo', port: port + 2, members: [] },
  ];
}

async function startDouble(vos: readonly Vo[]): Promise<void> {
  const { grid } = world;
  await grid.copy(fileURLToPath(new URL('voms-server.js', import.meta.url)), '/home/scail/voms/server.mjs');
  await grid.copy(world.server.cert, '/home/scail/voms/cert.pem');
  await grid.copy(world.server.key, '/home/scail/voms/key.pem');
  await grid.write('voms/vos', JSON.stringify(vos));
  const running = grid.host.spawn([
    'node',
    ...['server.mjs', 'vos', 'cert.pem', 'key.pem', 'log'].map(f => `voms/${f}`),
  ]);
  let said = '';
  for (const stream of [running.stdout, running.stderr]) stream?.on('data', part => (said += part));
  await until(
    'the double of a VOMS server to be ready',
    15_000,
    () => said.includes('ready') || (running.exitCode !== null && Promise.reject(new Error(said))),
  );
}

async function requestsToDouble({ port }: Vo): Promise<string[]> {
  const lines = (await world.grid.exec(['cat', 'voms/log'])).stdout.trim().split('\n');
  return lines.flatMap(line => (JSON.parse(line).port === port ? JSON.parse(line).path : []));
}

const scailfin = (argv: readonly string[], env: { [name: string]: string } = {}) =>
  scailfinOn(world.grid, argv, undefined, { check: false, env });
const vomsInfo = async (...argv: string[]) =>
  (await world.grid.exec(['voms-proxy-info', ...argv], { check: false })).stdout;

/** What `init` says that fails, and leaves no proxy. */
async function complaint(argv: readonly string[], env = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await scailfin(['init', ...argv], env);
  expect([exitCode, stdout]).toEqual([expect.any(Number), '']);
  expect(exitCode).not.toBe(0);
  expect(stderr).toMatch(/^error: [\s\S]+\n {2}→ .+\n$/);
  expect((await world.grid.exec(['ls', '/tmp'])).stdout).toBe('');
  return stderr;
}

/** Vomses lines of servers of one VO, in this order. */
const listed = (alias: string, vo: string, ...ports: number[]): string =>
  ports.map(port => `"${alias}" "grid" "${port}" "${server}" "${vo}"\n`).join('');

describe.skipIf(reason)(`VOMS attributes${reason ? ` (skipped: ${reason})` : ''}`, () => {
  beforeAll(async () => {
    world = await gridWithCa();
    for (const who of ['suspended', 'stranger']) {
      const { cert, key } = world.ca.issue({ subject: `/O=Grid/OU=Test/CN=${who}` });
      await world.grid.copy(cert, `/home/scail/${who}.pem`);
      await world.grid.copy(key, `/home/scail/${who}.key`);
    }
    for (const vo of ['testvo', 'othervo'])
      await world.grid.write(`/etc/grid-security/vomsdir/${vo}/grid.lsc`, `${server}\n${authority}\n`, 'root');
  });
  afterAll(() => world?.down());
  afterEach(async () => {
    await world.grid.exec(['sh', '-c', 'rm -rf /tmp/*'], { user: 'root' });
  });

  describe.each([
    ['a real server', 15000, startVomsd, requestsToVomsd],
    ['its double', 15100, (_, vos) => startDouble(vos), (_, vo) => requestsToDouble(vo)],
  ] as [string, number, typeof startVomsd, typeof requestsToVomsd][])('from %s', (_, port, start, requests) => {
    const vos = vosFrom(port);
    const [testvo, othervo, forgetful] = vos;
    beforeAll(async () => {
      await start(world.grid, vos);
      const lines = [listed('testvo', 'testvo', port), listed('other', 'othervo', othervo.port)];
      await world.grid.write('/etc/vomses/all', lines.join(''), 'root');
    });

    it.each([
      ['testvo', ['/testvo/Role=NULL', '/testvo/prod/Role=NULL']],
      ['testvo:/testvo/prod/Role=admin', ['/testvo/prod/Role=admin', '/testvo/Role=NULL', '/testvo/prod/Role=NULL']],
      ['testvo:/testvo/prod,/testvo', ['/testvo/prod/Role=NULL', '/testvo/Role=NULL']],
      ['other', ['/othervo/Role=NULL']],
    ])('for %s are in the proxy, and VOMS verifies them there', async (wanted, granted) => {
      const fqans = granted.map(fqan => `${fqan}/Capability=NULL`);
      const { vo } = wanted === 'other' ? othervo : testvo;
      const { exitCode, stdout, stderr } = await scailfin(['init', '--voms', wanted]);
      expect([exitCode, stderr]).toEqual([0, '']);
      const shown = stdout.trim().split('\n').at(-1)?.split(' ') ?? [];
      // only the order of what was asked for counts; the user's other groups follow
      expect(shown.slice(0, 2)).toEqual([`${vo}:`, fqans[0]]);
      expect(shown.slice(1).sort()).toEqual([...fqans].sort());
      // without an option to the contrary it checks signature, holder and the server's names in vomsdir
      const said = await vomsInfo('-all');
      expect(said).toContain(
        `=== VO ${vo} extension information ===\nVO        : ${vo}\nsubject   : ${userName}\nissuer    : ${server}\n`,
      );
      for (const fqan of fqans) expect(said).toContain(`attribute : ${fqan}\n`);
      expect(await vomsInfo('-acexists', vo, '-vo')).toBe(`${vo}\n`);
      await world.grid.exec(['grid-proxy-info', '-exists', '-valid', '11:00']);
      const ours = JSON.parse((await scailfin(['info', '--json'])).stdout);
      const uri = `grid:${wanted === 'other' ? othervo.port : port}`;
      expect(ours.voms).toMatchObject([{ vo, server: uri, issuer: server, fqans: shown.slice(1) }]);
      expect(ours.trust.verified).toBe(true);
    });

    it('are asked for as voms-proxy-init does', async () => {
      const init = await world.grid.exec(['voms-proxy-init', '-rfc', '-voms', 'testvo:/testvo/prod/Role=admin'], {
        check: false,
      });
      expect(init.stdout + init.stderr).toContain('Your proxy is valid until');
      const theirs = JSON.parse((await scailfin(['info', '--json'])).stdout);
      await scailfin(['init', '--voms', 'testvo:/testvo/prod/Role=admin']);
      const ours = JSON.parse((await scailfin(['info', '--json'])).stdout);
      expect(ours.voms[0].fqans).toEqual(theirs.voms[0].fqans);
      expect(ours.voms[0].issuer).toEqual(theirs.voms[0].issuer);
      const [first, second] = (await requests(world.grid, testvo)).slice(-2);
      expect(first).toContain('Role=admin');
      expect(second).toBe(first);
    });

    it('that voms-proxy-init got stay with the proxies made from its own', async () => {
      await world.grid.exec(['voms-proxy-init', '-rfc', '-voms', 'testvo', '-out', '/tmp/theirs'], { check: false });
      await scailfin(['init', '--cert', '/tmp/theirs']);
      const shown = await scailfin(['info']);
      expect(shown.stdout).toContain(`\nVO         testvo (grid:${port})\n`);
      expect(shown.stdout).toMatch(/\nattribute +\/testvo\/Role=NULL\/Capability=NULL\n/);
    });

    it('are given to a proxy, too, and over TLS 1.2', async () => {
      await scailfin(['init', '--out', '/tmp/plain']);
      const { exitCode, stderr } = await scailfin(['init', '--cert', '/tmp/plain', '--voms', 'testvo'], {
        NODE_OPTIONS: '--tls-max-v1.2',
      });
      expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/^(note: it ends earlier .*\n)?$/)]);
      expect(await vomsInfo('-acexists', 'testvo', '-vo')).toBe('testvo\n');
    });

    it('can be of two VOs, and come with what the servers say', async () => {
      const { stderr, stdout } = await scailfin(['init', '--voms', 'testvo', '--voms', 'other', '--hours', '48']);
      const warning = (at: number) =>
        `says: grid:${at}: The validity of this VOMS AC in your proxy is shortened to 86400 seconds!\n`;
      expect(stderr).toBe(`note: the VO testvo ${warning(port)}note: the VO other ${warning(othervo.port)}`);
      expect(stdout).toMatch(
        /testvo: \/testvo\/Role=NULL\/Capability=NULL .*\nothervo: \/othervo\/Role=NULL\/Capability=NULL\n$/,
      );
      expect(await vomsInfo('-all')).toContain('VO        : testvo\n');
    });

    it('come from the server that has them, and if none has, each says why', async () => {
      await world.grid.write('vomses', listed('many', 'testvo', 15999, forgetful.port, port));
      const found = await scailfin(['init', '--voms', 'many'], { X509_VOMSES: '/home/scail/vomses' });
      expect([found.exitCode, found.stderr]).toEqual([0, '']);
      expect(found.stdout).toContain('testvo: /testvo/Role=NULL/Capability=NULL');
      await world.grid.exec(['rm', '/tmp/x509up_u3001']);

      await world.grid.write('vomses', listed('few', 'testvo', 15999, forgetful.port));
      const said = await complaint(['--voms', 'few'], { X509_VOMSES: '/home/scail/vomses' });
      expect(said).toMatch(
        /^error: no server of the VO few gave attributes:\n +grid:15999 could not be asked: connect/,
      );
      expect(said).toContain(
        `\n  the VOMS server grid:${forgetful.port} refuses: testvo: User unknown to this VO. (NoSuchUser)\n`,
      );
      expect(said).toContain('→ the VO knows its members by the names of their certificates');
    });

    it.each([
      [
        'of a stranger',
        'stranger',
        'testvo',
        'testvo: User unknown to this VO. (NoSuchUser)',
        'ask it whether it knows',
      ],
      [
        'of a suspended member',
        'suspended',
        'testvo',
        'User is currently suspended!\n  Suspension reason: AUP <old> (SuspendedUser)',
        'end the suspension',
      ],
      [
        'of a group',
        '.globus/usercert',
        'testvo:/testvo/secret',
        'testvo: Unable to satisfy G/testvo/secret request! (BadRequest)',
        'no such group or role',
      ],
      [
        'of a role',
        '.globus/usercert',
        'testvo:/testvo,/testvo/Role=admin',
        'testvo: Unable to satisfy B/testvo:admin request! (BadRequest)',
        'no such group or role',
      ],
    ])('%s that it refuses are reported in its words, and no proxy is made', async (_, who, voms, words, hint) => {
      const own = ['--cert', `${who}.pem`, '--key', who.startsWith('.') ? '.globus/userkey.pem' : `${who}.key`];
      const said = await complaint(['--voms', voms, ...own]);
      expect(said).toContain(`the VOMS server grid:${port} refuses: ${words}\n  → `);
      expect(said).toContain(hint);
    });

    it('are not asked of another server', async () => {
      const before = (await requests(world.grid, testvo)).length;
      await world.grid.write('vomses', `"testvo" "grid" "${port}" "/O=Grid/CN=other" "testvo"\n`);
      const said = await complaint(['--voms', 'testvo'], { X509_VOMSES: '/home/scail/vomses' });
      expect(said).toContain('grid shows a certificate of /O=Grid/OU=Test/CN=grid (DNS:grid), not of /O=Grid/CN=other');
      expect(await complaint(['--voms', 'testvo'], { X509_CERT_DIR: '/nowhere' })).toContain('X509_CERT_DIR=DIRECTORY');
      expect(await requests(world.grid, testvo)).toHaveLength(before);
    });
  });

  it('of a VO that is not listed, or not well, are not asked for', async () => {
    await world.grid.write('/etc/vomses/all', listed('testvo', 'testvo', 15000), 'root');
    expect(await complaint(['--voms', 'novo'])).toMatch(
      /no server of the VO novo is listed in .*\/etc\/vomses\n.*VOs listed there: testvo\n/,
    );
    await world.grid.write('vomses', '"testvo" "grid"\n');
    expect(await complaint(['--voms', 'testvo'], { X509_VOMSES: '/home/scail/vomses' })).toContain(
      '/home/scail/vomses:1: not understood',
    );
  });
});
