import { spawn } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readAttributes } from '../../src/credentials/x509/attributes.js';
import { Certificate } from '../../src/credentials/x509/certificate.js';
import { makeKeys } from '../../src/credentials/x509/create.js';
import { issueProxy, keyOfRequest } from '../../src/credentials/x509/issue.js';
import { fetchProxy, myproxyServer, storedProxies, storeProxy } from '../../src/credentials/x509/myproxy.js';
import { counted } from '../../src/credentials/x509/myproxy-session.js';
import { encodeRequest, parseResponse } from '../../src/credentials/x509/myproxy-wire.js';
import type { CertificateError } from '../../src/credentials/x509/problem.js';
import { loadTrust, type Trust } from '../../src/credentials/x509/trust.js';
import type { Identity } from '../../src/credentials/x509/user.js';
import { requestAttributes } from '../../src/credentials/x509/voms.js';
import { AuthError, ConnectionError, ScailfinError, TimeoutError } from '../../src/errors.js';
import { freePort } from '../hosts/sshd.js';
import { passphrase, secrets } from '../secrets.js';
import { attributeCertificate } from './attributes.js';
import { ec, type Issued, TestCa, temporaryCa } from './ca.js';
import { derOf, privateKeyOf } from './read.js';

const hour = 3_600_000;
let grid: ReturnType<typeof temporaryCa>;
let trust: Trust;
let good: Issued;
let user: Identity;
beforeAll(() => {
  grid = temporaryCa(ec);
  good = grid.ca.issueHost('localhost');
  const issued = grid.ca.issue({ subject: '/O=Grid/CN=Scail User' });
  user = { certificates: [new Certificate(derOf(issued.cert))], key: privateKeyOf(issued.key) };
  const revoked = grid.ca.issueHost('localhost', { subject: '/O=Grid/CN=revoked' });
  grid.ca.revoke(revoked);
  copyFileSync(grid.ca.revocationList(), join(grid.trust, `${grid.ca.hash}.r0`));
  trust = loadTrust(grid.trust);
  bad.revoked = () => revoked;
});
afterAll(() => grid.dispose());

const bad: { [reason: string]: () => Issued } = {
  expired: () =>
    grid.ca.issueHost('localhost', { from: new Date(Date.now() - 9 * hour), until: new Date(Date.now() - hour) }),
  'not-yet-valid': () => grid.ca.issueHost('localhost', { from: new Date(Date.now() + hour) }),
  'unknown-ca': () => TestCa.make(grid.dir, '/O=Grid/CN=Stranger', ec).issueHost('localhost'),
  'bad-signature': () => TestCa.make(grid.dir, grid.ca.subject, ec).issueHost('localhost'),
  'signing-policy': () => grid.ca.issueHost('localhost', { subject: '/O=Other/CN=localhost' }),
  'wrong-name': () => grid.ca.issueHost('elsewhere.example.org'),
  usage: () =>
    grid.ca.issueHost('localhost', { extensions: ['subjectAltName = DNS:localhost', 'extendedKeyUsage = clientAuth'] }),
};

/** Servers of the running test, and all that was sent to them. */
const servers: Server[] = [];
let received: Buffer[] = [];
afterEach(async () => {
  received = [];
  await Promise.all(servers.splice(0).map(server => new Promise(resolve => server.close(resolve))));
});

async function serve(
  talk: (socket: TLSSocket) => void,
  issued = good,
  options: TlsOptions = {},
): Promise<{ host: string; port: number }> {
  const tls = {
    cert: readFileSync(issued.cert),
    key: readFileSync(issued.key),
    requestCert: true,
    rejectUnauthorized: false,
  };
  const server = createServer({ ...tls, ...options }, socket => {
    socket.on('error', () => {});
    socket.on('data', data => received.push(data));
    talk(socket);
  });
  server.on('tlsClientError', () => {});
  servers.push(server);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return { host: 'localhost', port: (server.address() as AddressInfo).port };
}

const request = { username: 'jdoe', passphrase, lifetime: 43_200, bits: 2048 };
const fetch = (server: { host: string; port: number }, timeoutMs = 40_000) =>
  fetchProxy(server, request, { trust, timeoutMs }, '/nowhere');

async function failureOf(work: Promise<unknown>): Promise<ScailfinError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ScailfinError);
  for (const secret of secrets) expect(`${JSON.stringify(error)}${(error as Error).stack}`).not.toContain(secret);
  return error as ScailfinError;
}

/** What a MyProxy server does with a request for a proxy; the pieces it sends are `cut` long. */
function myproxy(chain: (csr: Buffer) => Buffer, options: { cut?: number; late?: string } = {}) {
  return async (socket: TLSSocket): Promise<void> => {
    let said = Buffer.alloc(0);
    let answered = false;
    const send = async (data: Buffer): Promise<void> => {
      for (let at = 0; at < data.length; at += options.cut ?? data.length) {
        socket.write(data.subarray(at, at + (options.cut ?? data.length)));
        await new Promise(resolve => setImmediate(resolve));
      }
    };
    // as GSI servers do with TLS 1.3; nothing is awaited, as the client may speak before anybody listens
    if (socket.getProtocol() === 'TLSv1.3') void send(Buffer.of(0));
    socket.on('data', async (data: Buffer) => {
      said = Buffer.concat([said, data]);
      const end = said.indexOf(0);
      if (end < 0) return;
      if (!answered) {
        answered = true;
        await send(ok);
      }
      const csr = said.subarray(end + 1);
      if (csr.length < 4 || csr.length < 4 + csr.readUInt16BE(2)) return;
      await send(options.late === undefined ? Buffer.concat([chain(csr), ok]) : Buffer.from(`${options.late}\0`));
    });
  };
}
const ok = Buffer.from('VERSION=MYPROXYv2\nRESPONSE=0\n\0');

/** The user's proxy over somebody's request. */
function granted(csr: Buffer, now = new Date(), life = 12 * hour): Buffer {
  const [certificate] = user.certificates;
  const end = new Date(now.getTime() + life);
  const der = issueProxy({ certificate, key: user.key }, keyOfRequest(csr), { end }, now);
  return counted({ certificates: [new Certificate(der), certificate] });
}

describe('a server that is not the one', () => {
  it.each([...Object.keys(bad), 'revoked'])('since its certificate is %s, is sent nothing at all', async reason => {
    const server = await serve(() => {}, (bad[reason] as () => Issued)());
    const error = await failureOf(fetch(server));
    expect((error as CertificateError).reason).toBe(reason);
    expect(error.message.split('\n')).toHaveLength(1);
    await new Promise(resolve => setTimeout(resolve, 50));
    expect(Buffer.concat(received)).toEqual(Buffer.alloc(0));
  });

  it('has another name than the one asked for', async () => {
    const server = await serve(() => {});
    const error = await failureOf(fetch({ ...server, identity: '/O=Grid/CN=other' } as typeof server));
    expect((error as CertificateError).reason).toBe('wrong-name');
  });
});

describe('a server that', () => {
  it('can not be reached is reported with host and port', async () => {
    const { host, port } = await serve(() => {});
    await new Promise(resolve => servers.splice(0)[0]?.close(resolve));
    const error = await failureOf(fetch({ host, port }));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toContain(`localhost:${port} could not be asked: connect ECONNREFUSED `);
  });

  it('says nothing is not waited for forever', async () => {
    const error = await failureOf(fetch(await serve(() => {}), 300));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error.message).toMatch(/^localhost:\d+ did not answer within 0.3 s$/);
  });

  it('closes the connection is reported', async () => {
    const error = await failureOf(fetch(await serve(socket => socket.once('data', () => socket.destroy()))));
    expect(error).toBeInstanceOf(ConnectionError);
  });

  it('speaks another protocol is reported', async () => {
    const web = await serve(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n\0'));
    expect((await failureOf(fetch(web))).message).toContain('did not answer as a MyProxy server does');
    const flood = await serve(socket => socket.write(Buffer.alloc(6_000_000, 'x')));
    expect((await failureOf(fetch(flood))).message).toContain('sent too much data');
  });

  it.each(['-tls1_2', '-tls1_3'])('does not take our certificate over %s is said to', async version => {
    const port = await freePort();
    const stranger = TestCa.make(grid.dir, '/O=Grid/CN=Stranger', ec);
    const checking = ['-Verify', '3', '-verify_return_error', '-CAfile', stranger.cert];
    const own = ['-cert', good.cert, '-key', good.key, '-accept', `127.0.0.1:${port}`];
    const server = spawn('openssl', ['s_server', '-quiet', version, ...own, ...checking], { stdio: 'ignore' });
    try {
      const ask = () => storedProxies({ host: 'localhost', port }, { username: 'jdoe' }, { trust, own: user });
      const said = async () => (await failureOf(ask())).message;
      await expect.poll(said, { timeout: 60_000 }).not.toContain('ECONNREFUSED');
      const error = await failureOf(ask());
      expect(error).toBeInstanceOf(AuthError);
      expect(error.message).toBe(`localhost:${port} does not accept our certificate: unknown ca`);
      expect(error.hint).toBe('to see which proxy is shown: scailfin proxy info');
    } finally {
      server.kill();
    }
  });
});

describe('a MyProxy server', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('that sends byte by byte over %s is understood', async maxVersion => {
    const server = await serve(
      myproxy(csr => granted(csr), { cut: 1 }),
      good,
      { maxVersion },
    );
    const { proxy, notes } = await fetch(server);
    expect([proxy.identity, notes]).toEqual(['/O=Grid/CN=Scail User', []]);
    expect(Buffer.concat(received).subarray(0, 27).toString()).toBe('0VERSION=MYPROXYv2\nCOMMAND=');
  });

  it('that gives less time than asked for makes a note', async () => {
    const server = await serve(myproxy(csr => granted(csr, new Date(), hour)));
    expect((await fetch(server)).notes).toEqual(['the server gave it a shorter lifetime than was asked for']);
  });

  it('whose clock is wrong is told by how much', async () => {
    const ahead = await serve(myproxy(csr => granted(csr, new Date(Date.now() + 2 * hour))));
    const early = await failureOf(fetch(ahead));
    expect((early as CertificateError).reason).toBe('not-yet-valid');
    expect(early.message).toMatch(/^the proxy .* is valid from .*Z, in 1:5[45]:\d\d; this machine's clock says .*Z$/);
    const behind = await serve(myproxy(csr => granted(csr, new Date(Date.now() - 20 * hour))));
    expect((await failureOf(fetch(behind))).message).toMatch(
      /expired at .*Z, (8:00:\d\d|7:59:\d\d) ago; this machine's clock/,
    );
  });

  it('that gives what is not for our key, or no certificate, is refused', async () => {
    const { publicKey } = await makeKeys(2048);
    const [certificate] = user.certificates;
    const other = new Certificate(
      issueProxy({ certificate, key: user.key }, publicKey, { end: new Date(Date.now() + hour) }),
    );
    const wrong = await failureOf(fetch(await serve(myproxy(() => counted({ certificates: [other, certificate] })))));
    expect((wrong as CertificateError).reason).toBe('wrong-key');
    for (const junk of [Buffer.of(0), Buffer.of(200), Buffer.of(1, 0x30, 0x85), Buffer.from([1, 0x30, 2, 5, 0])]) {
      expect((await failureOf(fetch(await serve(myproxy(() => junk))))) as CertificateError).toMatchObject({
        reason: 'malformed',
      });
    }
  });

  it('that refuses late is heard as well', async () => {
    const late = 'VERSION=MYPROXYv2\nRESPONSE=1\nERROR=the moon\nERROR=is \u001b[31mfull\n';
    const error = await failureOf(fetch(await serve(myproxy(csr => granted(csr), { late }))));
    expect(error.message).toMatch(/^the MyProxy server localhost:\d+ refuses: the moon; is full$/);
  });

  it('that needs more than a passphrase is reported', async () => {
    const more = 'VERSION=MYPROXYv2\nRESPONSE=2\nAUTHORIZATION_DATA=SASL:x\n\0';
    const error = await failureOf(fetch(await serve(socket => socket.once('data', () => socket.write(more)))));
    expect(error.message).toContain('needs more than a passphrase: SASL');
  });

  it('is given a proxy that ends with its user’s certificate', async () => {
    const server = await serve(socket => {
      socket.once('data', async () => {
        const { certificateRequest } = await import('../../src/credentials/x509/issue.js');
        const keys = await makeKeys(2048);
        socket.write(Buffer.concat([ok, certificateRequest(keys.publicKey, keys.privateKey), ok]));
      });
    });
    const end = new Date(Date.now() + 1000 * 24 * hour);
    const stored = storeProxy(server, { username: 'jdoe', passphrase, end, lifetime: 3600 }, user, { trust });
    expect(await stored).toEqual(user.certificates[0].notAfter);
  });
});

describe('a VOMS server', () => {
  /** @param answers one of each server of the VO */
  const ask = async (...answers: string[]) => {
    const serving = answers.map(answer => serve(socket => socket.once('data', () => socket.end(answer))));
    const name = '/O=Grid/OU=Test/CN=localhost';
    const servers = (await Promise.all(serving)).map(server => ({ ...server, alias: 'vo', vo: 'vo', name }));
    return requestAttributes({ vo: 'vo', fqans: [] }, user, { trust, lifetime: 3600, servers, timeoutMs: 5000 });
  };
  const xml = (inside: string): string => `HTTP/1.1 200 OK\r\n\r\n<?xml version="1.0"?><voms>${inside}</voms>`;
  const attributesOf = (holder: Certificate, named?: Buffer): string =>
    `<ac>${attributeCertificate(holder, ['/vo/Role=NULL/Capability=NULL'], named)
      .toString('base64')
      .replace(/(.{64})/g, '$1\n')}</ac>`;

  it('gives attributes, and may warn', async () => {
    const [holder] = user.certificates;
    const { certificate, warnings } = await ask(xml(`${attributesOf(holder)}<warning>a &lt;short&gt; one</warning>`));
    expect(readAttributes(certificate)).toMatchObject({ vo: 'vo', fqans: ['/vo/Role=NULL/Capability=NULL'] });
    expect(warnings).toEqual(['a <short> one']);
  });

  it('gives attributes in the older form, and with a warning in an answer that calls itself an error', async () => {
    const [holder] = user.certificates;
    const answer = xml(`${attributesOf(holder, holder.subject)}<warning>a short one</warning>`);
    const { warnings } = await ask(answer.replace('200 OK', '500 Internal Server Error'));
    expect(warnings).toEqual(['a short one']);
  });

  it('that refuses is not the last one that is asked', async () => {
    const [holder] = user.certificates;
    const unknown = xml('<error><code>NoSuchUser</code><message>User unknown to this VO.</message></error>');
    await ask(unknown, xml('<ac>AAAA</ac>'), xml(attributesOf(holder)));
    const error = await failureOf(ask(unknown, 'SSH-2.0-x\r\n'));
    expect(error.message).toMatch(
      /^no server of the VO vo gave attributes:\n {2}.* refuses: User unknown to this VO. \(NoSuchUser\)\n {2}.* is not HTTP$/,
    );
    expect(error.hint).toContain('ask it whether it knows yours');
  });

  it('that gives those of somebody else is refused', async () => {
    const error = await failureOf(ask(xml(attributesOf(new Certificate(derOf(good.cert))))));
    expect((error as CertificateError).reason).toBe('wrong-name');
    expect(error.message).toMatch(/sent the attributes of somebody else than \/O=Grid\/CN=Scail User$/);
  });

  it.each([
    [
      xml('<error><code>BadRequest</code><message>no &quot;such\u001b[2J&quot; role</message></error>'),
      'refuses: no "such" role (BadRequest)',
    ],
    ['HTTP/1.1 404 Not Found\r\n\r\n', 'refuses: HTTP status 404'],
    ['SSH-2.0-x\r\n', 'refuses: its answer is not HTTP'],
    [xml(''), 'sent no attributes'],
    [xml('<ac>AAAA</ac>'), "the VOMS attributes can't be read"],
  ])('that says %j is told of', async (answer, message) => {
    expect((await failureOf(ask(answer))).message).toContain(message);
  });
});

describe('MyProxy’s messages', () => {
  it('of any kind are read or refused', () => {
    const words = fc.constantFrom(
      'VERSION=MYPROXYv2',
      '\n',
      'RESPONSE=',
      '0',
      '1',
      '2',
      'ERROR=',
      'x',
      '=',
      '\u001b[2J',
      '__proto__=1',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(words).map(w => w.join('')),
        ),
        text => {
          try {
            parseResponse(text, 'it');
          } catch (error) {
            if (!(error instanceof AuthError)) throw error;
          }
        },
      ),
    );
  });

  it('have one line for each thing, whatever is in it', () => {
    const text = encodeRequest({
      command: 'get',
      username: 'j=d',
      passphrase: 'a b=c',
      lifetime: 60,
      credential: 'x',
    }).toString();
    expect(text).toBe('VERSION=MYPROXYv2\nCOMMAND=0\nUSERNAME=j=d\nPASSPHRASE=a b=c\nLIFETIME=60\nCRED_NAME=x\n\0');
    for (const username of ['a\nb', 'a\rb', 'a\0b'])
      expect(() => encodeRequest({ command: 'get', username })).toThrow(ScailfinError);
  });

  it.each([
    ['myproxy.org', { host: 'myproxy.org', port: 7512 }],
    ['myproxy.org:7513', { host: 'myproxy.org', port: 7513 }],
    ['[::1]:7513', { host: '::1', port: 7513 }],
    ['10.1.2.3', { host: '10.1.2.3', port: 7512 }],
  ])('go to %s', (text, server) => {
    expect(myproxyServer(text, {})).toMatchObject(server);
    const env = { MYPROXY_SERVER: text, MYPROXY_SERVER_DN: '/O=Grid/CN=m' };
    expect(myproxyServer(undefined, env)).toMatchObject({ ...server, identity: '/O=Grid/CN=m' });
  });

  it('are not sent if no server is named', () => {
    for (const text of [undefined, '', 'a b', 'host:port', ':1'])
      expect(() => myproxyServer(text, {})).toThrow(ScailfinError);
    expect(myproxyServer(undefined, { MYPROXY_SERVER: 'm', MYPROXY_SERVER_PORT: '99' })).toMatchObject({ port: 99 });
  });
});
