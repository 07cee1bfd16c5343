import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { AuthError } from '../../src/errors.js';
import { openHost } from '../../src/hosts/open.js';
import { TestCa } from '../credentials/ca.js';
import type { GsiServerOptions } from './gsi/server.js';
import { Grid, type GsiSshd, startGsiSshd } from './gsi-sshd.js';
import { startSshd } from './sshd.js';
import { hostSuite } from './suite.js';

vi.setConfig({ testTimeout: 20_000, hookTimeout: 30_000 });

let grid: Grid;
let proxy: string;
const running: { stop(): Promise<void> }[] = [];
beforeAll(() => {
  grid = new Grid();
  proxy = grid.proxy('proxy');
});
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});
let lasting: GsiSshd | undefined;
afterAll(async () => {
  await lasting?.stop();
  grid?.remove();
});

const serve = async (options: Partial<GsiServerOptions> = {}): Promise<GsiSshd> => {
  const server = await startGsiSshd(grid, options);
  running.push(server);
  return server;
};
interface Login {
  readonly proxy?: string;
  readonly host?: string;
  readonly gsi?: { readonly delegate: boolean };
  readonly env?: NodeJS.ProcessEnv;
}
const open = (server: GsiSshd, login: Login = {}) =>
  openHost(
    { kind: 'ssh', host: login.host ?? 'box', ...(login.gsi ? { gsi: login.gsi } : {}) },
    { env: { ...server.env, X509_USER_PROXY: login.proxy ?? proxy, ...login.env }, connectTimeoutMs: 8_000 },
  );
const failure = async (server: GsiSshd, login?: Login): Promise<AuthError> => {
  const error = await open(server, login).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(AuthError);
  expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain('PRIVATE KEY');
  return error as AuthError;
};

const ciphers = {
  'TLSv1.3': ['TLS_AES_256_GCM_SHA384', 'TLS_AES_128_GCM_SHA256'],
  'TLSv1.2': ['ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'AES128-GCM-SHA256'],
} as const;
const suites = (['TLSv1.3', 'TLSv1.2'] as const).flatMap(version =>
  ciphers[version].flatMap(suite => [false, true].map(delegate => ({ version, suite, delegate }))),
);

describe('a login by proxy', () => {
  it.each(suites)('over $version $suite, delegation $delegate', async ({ version, suite, delegate }) => {
    const server = await serve({ tls: { version, ciphers: suite } });
    const host = await open(server, { gsi: { delegate } });
    expect(server.log.at(-1)).toBe(
      `${grid.identity} is ${host.name.split('@')[0]}, over ${version} ${suite}${delegate ? ', delegating' : ''}`,
    );
    const { stdout } = await host.run(['sh', '-c', 'cat "$X509_USER_PROXY" || true']);
    expect(stdout.match(/BEGIN CERTIFICATE/g)?.length).toBe(delegate ? 3 : undefined);
    await host.close();
  });

  it('when the server wants another group than the one first offered', async () => {
    const server = await serve({ tls: { version: 'TLSv1.3', groups: 'P-521' } });
    await (await open(server)).close();
  });

  it('needs only GSSAPIAuthentication; GSSAPIDelegateCredentials delegates', async () => {
    const server = await serve();
    await (await open(server)).close();
    expect(server.log.at(-1)).not.toContain('delegating');
    appendFileSync(server.configFile, '  GSSAPIDelegateCredentials yes\n');
    const host = await open(server);
    const { stdout } = await host.run(['sh', '-c', 'stat -c %a "$X509_USER_PROXY"']);
    expect(stdout).toBe('600\n');
    await host.close();
  });

  it('is not tried unless something asks for it', async () => {
    const server = await serve();
    writeFileSync(
      server.configFile,
      readFileSync(server.configFile, 'utf8').replace(/(GSSAPIAuthentication) yes/, '$1 no'),
    );
    expect((await failure(server)).message).toContain('the server takes: gssapi-with-mic');
    expect(server.log).toEqual([]);
    await (await open(server, { gsi: { delegate: false } })).close();
  });

  it('leaves the account to the server where none is named', async () => {
    const gridmap = join(grid.dir, 'other-mapfile');
    writeFileSync(gridmap, `"${grid.identity}" daemon,root\n`);
    const server = await serve({ gridmap });
    writeFileSync(server.configFile, readFileSync(server.configFile, 'utf8').replace(/^.*User .*\n/m, ''));
    const host = await open(server, { gsi: { delegate: false } });
    expect(host.name).toBe('box');
    expect(server.log.at(-1)).toContain(`${grid.identity} is daemon,`);
    await host.close();
  });

  it('with a key of 1024 bits, as old proxies have', async () => {
    const server = await serve();
    await (await open(server, { proxy: grid.proxy('short', { bits: 1024 }) })).close();
  });

  it('falls back to what else there is', async () => {
    const sshd = await startSshd();
    running.push(sshd);
    const env = { ...sshd.env, X509_USER_PROXY: proxy, X509_CERT_DIR: grid.certificates };
    appendFileSync(sshd.configFile, '  GSSAPIAuthentication yes\n');
    const host = await openHost({ kind: 'ssh', host: 'box', gsi: { delegate: false } }, { env });
    await host.close();
  });

  it('goes through a gate, and to the gate', async () => {
    const [gate, inner] = [await serve(), await serve(grid.host('inner.test'))];
    appendFileSync(
      join(gate.env.HOME as string, '.ssh', 'known_hosts'),
      `[127.0.0.1]:${inner.port} ${readFileSync(`${grid.hostKey}.pub`)}`,
    );
    const lines = [
      'Host inner',
      'HostName 127.0.0.1',
      `Port ${inner.port}`,
      'User root',
      'ProxyJump box',
      'GSSAPIServerIdentity inner.test',
    ];
    appendFileSync(gate.configFile, `${lines.join('\n  ')}\n`);
    const host = await open(gate, { host: 'inner', gsi: { delegate: true } });
    await host.run(['wc', '-c'], { stdin: Buffer.alloc(1_000_000) });
    expect(gate.log.at(-1)).not.toContain('delegating');
    expect(inner.log.at(-1)).toContain('delegating');
    await host.close();
  });
});

describe('an error says', () => {
  it('that there is no proxy, to those who need one', async () => {
    const server = await serve();
    const error = await failure(server, { proxy: '/nonexistent', gsi: { delegate: false } });
    expect(error.message).toContain('there is no proxy /nonexistent');
    expect(error.hint).toBe('make one: scailfin proxy init');
    expect((await failure(server, { proxy: '/nonexistent' })).message).not.toContain('there is no proxy');
  });

  it('that the proxy has expired, and when', async () => {
    const error = await failure(await serve(), { proxy: grid.proxy('old', { begin: -3600, end: -90 }) });
    expect(error.message).toMatch(
      /the proxy \/O=Grid.* expired at 20\d\d-.*Z, 1:3\d ago; this machine's clock says 20/,
    );
    expect(error.hint).toBe('make a new one: scailfin proxy init');
  });

  it('that others may read the proxy', async () => {
    const error = await failure(await serve(), { proxy: grid.proxy('open', { mode: 0o644 }) });
    expect(error.message).toContain('others may read it (mode 644)');
    expect(error.hint).toContain('chmod 600');
  });

  it('that a limited proxy was refused', async () => {
    const error = await failure(await serve(), { proxy: grid.proxy('limited', { limited: true }) });
    expect(error.message).toMatch(/box refused the limited proxy .*limited$/m);
    expect(error.hint).toBe('make one with full rights: scailfin proxy init');
  });

  it('that the grid map file has no such account', async () => {
    const server = await serve();
    writeFileSync(server.configFile, readFileSync(server.configFile, 'utf8').replace(/User .*/, 'User carol'));
    const error = await failure(server);
    expect(error.message).toContain(`box does not let ${grid.identity} in as carol`);
    expect(error.hint).toContain('grid map file');
  });

  it('what the server said', async () => {
    const elsewhere = mkdtempSync(join(grid.dir, 'nobody-'));
    const error = await failure(await serve({ certificates: elsewhere }));
    expect(error.message).toMatch(/box refused the proxy \S+ of \/O=Grid.*: unable to get .*issuer certificate$/m);
    expect(error.message).not.toContain('GSS Major Status');
  });

  it('that the server has GSSAPI, but no GSI', async () => {
    const error = await failure(await serve({ kerberosOnly: true }), { gsi: { delegate: false } });
    expect(error.message).toContain('box has GSSAPI, but not GSI: it takes no proxies');
  });

  it('the same of a stock sshd, after which a key still gets in', async () => {
    const sshd = await startSshd({ config: ['GSSAPIAuthentication yes'] });
    running.push(sshd);
    const env = { ...sshd.env, X509_USER_PROXY: proxy, X509_CERT_DIR: grid.certificates };
    const target = { kind: 'ssh', host: 'box', gsi: { delegate: false } } as const;
    await (await openHost(target, { env })).close();
    expect(sshd.log()).toContain('gssapi-with-mic');
    rmSync(sshd.clientKey);
    await expect(openHost(target, { env })).rejects.toThrow('box has GSSAPI, but not GSI: it takes no proxies');
  });

  it('that the server takes no GSSAPI at all', async () => {
    const server = await serve({ methods: ['publickey'] });
    expect((await failure(server, { gsi: { delegate: false } })).message).toContain(
      'box takes no logins by proxy (GSI)',
    );
    expect((await failure(server)).message).not.toContain('by proxy');
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('that the server has no suite we can use (%s)', async version => {
    const chacha = version === 'TLSv1.3' ? 'TLS_CHACHA20_POLY1305_SHA256' : 'ECDHE-RSA-CHACHA20-POLY1305';
    const error = await failure(await serve({ tls: { version, ciphers: chacha } }));
    expect(error.message).toMatch(/box .*(AES-GCM cipher suite|no shared cipher)/i);
  });
});

describe('a server is believed only if', () => {
  let server: GsiSshd;
  /** Nothing of ours may have left: neither the certificate nor a proxy. */
  const betrayed = async (options: Partial<GsiServerOptions>, login: Login = {}): Promise<AuthError> => {
    server = await serve(options);
    const error = await failure(server, { gsi: { delegate: true }, ...login });
    await expect.poll(() => server.log).toEqual(['refused, shown 0 certificates: message undefined where 61 belongs']);
    return error;
  };
  const versions = [{ version: 'TLSv1.2' }, { version: 'TLSv1.3' }] as const;

  it.each(versions)('its certificate has its name ($version)', async tls => {
    const error = await betrayed({ tls, ...grid.host('other.test') });
    expect(error.message).toMatch(/gsi\.test shows a certificate of .*other\.test.*, not of gsi\.test/);
  });

  it.each(versions)('its CA is trusted ($version)', async tls => {
    const stranger = TestCa.make(grid.dir, '/O=Other/CN=Other CA');
    const error = await betrayed({ tls, ...grid.host('gsi.test', stranger.issueHost('gsi.test')) });
    expect(error.message).toMatch(/was issued by \/O=Other\/CN=Other CA, which is not among the trusted CAs/);
    expect(error.hint).toContain('X509_CERT_DIR');
  });

  it.each(versions)('its certificate has not expired ($version)', async tls => {
    const [from, until] = [-7200, -120].map(s => new Date(Date.now() + s * 1000)) as [Date, Date];
    const error = await betrayed({ tls, ...grid.host('gsi.test', grid.ca.issueHost('gsi.test', { from, until })) });
    expect(error.message).toMatch(/gsi\.test expired at .*Z, 2:0\d ago; this machine's clock says/);
  });

  it('its certificate is valid already: both clocks are told', async () => {
    const [from, until] = [600, 7200].map(s => new Date(Date.now() + s * 1000)) as [Date, Date];
    const error = await betrayed(grid.host('gsi.test', grid.ca.issueHost('gsi.test', { from, until })));
    expect(error.message).toMatch(/is valid from 20\S+Z, in (9|10):\d\d; this machine's clock says 20\S+Z/);
    expect(error.hint).toContain('clocks');
  });

  it('its certificate is not revoked', async () => {
    const certificates = join(mkdtempSync(join(grid.dir, 'revoked-')), 'certificates');
    const ca = TestCa.make(grid.dir);
    ca.install(certificates);
    const issued = ca.issueHost('gsi.test');
    ca.revoke(issued);
    copyFileSync(ca.revocationList(), join(certificates, `${ca.hash}.r0`));
    const error = await betrayed(grid.host('gsi.test', issued), { env: { X509_CERT_DIR: certificates } });
    expect(error.message).toMatch(/CN=gsi\.test was revoked at/);
  });

  it('its CA may certify that name', async () => {
    const certificates = join(mkdtempSync(join(grid.dir, 'policy-')), 'certificates');
    grid.ca.install(certificates, ['/O=Elsewhere/*']);
    const error = await betrayed({}, { env: { X509_CERT_DIR: certificates } });
    expect(error.message).toMatch(/the signing policy for the CA .* does not allow the name/);
  });

  it('there are trusted CAs', async () => {
    const error = await betrayed({}, { env: { X509_CERT_DIR: '/nonexistent' } });
    expect(error.message).toContain('the directory of trusted CAs');
    expect(error.hint).toContain('X509_CERT_DIR');
  });

  it('it is named after the grid service, where its certificate is of the old form', async () => {
    const old = { subject: '/O=Grid/OU=Test/CN=host\\/gsi.test', extensions: [] };
    await (await open(await serve(grid.host('gsi.test', grid.ca.issueHost('', old))))).close();
  });
});

hostSuite('over a login by proxy', async () => {
  lasting = await startGsiSshd(grid);
  return openHost({ kind: 'ssh', host: 'box' }, { env: { ...lasting.env, X509_USER_PROXY: proxy } });
});
