import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';

/** Where this machine keeps the token of a cluster's REANA. Secret. @param journalDir the cluster's own here */
export const tokenFile = (journalDir: string): string => join(journalDir, 'reana.token');

/** The token by which one talks to the cluster's REANA; undefined where there is none yet. */
export function readToken(journalDir: string): string | undefined {
  const file = tokenFile(journalDir);
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

export const keepToken = (journalDir: string, token: string): void => keep(tokenFile(journalDir), token);

/** Where this machine keeps the password by which one signs in to the page of an upstream REANA. Secret. */
export const passwordFile = (journalDir: string): string => join(journalDir, 'reana.password');

export const keepPassword = (journalDir: string, password: string): void => keep(passwordFile(journalDir), password);

/** They are good for nothing once the cluster is gone. */
export function forgetSecrets(journalDir: string): void {
  for (const file of [tokenFile(journalDir), passwordFile(journalDir)]) rmSync(file, { force: true });
}

function keep(file: string, secret: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileAtomic.sync(file, `${secret}\n`, { mode: 0o600 });
}

/** The token, made at first use. */
export function ownToken(journalDir: string): string {
  const known = readToken(journalDir);
  if (known !== undefined) return known;
  const token = randomBytes(24).toString('base64url');
  keepToken(journalDir, token);
  return token;
}
