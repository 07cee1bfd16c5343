// @module-tag nightly; each time: credentials/channel speaks to a MyProxy server
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { inLab } from '../lab/bundled.js';
import { labUnavailable } from '../lab/unavailable.js';
import { passphrase, wrongPassphrase } from '../secrets.js';
import { type Grid, gridWithCa, scailfinOn, userName } from './grid.js';
import { startMyProxy } from './myproxy-server.js';

const reason = labUnavailable();

/** Both, since the handshake ends differently. */
const versions = [
  ['TLS 1.3', {}],
  ['TLS 1.2', { NODE_OPTIONS: '--tls-max-v1.2' }],
] as const;

describe.skipIf(reason)(`a MyProxy server${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let world: Grid;
  beforeAll(async () => {
    world = await gridWithCa();
    await startMyProxy(world.grid);
  });
  afterAll(() => world?.down());
  afterEach(async () => {
    await world.grid.exec(['sh', '-c', 'rm -rf /tmp/* /srv/myproxy/*'], { user: 'root' });
  });

  /** @param lines what it reads as passphrases */
  const scailfin = (argv: readonly string[], lines?: readonly string[], env: { [name: string]: string } = {}) =>
    scailfinOn(world.grid, argv, lines, { check: false, env: { MYPROXY_SERVER: 'grid', ...env } });
  const succeeds = async (...args: Parameters<typeof scailfin>): Promise<string> => {
    const { exitCode, stdout, stderr } = await scailfin(...args);
    expect([exitCode, stderr]).toEqual([0, '']);
    return stdout;
  };
  const tool = async (argv: readonly string[], lines: readonly string[] = [], env = {}) => {
    const stdin = lines.map(line => `${line}\n`).join('');
    const { stdout, stderr, exitCode } = await world.grid.exec(argv, { stdin, env, check: false });
    return { said: stdout + stderr, exitCode };
  };
  const proxyAt = async (file: string) => JSON.parse(await succeeds(['info', '--json', '--file', file]));

  describe.each(versions)('over %s', (_, env) => {
    it('what we store is what MyProxy’s own tools see and fetch', async () => {
      expect(await succeeds(['store', '--username', 'jdoe', '--hours', '48'], [passphrase], env)).toMatch(
        /^stored on grid for jdoe, until 20.* UTC\n$/,
      );
      const info = await tool(['myproxy-info', '-s', 'grid', '-l', 'jdoe'], [], {
        X509_USER_CERT: '/home/scail/.globus/usercert.pem',
        X509_USER_KEY: '/home/scail/.globus/userkey.pem',
      });
      expect(info.said).toMatch(
        /username: jdoe\nowner: \/O=Grid\/OU=Test\/CN=Scail User\n {2}timeleft: (48:00:00|47:59:\d\d)/,
      );
      const logon = await tool(['myproxy-logon', '-S', '-s', 'grid', '-l', 'jdoe', '-o', '/tmp/theirs'], [passphrase]);
      expect(logon.said).toContain('A credential has been received for user jdoe in /tmp/theirs.');
      expect(await proxyAt('/tmp/theirs')).toMatchObject({ identity: userName, trust: { verified: true } });
    });

    it('what MyProxy’s own tools store we see, fetch and remove', async () => {
      const init = ['myproxy-init', '-S', '-s', 'grid', '-l', 'jdoe', '-c', '24', '-t', '6'];
      expect((await tool(init, [passphrase])).said).toContain('for user jdoe now exists on grid');
      const stored = JSON.parse(await succeeds(['stored', '--username', 'jdoe', '--json'], undefined, env));
      expect(stored).toMatchObject([{ name: '', owner: userName }]);
      expect(Date.parse(stored[0].end) - Date.now()).toBeGreaterThan(23.9 * 3_600_000);

      const { stdout, stderr, exitCode } = await scailfin(
        ['logon', '--username', 'jdoe', '--out', '/tmp/ours'],
        [passphrase],
        env,
      );
      expect([exitCode, stderr]).toEqual([0, 'note: the server gave it a shorter lifetime than was asked for\n']);
      expect(stdout).toMatch(
        /^proxy of \/O=Grid\/OU=Test\/CN=Scail User\n\/tmp\/ours, good for (6:00:00|5:59:\d\d), until/,
      );
      const info = await tool(['grid-proxy-info', '-file', '/tmp/ours']);
      expect(info.said).toContain('type     : RFC 3820 compliant impersonation proxy\n');
      const verify = ['openssl', 'verify', '-allow_proxy_certs', '-CApath', '/etc/grid-security/certificates'];
      expect((await tool([...verify, '-untrusted', '/tmp/ours', '/tmp/ours'])).said).toBe('/tmp/ours: OK\n');

      expect(await succeeds(['unstore', '--username', 'jdoe'], undefined, env)).toBe(
        'grid keeps nothing more of jdoe\n',
      );
      expect(
        (await tool(['myproxy-logon', '-S', '-s', 'grid', '-l', 'jdoe', '-o', '/tmp/gone'], [passphrase])).said,
      ).toContain('No credentials exist');
    });

    it('a proxy that has not ended yet is renewed, by another who may', async () => {
      const host = '/O=Grid/OU=Test/CN=grid';
      await succeeds(['store', '--username', 'jdoe', '--renewer', host], undefined, env);
      expect(await succeeds(['stored', '--username', 'jdoe'])).toContain(`who may renew  ${host}`);
      await succeeds(['init', '--hours', '1']);
      // root is who has the host's certificate
      await world.grid.exec(['sh', '-c', 'cp /tmp/x509up_u3001 /tmp/old && chown root /tmp/old'], { user: 'root' });
      const renewed = await world.grid.exec(await inLab(renewal), { user: 'root', env });
      expect(renewed.stdout).toBe('/O=Grid/OU=Test/CN=Scail User 12 h\n');
      await world.grid.exec(['chown', 'scail', '/tmp/new'], { user: 'root' });
      expect(await proxyAt('/tmp/new')).toMatchObject({ identity: userName, trust: { verified: true } });
    });
  });

  it('renews for MyProxy’s own client what we stored', async () => {
    await succeeds(['store', '--username', 'jdoe', '--renewer', '/O=Grid/OU=Test/CN=grid']);
    await succeeds(['init', '--hours', '1']);
    await world.grid.exec(['chown', 'root', '/tmp/x509up_u3001'], { user: 'root' });
    const logon = ['myproxy-logon', '-s', 'grid', '-l', 'jdoe', '-a', '/tmp/x509up_u3001', '-o', '/tmp/new'];
    const { stderr } = await world.grid.exec(logon, { user: 'root' });
    expect(stderr).not.toContain('error');
    const own = { X509_USER_PROXY: '' };
    await world.grid.exec(['grid-proxy-info', '-file', '/tmp/new', '-exists', '-valid', '11:00'], {
      user: 'root',
      env: own,
    });
  });

  it('keeps several under one user name', async () => {
    await succeeds(['store', '--username', 'jdoe'], [passphrase]);
    await succeeds(['store', '--username', 'jdoe', '--credential', 'long', '--hours', '300'], [passphrase]);
    const stored = JSON.parse(await succeeds(['stored', '--username', 'jdoe', '--json']));
    expect(stored.map((one: { name: string }) => one.name)).toEqual(['', 'long']);
    expect(stored.every((one: { owner: string }) => one.owner === userName)).toBe(true);
    await succeeds(['unstore', '--username', 'jdoe', '--credential', 'long']);
    expect(JSON.parse(await succeeds(['stored', '--username', 'jdoe', '--json']))).toHaveLength(1);
    await succeeds(['logon', '--username', 'jdoe'], [passphrase]);
    expect((await scailfin(['logon', '--username', 'jdoe', '--credential', 'long'], [passphrase])).exitCode).toBe(1);
  });

  it('is asked by the proxy that is there, where there is one', async () => {
    await succeeds(['store', '--username', 'jdoe'], [passphrase]);
    await succeeds(['init']);
    await world.grid.exec(['mv', '.globus', 'away']);
    try {
      expect(await succeeds(['stored', '--username', 'jdoe'])).toContain(`owner      ${userName}`);
      await succeeds(['unstore', '--username', 'jdoe']);
    } finally {
      await world.grid.exec(['mv', 'away', '.globus']);
    }
  });

  it('says what is wrong, and we hand it on in one message', async () => {
    await succeeds(['store', '--username', 'jdoe'], [passphrase]);
    const said = async (...args: Parameters<typeof scailfin>): Promise<[number | null, string]> => {
      const { exitCode, stderr, stdout } = await scailfin(...args);
      expect(stdout).toBe('');
      for (const secret of [passphrase, wrongPassphrase]) expect(stderr).not.toContain(secret);
      expect(stderr).toMatch(/^error: .+\n {2}→ .+\n$/);
      return [exitCode, stderr];
    };
    const logon = ['logon', '--username', 'jdoe'];
    expect(await said(logon, [wrongPassphrase])).toEqual([
      1,
      // with one wrong passphrase in some hundred, OpenSSL notices later
      expect.stringMatching(
        /^error: the MyProxy server grid:7512 refuses: (Bad password; )?invalid credential passphrase\n {2}→ check user name and passphrase and try again\n$/,
      ),
    ]);
    expect(await said(['logon', '--username', 'nobody'], [passphrase])).toEqual([
      1,
      'error: the MyProxy server grid:7512 refuses: No credentials exist for username "nobody".\n  → store them first: scailfin proxy store\n',
    ]);
    expect(await said(logon, ['12345'])).toEqual([
      2,
      expect.stringContaining('at least 6 characters\n  → nothing was sent'),
    ]);
    expect(await said([...logon, '--server', 'alias'], [passphrase])).toEqual([
      1,
      expect.stringContaining('shows a certificate of /O=Grid/OU=Test/CN=grid (DNS:grid), not of alias'),
    ]);
    expect(await said([...logon, '--dn', '/O=Grid/CN=other'], [passphrase])).toEqual([
      1,
      expect.stringContaining('not of /O=Grid/CN=other'),
    ]);
    expect(await succeeds([...logon, '--server', 'alias', '--dn', '/O=Grid/OU=Test/CN=grid'], [passphrase])).toContain(
      'proxy of',
    );
    expect(await said(['logon'], [passphrase], { MYPROXY_SERVER: '' })).toEqual([
      2,
      expect.stringContaining('--server HOST'),
    ]);
    expect(await said(logon)).toEqual([1, expect.stringContaining('--pass-stdin')]);
    expect(await said(['logon', '--username', 'a\nCOMMAND=3'], [passphrase])).toEqual([
      2,
      'error: MyProxy does not allow a line break in username\n  → nothing was sent\n',
    ]);
    const env = { X509_CERT_DIR: '/nowhere' };
    expect(await said(logon, [passphrase], env)).toEqual([1, expect.stringContaining('X509_CERT_DIR=DIRECTORY')]);
  });
});

/** What renews a proxy, run where the host's certificate is. */
const renewal = `
import { myproxyServer, renewProxy } from '/opt/scailfin/src/credentials/x509/myproxy.ts';
import { readProxy, writeProxy } from '/opt/scailfin/src/credentials/x509/proxy.ts';
import { loadTrust } from '/opt/scailfin/src/credentials/x509/trust.ts';
import { loadIdentity } from '/opt/scailfin/src/credentials/x509/user.ts';
const host = { cert: '/etc/grid-security/hostcert.pem', key: '/etc/grid-security/hostkey.pem' };
const own = await loadIdentity(host, { tries: 1, ask: async () => '' });
const wanted = { username: 'jdoe', lifetime: 43200, bits: 2048 };
const { proxy } = await renewProxy(myproxyServer('grid'), wanted, readProxy('/tmp/old'), { trust: loadTrust(), own }, '/tmp/new');
writeProxy(proxy);
console.log(proxy.identity, Math.round((proxy.end - Date.now()) / 3_600_000), 'h');
`;
