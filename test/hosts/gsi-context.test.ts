import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseProxy, signDelegation } from '../../src/credentials/x509/proxy.js';
import { AuthError } from '../../src/errors.js';
import { SecurityContext } from '../../src/hosts/gsi/context.js';
import { micKeys, micToken } from '../../src/hosts/gsi/mic.js';
import { serverWords } from '../../src/hosts/gsi/words.js';
import { Acceptor } from './gsi/acceptor.js';
import { Grid } from './gsi-sshd.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

describe('a security context', () => {
  let grid: Grid;
  let text: string;
  let host: { certificate: string; key: string };
  beforeAll(() => {
    grid = new Grid();
    text = readFileSync(grid.proxy('proxy'), 'utf8');
    host = grid.host();
  });
  afterAll(() => grid?.remove());

  /** Both ends, the acceptor's tokens passing through `mangle`. @returns what the server got to know of us, and the error */
  const converse = async (version: 'TLSv1.2' | 'TLSv1.3', mangle: (token: Buffer, count: number) => Buffer) => {
    const proxy = parseProxy(text, 'proxy');
    const context = new SecurityContext({
      server: 'box',
      chain: text,
      key: proxy.key.export({ type: 'pkcs8', format: 'pem' }) as string,
      checkServer: shown => {
        if (!shown[0]?.equals(new X509Certificate(host.certificate).raw)) throw new AuthError('another certificate');
      },
      delegate: request => signDelegation(request, proxy),
    });
    const acceptor = new Acceptor({ ...host, tls: { version } });
    try {
      let step = await context.step();
      for (let count = 0; !step.done; count++) {
        // it may notice first: what it signs and verifies has what was mangled in it
        const { token } = await acceptor
          .accept(step.token as Buffer, async () => {})
          .catch((error: Error) => Promise.reject(new AuthError(`the acceptor says ${error.message}`)));
        step = await context.step(mangle(token, count));
      }
      await acceptor.accept(step.token as Buffer, async () => {});
      const message = Buffer.from('a message');
      expect(acceptor.faultOf(message, context.mic(message))).toBeUndefined();
      expect(acceptor.faultOf(message, context.mic(message))).toBe('a MIC out of sequence');
      return acceptor;
    } finally {
      context.close();
      acceptor.close();
    }
  };

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'is established with what Globus knows as its acceptor (%s)',
    async version => {
      const { delegated, shown } = await converse(version, token => token);
      expect(shown).toHaveLength(2);
      const made = parseProxy(delegated as string, 'delegated');
      expect(made.identity).toBe(grid.identity);
      expect(made.certificates[0].x509.checkPrivateKey(createPrivateKey(delegated as string))).toBe(true);
    },
  );

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('fails in words when one bit of a token is wrong (%s)', async version => {
    await fc.assert(
      fc.asyncProperty(fc.nat(3), fc.nat(), fc.nat(7), async (which, at, bit) => {
        let isMangled = false;
        const flip = (token: Buffer, count: number): Buffer => {
          // the version in a record's header means nothing any more (RFC 8446, 5.1)
          const place = at % (token.length || 1);
          if (count !== which || token.length === 0 || isVersion(token, place)) return token;
          isMangled = true;
          const copy = Buffer.from(token);
          copy[place] = (copy[place] as number) ^ (1 << bit);
          return copy;
        };
        const error = await converse(version, flip).then(
          () => undefined,
          (e: unknown) => e,
        );
        if (isMangled) expect(error).toBeInstanceOf(AuthError);
      }),
      { numRuns: 25 },
    );
  });

  it('does not wait for the rest of a token that was cut', async () => {
    await expect(converse('TLSv1.3', token => token.subarray(0, token.length - 5))).rejects.toThrow(
      'box sends a token that is not whole',
    );
  });

  it('does not believe noise', async () => {
    await expect(converse('TLSv1.2', () => Buffer.from('HTTP/1.0 400 Bad Request\r\n\r\n'))).rejects.toThrow(AuthError);
    await expect(converse('TLSv1.2', () => Buffer.alloc(0))).rejects.toThrow(AuthError);
  });
});

/** Places 1 and 2 of each record. */
function isVersion(token: Buffer, place: number): boolean {
  for (let at = 0; at + 5 <= token.length; at += 5 + token.readUInt16BE(at + 3)) {
    if (place === at + 1 || place === at + 2) return true;
  }
  return false;
}

describe('a MIC', () => {
  const keys = micKeys('TLS_AES_256_GCM_SHA384', length => Buffer.alloc(length, 7));

  it('is a number, a length and a code', () => {
    const token = micToken(keys, 258n, Buffer.from('abc'));
    expect(token.subarray(0, 12).toString('hex')).toBe('0000000000000102' + '00000003');
    expect(token).toHaveLength(28);
    expect(micToken(keys, 259n, Buffer.from('abc')).subarray(12)).not.toEqual(token.subarray(12));
  });

  it('needs AES-GCM', () => {
    expect(() => micKeys('TLS_CHACHA20_POLY1305_SHA256', () => Buffer.alloc(32))).toThrow(AuthError);
    expect(micKeys('ECDHE-RSA-AES128-GCM-SHA256', n => Buffer.alloc(n)).key).toHaveLength(16);
  });
});

it("a server's words are its last cause, on one line, without what could steer a terminal", () => {
  const chain =
    'GSS Major Status: Authentication Failed\n\nGSS Minor Status Error Chain:\nglobus_gsi_gssapi: SSL problem\n';
  expect(serverWords(`${chain}globus_gsi_callback_module: It has \u001b[31mexpired\n\n\n`)).toBe('It has expired');
  expect(serverWords('No credentials\ncache found')).toBe('No credentials; cache found');
});
