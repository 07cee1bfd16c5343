import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../lab/programs.js';
import { labUnavailable } from '../lab/unavailable.js';
import { type Grid, gridWithCa, scailfinOn, userName } from './grid.js';

const reason = labUnavailable();
const server = '/O=Grid/OU=Test/CN=grid';
const authority = '/O=Grid/OU=Test/CN=Test CA';

describe.skipIf(reason)(`VOMS attributes${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let world: Grid;
  let running: ChildProcess;
  beforeAll(async () => {
    world = await gridWithCa();
    const { grid } = world;
    await grid.copy(fileURLToPath(new URL('voms-server.js', import.meta.url)), '/home/scail/voms/server.mjs');
    await grid.copy(world.server.cert, '/home/scail/voms/cert.pem');
    await grid.copy(world.server.key, '/home/scail/voms/key.pem');
    await grid.write('/etc/vomses/testvo', `"testvo" "grid" "15000" "${server}" "testvo"\n`, 'root');
    await grid.write('/etc/grid-security/vomsdir/testvo/grid.lsc', `${server}\n${authority}\n`, 'root');
    const argv = ['server.mjs', '15000', 'cert.pem', 'key.pem', 'log'].map(word =>
      /\D/.test(word) ? `voms/${word}` : word,
    );
    running = grid.host.spawn(['node', ...argv]);
    let said = '';
    for (const stream of [running.stdout, running.stderr]) stream?.on('data', part => (said += part));
    await until(
      'the VOMS server to be ready',
      15_000,
      () => said.includes('ready') || (running.exitCode !== null && Promise.reject(new Error(said))),
    );
  });
  afterAll(async () => {
    running?.kill();
    await world?.down();
  });
  afterEach(async () => {
    await world.grid.exec(['sh', '-c', 'rm -rf /tmp/*'], { user: 'root' });
    await world.grid.exec(['rm', '-rf', '.glite', 'voms/log']);
  });
  const scailfin = (argv: readonly string[], env: { [name: string]: string } = {}) =>
    scailfinOn(world.grid, argv, undefined, { check: false, env });
  const requests = async (): Promise<{ request: string; subject: object }[]> =>
    (await world.grid.exec(['cat', 'voms/log'])).stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
  const vomsInfo = async (...argv: string[]) =>
    (await world.grid.exec(['voms-proxy-info', ...argv], { check: false })).stdout;

  it.each([
    ['testvo', ['/testvo/Role=NULL/Capability=NULL']],
    ['testvo:/testvo/prod/Role=admin', ['/testvo/prod/Role=admin/Capability=NULL']],
    ['testvo:/testvo/prod,/testvo', ['/testvo/prod/Role=NULL/Capability=NULL', '/testvo/Role=NULL/Capability=NULL']],
  ])('for %s are in the proxy, and VOMS verifies them there', async (wanted, fqans) => {
    const { exitCode, stdout, stderr } = await scailfin(['init', '--voms', wanted]);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`testvo: ${fqans.join(' ')}\n`);
    // without an option to the contrary it checks signature, holder and the server's names in vomsdir
    const said = await vomsInfo('-all');
    expect(said).toContain(
      `=== VO testvo extension information ===\nVO        : testvo\nsubject   : ${userName}\nissuer    : ${server}\n`,
    );
    for (const fqan of fqans) expect(said).toContain(`attribute : ${fqan}\n`);
    expect(await vomsInfo('-acexists', 'testvo', '-vo')).toBe('testvo\n');
    expect((await world.grid.exec(['grid-proxy-info', '-exists', '-valid', '11:00'], { check: false })).exitCode).toBe(
      0,
    );
    const ours = JSON.parse((await scailfin(['info', '--json'])).stdout);
    expect(ours.voms).toMatchObject([{ vo: 'testvo', server: 'grid:15000', issuer: server, fqans }]);
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
    const [first, second] = (await requests()).map(({ request }) => /GET (\S+) HTTP\/1\.0/.exec(request)?.[1]);
    expect(second).toBe(first);
  });

  it('that voms-proxy-init got stay with the proxies made from its own', async () => {
    await world.grid.exec(['voms-proxy-init', '-rfc', '-voms', 'testvo', '-out', '/tmp/theirs'], { check: false });
    await scailfin(['init', '--cert', '/tmp/theirs']);
    const shown = await scailfin(['info']);
    expect(shown.stdout).toMatch(/\nVO +testvo \(grid:15000\)\n/);
    expect(shown.stdout).toMatch(/\nattribute +\/testvo\/Role=NULL\/Capability=NULL\n/);
  });

  it('can be of two VOs, and come with what the servers say', async () => {
    await world.grid.write('.glite/vomses', `"other" "grid" "15000" "${server}" "othervo"\n`);
    const { stderr, stdout } = await scailfin(['init', '--voms', 'testvo', '--voms', 'other', '--hours', '48']);
    const warning = 'says: The validity of this VOMS AC is shortened to 24 hours\n';
    expect(stderr).toBe(`note: the VO testvo ${warning}note: the VO other ${warning}`);
    expect(stdout).toContain(
      'testvo: /testvo/Role=NULL/Capability=NULL\nothervo: /othervo/Role=NULL/Capability=NULL\n',
    );
    expect(await vomsInfo('-all')).toContain('VO        : testvo\n');
  });

  it('that are refused or can’t be fetched are reported in one message, and no proxy is made', async () => {
    const said = async (argv: readonly string[], env = {}): Promise<string> => {
      const { exitCode, stdout, stderr } = await scailfin(['init', ...argv], env);
      expect([exitCode, stdout]).toEqual([expect.any(Number), '']);
      expect(exitCode).not.toBe(0);
      expect(stderr).toMatch(/^error: [\s\S]+\n {2}→ .+\n$/);
      expect((await world.grid.exec(['ls', '/tmp'])).stdout).toBe('');
      return stderr;
    };
    expect(await said(['--voms', 'testvo:/testvo/secret'])).toContain(
      'grid:15000 refuses: User unknown to this VO. (NoSuchUser)',
    );
    expect(await said(['--voms', 'novo'])).toMatch(
      /no server of the VO novo is listed in .*\/etc\/vomses\n.*VOs listed there: testvo\n/,
    );
    await world.grid.write(
      'away',
      `"away" "grid" "15999" "${server}" "away"\n"away" "grid" "15000" "/O=Grid/CN=other" "away"\n`,
    );
    const both = await said(['--voms', 'away'], { X509_VOMSES: '/home/scail/away' });
    expect(both).toContain(
      'no server of the VO away could be asked:\n  grid:15999 could not be asked: connect ECONNREFUSED',
    );
    expect(both).toContain('grid shows a certificate of /O=Grid/OU=Test/CN=grid (DNS:grid), not of /O=Grid/CN=other');
    await world.grid.write('away', '"away" "grid"\n');
    expect(await said(['--voms', 'away'], { X509_VOMSES: '/home/scail/away' })).toContain(
      '/home/scail/away:1: not understood',
    );
    expect(await said(['--voms', 'testvo'], { X509_CERT_DIR: '/nowhere' })).toContain('X509_CERT_DIR=DIRECTORY');
    await world.grid.exec(['rm', 'away']);
  });
});
