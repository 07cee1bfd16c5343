// @module-tag nightly; each time: hosts/gsi
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { AuthError } from '../../src/errors.js';
import { openHost } from '../../src/hosts/open.js';
import { TestCa } from '../credentials/ca.js';
import type { GsiServerOptions } from './gsi/server.js';
import { GsiFixture, type Login } from './gsi-fixture.js';
import type { GsiSshd } from './gsi-sshd.js';
import { startSshd } from './sshd.js';

vi.setConfig({ testTimeout: 20_000, hookTimeout: 30_000 });

const gsi = new GsiFixture();

describe('an error says', () => {
  it('that there is no proxy, to those who need one', async () => {
    const server = await gsi.serve();
    const error = await gsi.failure(server, { proxy: '/nonexistent', gsi: { delegate: false } });
    expect(error.message).toContain('there is no proxy /nonexistent');
    expect(error.hint).toBe('make a proxy: scailfin proxy init');
    expect((await gsi.failure(server, { proxy: '/nonexistent' })).message).not.toContain('there is no proxy');
  });

  it('that the proxy has expired, and when', async () => {
    const error = await gsi.failure(await gsi.serve(), { proxy: gsi.grid.proxy('old', { begin: -3600, end: -90 }) });
    expect(error.message).toMatch(
      /the proxy \/O=Grid.* expired at 20\d\d-.*Z, 1:3\d ago; this machine's clock says 20/,
    );
    expect(error.hint).toBe('make a new proxy: scailfin proxy init');
  });

  it('that others may read the proxy', async () => {
    const error = await gsi.failure(await gsi.serve(), { proxy: gsi.grid.proxy('open', { mode: 0o644 }) });
    expect(error.message).toContain('others may read it (mode 644)');
    expect(error.hint).toContain('chmod 600');
  });

  it('that a limited proxy was refused', async () => {
    const error = await gsi.failure(await gsi.serve(), { proxy: gsi.grid.proxy('limited', { limited: true }) });
    expect(error.message).toMatch(/box refused the limited proxy .*limited$/m);
    expect(error.hint).toBe('make a proxy with full rights: scailfin proxy init');
  });

  it('that the gsi.grid map file has no such account', async () => {
    const server = await gsi.serve();
    writeFileSync(server.configFile, readFileSync(server.configFile, 'utf8').replace(/User .*/, 'User carol'));
    const error = await gsi.failure(server);
    expect(error.message).toContain(`box does not let ${gsi.grid.identity} in as carol`);
    expect(error.hint).toContain('grid map file');
  });

  it('that the server ends the connection, because it wants to be told the account', async () => {
    const server = await gsi.serve({ wantsAccount: true });
    writeFileSync(server.configFile, readFileSync(server.configFile, 'utf8').replace(/ *User .*\n/, ''));
    const error = await gsi.failure(server, { gsi: { delegate: false } });
    expect(error.message).toContain('box accepted the proxy, and ended the connection when it looked for its account');
    expect(error.hint).toContain('--user NAME');
  });

  it('what the server said', async () => {
    const elsewhere = mkdtempSync(join(gsi.grid.dir, 'nobody-'));
    const error = await gsi.failure(await gsi.serve({ certificates: elsewhere }));
    expect(error.message).toMatch(/box refused the proxy \S+ of \/O=Grid.*: unable to get .*issuer certificate$/m);
    expect(error.message).not.toContain('GSS Major Status');
  });

  it('that the server has GSSAPI, but no GSI', async () => {
    const error = await gsi.failure(await gsi.serve({ kerberosOnly: true }), { gsi: { delegate: false } });
    expect(error.message).toContain('box has GSSAPI, but not GSI: it takes no proxies');
  });

  it('the same of a stock sshd, after which a key still gets in', async () => {
    const sshd = await startSshd({ config: ['GSSAPIAuthentication yes'] });
    gsi.running.push(sshd);
    const env = { ...sshd.env, X509_USER_PROXY: gsi.proxy, X509_CERT_DIR: gsi.grid.certificates };
    const target = { kind: 'ssh', host: 'box', gsi: { delegate: false } } as const;
    await (await openHost(target, { env })).close();
    expect(sshd.log()).toContain('gssapi-with-mic');
    rmSync(sshd.clientKey);
    await expect(openHost(target, { env })).rejects.toThrow('box has GSSAPI, but not GSI: it takes no proxies');
  });

  it('that the server takes no GSSAPI at all', async () => {
    const server = await gsi.serve({ methods: ['publickey'] });
    expect((await gsi.failure(server, { gsi: { delegate: false } })).message).toContain(
      'box takes no logins by proxy (GSI)',
    );
    expect((await gsi.failure(server)).message).not.toContain('by proxy');
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('that the server has no suite we can use (%s)', async version => {
    const chacha = version === 'TLSv1.3' ? 'TLS_CHACHA20_POLY1305_SHA256' : 'ECDHE-RSA-CHACHA20-POLY1305';
    const error = await gsi.failure(await gsi.serve({ tls: { version, ciphers: chacha } }));
    expect(error.message).toMatch(/box .*(AES-GCM cipher suite|no shared cipher)/i);
  });
});

describe('a server is believed only if', () => {
  let server: GsiSshd;
  /** Nothing of ours may have left: neither the certificate nor a proxy. */
  const betrayed = async (options: Partial<GsiServerOptions>, login: Login = {}): Promise<AuthError> => {
    server = await gsi.serve(options);
    const error = await gsi.failure(server, { gsi: { delegate: true }, ...login });
    await expect.poll(() => server.log).toEqual(['refused, shown 0 certificates: message undefined where 61 belongs']);
    return error;
  };
  const versions = [{ version: 'TLSv1.2' }, { version: 'TLSv1.3' }] as const;

  it.each(versions)('its certificate has its name ($version)', async tls => {
    const error = await betrayed({ tls, ...gsi.grid.host('other.test') });
    expect(error.message).toMatch(/gsi\.test shows a certificate of .*other\.test.*, not of gsi\.test/);
  });

  it.each(versions)('its CA is trusted ($version)', async tls => {
    const stranger = TestCa.make(gsi.grid.dir, '/O=Other/CN=Other CA');
    const error = await betrayed({ tls, ...gsi.grid.host('gsi.test', stranger.issueHost('gsi.test')) });
    expect(error.message).toMatch(/was issued by \/O=Other\/CN=Other CA, which is not among the trusted CAs/);
    expect(error.hint).toContain('X509_CERT_DIR');
  });

  it.each(versions)('its certificate has not expired ($version)', async tls => {
    const [from, until] = [-7200, -120].map(s => new Date(Date.now() + s * 1000)) as [Date, Date];
    const error = await betrayed({
      tls,
      ...gsi.grid.host('gsi.test', gsi.grid.ca.issueHost('gsi.test', { from, until })),
    });
    expect(error.message).toMatch(/gsi\.test expired at .*Z, 2:0\d ago; this machine's clock says/);
  });

  it('its certificate is valid already: both clocks are told', async () => {
    const [from, until] = [600, 7200].map(s => new Date(Date.now() + s * 1000)) as [Date, Date];
    const error = await betrayed(gsi.grid.host('gsi.test', gsi.grid.ca.issueHost('gsi.test', { from, until })));
    expect(error.message).toMatch(/is valid from 20\S+Z, in (9|10):\d\d; this machine's clock says 20\S+Z/);
    expect(error.hint).toContain('a clock is wrong');
  });

  it('its certificate is not revoked', async () => {
    const certificates = join(mkdtempSync(join(gsi.grid.dir, 'revoked-')), 'certificates');
    const ca = TestCa.make(gsi.grid.dir);
    ca.install(certificates);
    const issued = ca.issueHost('gsi.test');
    ca.revoke(issued);
    copyFileSync(ca.revocationList(), join(certificates, `${ca.hash}.r0`));
    const error = await betrayed(gsi.grid.host('gsi.test', issued), { env: { X509_CERT_DIR: certificates } });
    expect(error.message).toMatch(/CN=gsi\.test was revoked at/);
  });

  it('its CA may certify that name', async () => {
    const certificates = join(mkdtempSync(join(gsi.grid.dir, 'policy-')), 'certificates');
    gsi.grid.ca.install(certificates, ['/O=Elsewhere/*']);
    const error = await betrayed({}, { env: { X509_CERT_DIR: certificates } });
    expect(error.message).toMatch(/the signing policy for the CA .* does not allow the name/);
  });

  it('there are trusted CAs', async () => {
    const error = await betrayed({}, { env: { X509_CERT_DIR: '/nonexistent' } });
    expect(error.message).toContain('the directory of trusted CAs');
    expect(error.hint).toContain('X509_CERT_DIR');
  });

  it('it is named after the gsi.grid service, where its certificate is of the old form', async () => {
    const old = { subject: '/O=Grid/OU=Test/CN=host\\/gsi.test', extensions: [] };
    await (await gsi.open(await gsi.serve(gsi.grid.host('gsi.test', gsi.grid.ca.issueHost('', old))))).close();
  });
});
