import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { labUnavailable } from '../lab/unavailable.js';
import { passphrase, wrongPassphrase } from '../secrets.js';
import { ec } from './ca.js';
import { type Grid, gridWithCa, installUser, scailfinOn, userName } from './grid.js';

const reason = labUnavailable();
const path = '/tmp/x509up_u3001';

/** What lines of `name : value` say. */
function fields(text: string): { [name: string]: string } {
  const lines = text.split('\n').map(line => /^(\S[^:]*?)\s*: (.*)$/.exec(line));
  return Object.fromEntries(lines.flatMap(match => (match ? [[match[1], match[2]]] : [])));
}

describe.skipIf(reason)(`proxies and Globus${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let world: Grid;
  beforeAll(async () => {
    world = await gridWithCa();
  });
  afterAll(() => world?.down());
  afterEach(async () => {
    await world.grid.exec(['sh', '-c', 'rm -f /tmp/*'], { user: 'root' });
    await installUser(world.grid, world.user);
  });
  const run = async (...argv: string[]) => (await world.grid.exec(argv, { check: false })).stdout;
  const scailfin = (argv: readonly string[], lines?: readonly string[]) =>
    scailfinOn(world.grid, argv, lines, { check: false });
  const fieldsOf = async (...argv: string[]) => fields(await run(...argv));

  it.each([
    [[], 'RFC 3820 compliant impersonation proxy', '2048 bits'],
    [['--limited'], 'RFC 3820 compliant limited proxy', '2048 bits'],
    [['--bits', '3072', '--hours', '24'], 'RFC 3820 compliant impersonation proxy', '3072 bits'],
  ])('what `init` with %j makes is what Globus and VOMS see', async (options, type, strength) => {
    const { stdout, exitCode } = await scailfin(['init', ...options]);
    expect([exitCode, stdout.split('\n')[0]]).toEqual([0, expect.stringContaining(`proxy of ${userName}`)]);
    const said = await fieldsOf('grid-proxy-info');
    const hours = options.includes('24') ? '24:00:00|23:59:5\\d' : '12:00:00|11:59:5\\d';
    expect(said).toMatchObject({ identity: userName, type, strength, path, timeleft: expect.stringMatching(hours) });
    expect((await world.grid.exec(['grid-proxy-info', '-exists', '-valid', '11:00'])).exitCode).toBe(0);
    const voms = await fieldsOf('voms-proxy-info', '-all');
    expect(voms).toMatchObject({
      identity: userName,
      type: 'RFC compliant proxy',
    });
    expect(await run('stat', '-c', '%a %U', path)).toBe('600 scail\n');
    const verify = ['openssl', 'verify', '-allow_proxy_certs', '-CApath', '/etc/grid-security/certificates'];
    expect(await run(...verify, '-untrusted', path, path)).toBe(`${path}: OK\n`);
    const ours = JSON.parse((await scailfin(['info', '--json'])).stdout);
    expect(ours).toMatchObject({ subject: said.subject, issuer: said.issuer, identity: said.identity, type, path });
    expect(ours.trust).toEqual({ verified: true, root: '/O=Grid/OU=Test/CN=Test CA' });
  });

  it('a name in UTF-8 and with sets of attributes goes through Globus unchanged', async () => {
    const odd = world.ca.issue({ subject: '/DC=org/O=Grid\\/Test/OU=a+UID=scail/CN=Jürgen' });
    await installUser(world.grid, odd);
    await scailfin(['init']);
    const said = await fieldsOf('grid-proxy-info');
    expect(said.identity).toBe('/DC=org/O=Grid\\/Test/OU=a+UID=scail/CN=J\\xC3\\xBCrgen');
    const ours = JSON.parse((await scailfin(['info', '--json'])).stdout);
    expect(ours).toMatchObject({ identity: said.identity, subject: said.subject, trust: { verified: false } });
    // the signing policy speaks of /O=Grid/*, and Globus agrees that this is another name
    expect(ours.trust.why).toContain('signing policy');
    expect(await run('sh', '-c', 'grid-proxy-init -verify -debug -out /tmp/v 2>&1')).toContain('signing policy');
  });

  it('what Globus and VOMS make is shown as they show it', async () => {
    for (const make of [
      ['grid-proxy-init'],
      ['grid-proxy-init', '-limited'],
      ['grid-proxy-init', '-independent'],
      ['grid-proxy-init', '-draft'],
      ['grid-proxy-init', '-draft', '-limited'],
      ['grid-proxy-init', '-old'],
      ['voms-proxy-init', '-rfc'],
      ['voms-proxy-init', '-old'],
    ]) {
      await run('rm', '-f', path);
      await run(...make);
      const said = await fieldsOf('grid-proxy-info');
      const ours = JSON.parse((await scailfin(['info', '--json'])).stdout);
      expect(ours, make.join(' ')).toMatchObject({
        subject: said.subject,
        issuer: said.issuer,
        identity: said.identity,
      });
      expect(ours.type.toLowerCase(), make.join(' ')).toBe(said.type?.toLowerCase());
      expect(ours.trust, make.join(' ')).toMatchObject({ verified: true });
    }
  });

  it('a proxy made from a proxy is one for Globus, too', async () => {
    await run('grid-proxy-init');
    expect((await scailfin(['init', '--cert', path, '--out', '/tmp/second'])).exitCode).toBe(0);
    const said = await fieldsOf('grid-proxy-info', '-file', '/tmp/second');
    expect(said).toMatchObject({ identity: userName, type: 'RFC 3820 compliant impersonation proxy' });
    const verify = ['openssl', 'verify', '-allow_proxy_certs', '-CApath', '/etc/grid-security/certificates'];
    expect(await run(...verify, '-untrusted', '/tmp/second', '/tmp/second')).toBe('/tmp/second: OK\n');
  });

  it('a user with an ECDSA key has a proxy', async () => {
    await installUser(world.grid, world.ca.issue({ subject: userName, key: ec }));
    expect((await scailfin(['init'])).exitCode).toBe(0);
    expect(await fieldsOf('grid-proxy-info')).toMatchObject({ identity: userName, strength: '2048 bits' });
  });

  it('`destroy` leaves nothing; `info` then fails with what to type', async () => {
    await scailfin(['init']);
    expect((await scailfin(['destroy'])).stdout).toBe(`destroyed ${path}\n`);
    expect(await run('ls', '/tmp')).toBe('');
    expect((await scailfin(['destroy'])).stdout).toBe(`there is no proxy ${path}\n`);
    const { exitCode, stderr } = await scailfin(['info']);
    expect([exitCode, stderr]).toEqual([
      1,
      `error: there is no proxy ${path}\n  → make a proxy: scailfin proxy init\n`,
    ]);
    expect((await scailfin(['info', '--json'])).stdout).toContain('"error":"AuthError"');
  });

  it('an expired proxy is shown, with exit status 1', async () => {
    // Globus makes it, years ago
    await run('grid-proxy-init', '-valid', '0:1');
    const late = await world.grid.exec(['node', '-e', clockAhead, '3600'], { check: false });
    expect([late.exitCode, late.stdout]).toEqual([
      1,
      expect.stringMatching(/time left +none: it expired (59|58):\d\d ago/),
    ]);
    expect(late.stdout).toMatch(/trusted +no: the proxy .* expired at/);
  });

  it('a key with a passphrase is asked for from standard input or a file, and shown nowhere', async () => {
    await world.grid.exec(
      [
        'sh',
        '-c',
        'umask 077; openssl pkcs8 -topk8 -in .globus/userkey.pem -out new -passout stdin && mv new .globus/userkey.pem',
      ],
      { stdin: `${passphrase}\n` },
    );
    expect((await scailfin(['init'], [passphrase])).exitCode).toBe(0);
    await world.grid.write('secret', `${passphrase}\n`, 'scail', 0o600);
    expect((await scailfin(['init', '--passphrase-file', 'secret'])).exitCode).toBe(0);
    const wrong = await scailfin(['init'], [wrongPassphrase]);
    expect([wrong.exitCode, wrong.stderr.split('\n')[0]]).toEqual([
      1,
      'error: the passphrase of /home/scail/.globus/userkey.pem is not right',
    ]);
    const nobody = await scailfin(['init']);
    expect(nobody.stderr).toContain('--passphrase-file FILE or --pass-stdin');
    await world.grid.exec(['chmod', '644', 'secret']);
    expect((await scailfin(['init', '--passphrase-file', 'secret'])).stderr).toContain('chmod 600 secret');
    await world.grid.exec(['rm', 'secret']);
  });

  it('each failure is one clear message', async () => {
    const said = async (...argv: string[]): Promise<string> => {
      const { exitCode, stderr } = await scailfin(argv);
      expect(exitCode).not.toBe(0);
      expect(stderr).toMatch(/^error: .+\n {2}→ .+\n$/);
      return stderr;
    };
    await world.grid.exec(['chmod', '644', '.globus/userkey.pem']);
    expect(await said('init')).toContain('chmod 600 /home/scail/.globus/userkey.pem');
    const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000);
    await installUser(world.grid, world.ca.issue({ subject: userName, key: ec, from: ago(9), until: ago(2) }));
    expect(await said('init')).toMatch(/certificate of .* expired at .*, 2:00:\d\d ago; this machine's clock says/);
    await installUser(world.grid, world.ca.issue({ subject: userName, key: ec, from: ago(-3) }));
    expect(await said('init')).toMatch(
      /valid from .*, in (3:00:00|2:59:\d\d); this machine's clock says .*\n.*date -u/,
    );
    await world.grid.copy(world.user.cert, '/home/scail/.globus/usercert.pem');
    expect(await said('init')).toContain('is not the key of');
    expect(await said('init', '--bits', '1024')).toContain('2048 to 8192');
    expect(await said('init', '--voms', 'no such vo')).toContain('not understood as a VO');
    expect(await run('ls', '/tmp')).toBe('');
  });
});

/** Runs `proxy info` so many seconds from now. */
const clockAhead = `const ahead = Number(process.argv[1]) * 1000;
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...given) { given.length ? super(...given) : super(RealDate.now() + ahead); }
  static now() { return RealDate.now() + ahead; }
};
process.argv.splice(1, 1, '/opt/scailfin/bin/scailfin.js', 'proxy', 'info');
import('/opt/scailfin/bin/scailfin.js');`;
