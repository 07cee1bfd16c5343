import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { openHost } from '../../src/hosts/open.js';
import { GsiFixture } from './gsi-fixture.js';
import { type GsiSshd, startGsiSshd } from './gsi-sshd.js';
import { startSshd } from './sshd.js';
import { hostSuite } from './suite.js';

vi.setConfig({ testTimeout: 20_000, hookTimeout: 30_000 });

let lasting: GsiSshd | undefined;
afterAll(() => lasting?.stop());
const gsi = new GsiFixture();

const ciphers = {
  'TLSv1.3': ['TLS_AES_256_GCM_SHA384', 'TLS_AES_128_GCM_SHA256'],
  'TLSv1.2': ['ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'AES128-GCM-SHA256'],
} as const;
const suites = (['TLSv1.3', 'TLSv1.2'] as const).flatMap(version =>
  ciphers[version].flatMap(suite => [false, true].map(delegate => ({ version, suite, delegate }))),
);

describe('a login by proxy', () => {
  it.each(suites)('over $version $suite, delegation $delegate', async ({ version, suite, delegate }) => {
    const server = await gsi.serve({ tls: { version, ciphers: suite } });
    const host = await gsi.open(server, { gsi: { delegate } });
    expect(server.log.at(-1)).toBe(
      `${gsi.grid.identity} is ${host.name.split('@')[0]}, over ${version} ${suite}${delegate ? ', delegating' : ''}`,
    );
    const { stdout } = await host.run(['sh', '-c', 'cat "$X509_USER_PROXY" || true']);
    expect(stdout.match(/BEGIN CERTIFICATE/g)?.length).toBe(delegate ? 3 : undefined);
    await host.close();
  });

  it('when the server wants another group than the one first offered', async () => {
    const server = await gsi.serve({ tls: { version: 'TLSv1.3', groups: 'P-521' } });
    await (await gsi.open(server)).close();
  });

  it('needs only GSSAPIAuthentication; GSSAPIDelegateCredentials delegates', async () => {
    const server = await gsi.serve();
    await (await gsi.open(server)).close();
    expect(server.log.at(-1)).not.toContain('delegating');
    appendFileSync(server.configFile, '  GSSAPIDelegateCredentials yes\n');
    const host = await gsi.open(server);
    const { stdout } = await host.run(['sh', '-c', 'stat -c %a "$X509_USER_PROXY"']);
    expect(stdout).toBe('600\n');
    await host.close();
  });

  it('is not tried unless something asks for it', async () => {
    const server = await gsi.serve();
    writeFileSync(
      server.configFile,
      readFileSync(server.configFile, 'utf8').replace(/(GSSAPIAuthentication) yes/, '$1 no'),
    );
    expect((await gsi.failure(server)).message).toContain('the server takes: gssapi-with-mic');
    expect(server.log).toEqual([]);
    await (await gsi.open(server, { gsi: { delegate: false } })).close();
  });

  it('leaves the account to the server where none is named', async () => {
    const gridmap = join(gsi.grid.dir, 'other-mapfile');
    writeFileSync(gridmap, `"${gsi.grid.identity}" daemon,root\n`);
    const server = await gsi.serve({ gridmap });
    writeFileSync(server.configFile, readFileSync(server.configFile, 'utf8').replace(/^.*User .*\n/m, ''));
    const host = await gsi.open(server, { gsi: { delegate: false } });
    expect(host.name).toBe('box');
    expect(server.log.at(-1)).toContain(`${gsi.grid.identity} is daemon,`);
    await host.close();
  });

  it('with a key of 1024 bits, as old proxies have', async () => {
    const server = await gsi.serve();
    await (await gsi.open(server, { proxy: gsi.grid.proxy('short', { bits: 1024 }) })).close();
  });

  it('falls back to what else there is', async () => {
    const sshd = await startSshd();
    gsi.running.push(sshd);
    const env = { ...sshd.env, X509_USER_PROXY: gsi.proxy, X509_CERT_DIR: gsi.grid.certificates };
    appendFileSync(sshd.configFile, '  GSSAPIAuthentication yes\n');
    const host = await openHost({ kind: 'ssh', host: 'box', gsi: { delegate: false } }, { env });
    await host.close();
  });

  it('goes through a gate, and to the gate', async () => {
    const [gate, inner] = [await gsi.serve(), await gsi.serve(gsi.grid.host('inner.test'))];
    appendFileSync(
      join(gate.env.HOME as string, '.ssh', 'known_hosts'),
      `[127.0.0.1]:${inner.port} ${readFileSync(`${gsi.grid.hostKey}.pub`)}`,
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
    const host = await gsi.open(gate, { host: 'inner', gsi: { delegate: true } });
    await host.run(['wc', '-c'], { stdin: Buffer.alloc(1_000_000) });
    expect(gate.log.at(-1)).not.toContain('delegating');
    expect(inner.log.at(-1)).toContain('delegating');
    await host.close();
  });
});

hostSuite('over a login by proxy', async () => {
  lasting = await startGsiSshd(gsi.grid);
  return openHost({ kind: 'ssh', host: 'box' }, { env: { ...lasting.env, X509_USER_PROXY: gsi.proxy } });
});
