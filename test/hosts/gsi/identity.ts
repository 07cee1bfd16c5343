import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pem } from './acceptor.js';

/** 1.3.6.1.4.1.3536.1.1.1.9, Globus' policy language of limited proxies. */
const limited = Buffer.from('060b2b060104019b5001010109', 'hex');

/**
 * Verifies a chain with openssl's own command, proxies allowed.
 * @returns the name of who is behind the proxies, as grid map files have it
 * @throws Error in the form of Globus' error texts
 */
export async function identify(chain: readonly Buffer[], certificates: string): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'gsi-chain-'));
  try {
    const [leaf, behind] = [join(dir, 'leaf'), join(dir, 'behind')];
    writeFileSync(leaf, chain.slice(0, 1).map(pem).join(''));
    writeFileSync(behind, chain.slice(1).map(pem).join(''));
    const untrusted = chain.length > 1 ? ['-untrusted', behind] : [];
    const fault = await complaint(['verify', '-allow_proxy_certs', '-CApath', certificates, ...untrusted, leaf]);
    if (fault) throw globusError('Could not verify credential', fault);
  } finally {
    rmSync(dir, { recursive: true });
  }
  const names = chain.map(der => new X509Certificate(der)).map(({ subject, issuer }) => ({ subject, issuer }));
  const holder = names.find(({ subject, issuer }) => !subject.startsWith(`${issuer}\n`));
  return `/${(holder?.subject ?? '').replaceAll('\n', '/')}`;
}

export const isLimited = (chain: readonly Buffer[]): boolean => chain.some(der => der.includes(limited));

/** The accounts of a name, by a grid map file: `"/O=Grid/CN=Somebody" alice,bob`. */
export function accountsOf(name: string, gridmap: string): string[] {
  for (const line of readFileSync(gridmap, 'utf8').split('\n')) {
    const [, mapped, accounts] = /^"([^"]+)"\s+(\S+)/.exec(line) ?? [];
    if (mapped === name) return accounts?.split(',') ?? [];
  }
  return [];
}

export function globusError(...lines: readonly string[]): Error {
  const chain = lines.map(line => `globus_gsi_callback_module: ${line}\n`).join('');
  return new Error(`GSS Major Status: Authentication Failed\n\nGSS Minor Status Error Chain:\n${chain}\n`);
}

function complaint(argv: readonly string[]): Promise<string | undefined> {
  return new Promise(resolve => {
    execFile('openssl', argv, (error, _stdout, stderr) => {
      resolve(error ? (/depth lookup: *(.+)/.exec(stderr)?.[1] ?? stderr) : undefined);
    });
  });
}
