import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';

/** Where this machine keeps the token of a cluster's REANA. Secret. @param journalDir the cluster's own here */
export const tokenFile = (journalDir: string): string => join(journalDir, 'reana.token');

/** The token by which one talks to the cluster's REANA; undefined where there is none yet. */
export function readToken(journalDir: string): string | undefined {
  const file = tokenFile(journalDir);
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

export function keepToken(journalDir: string, token: string): void {
  mkdirSync(journalDir, { recursive: true, mode: 0o700 });
  writeFileAtomic.sync(tokenFile(journalDir), `${token}\n`, { mode: 0o600 });
}

/** The token, made at first use. */
export function ownToken(journalDir: string): string {
  const known = readToken(journalDir);
  if (known !== undefined) return known;
  const token = randomBytes(24).toString('base64url');
  keepToken(journalDir, token);
  return token;
}
