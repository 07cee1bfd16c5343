import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { UsageError } from '../../errors.js';
import type { ClusterHere } from '../service.js';
import { secretFiles } from './facts.js';

const [token, password] = secretFiles;

/** The file on this machine with the token of a cluster's REANA. Secret. @param folder the cluster's own directory */
export const tokenFile = (folder: string): string => join(folder, token);

/** The file on this machine with the password for the page of an upstream REANA. Secret. */
export const passwordFile = (folder: string): string => join(folder, password);

export const keepToken = (folder: string, secret: string): void => keep(tokenFile(folder), secret);

export const keepPassword = (folder: string, secret: string): void => keep(passwordFile(folder), secret);

/** The token with which clients use the cluster's REANA. @throws UsageError if it is not on this machine */
export function tokenOf({ cluster, folder }: ClusterHere): string {
  const known = readToken(folder);
  if (known !== undefined) return known;
  throw new UsageError(`the token of ${cluster}'s REANA is not on this machine any more`, {
    hint: `to get it again: scailfin up ${cluster}`,
  });
}

/** The token, which is made at the first use. */
export function ownToken(folder: string): string {
  const known = readToken(folder);
  if (known !== undefined) return known;
  const made = randomBytes(24).toString('base64url');
  keepToken(folder, made);
  return made;
}

function readToken(folder: string): string | undefined {
  const file = tokenFile(folder);
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

function keep(file: string, secret: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileAtomic.sync(file, `${secret}\n`, { mode: 0o600 });
}
